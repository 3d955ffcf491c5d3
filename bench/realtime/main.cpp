// The processes of `script/bench realtime` that are ours: ROLE [NAME VALUE]...
#include "process.hpp"

#include <cstdio>
#include <map>
#include <string>

int main(int argc, char** argv) {
  using namespace tidewire::bench;
  const std::map<std::string, int (*)(const arguments&)> roles{
      {"server", run_server},    {"link", run_link},   {"listener", run_listener},
      {"raw", run_raw_listener}, {"crowd", run_crowd}, {"publisher", run_publisher},
      {"pinger", run_pinger},    {"idle", run_idle},   {"pollers", run_pollers},
  };
  auto role = roles.find(argc > 1 ? argv[1] : "");
  if (role != roles.end()) return role->second(arguments(argc - 2, argv + 2));
  std::fputs("this is a part of script/bench realtime\n", stderr);
  return 2;
}
