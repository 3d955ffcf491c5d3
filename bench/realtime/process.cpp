#include "process.hpp"

#include <boost/asio/read_until.hpp>

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <istream>
#include <iterator>
#include <sstream>

namespace tidewire::bench {

arguments::arguments(int argc, char** argv) {
  for (int i = 0; i + 1 < argc; i += 2) all_[argv[i]] = argv[i + 1];
}

std::string arguments::text(const std::string& name, const std::string& otherwise) const {
  auto it = all_.find(name);
  return it == all_.end() ? otherwise : it->second;
}

std::size_t arguments::number(const std::string& name, std::size_t otherwise) const {
  auto it = all_.find(name);
  return it == all_.end() ? otherwise : std::strtoull(it->second.c_str(), nullptr, 10);
}

double now_s() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

double cpu_s() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(u.ru_utime) + seconds(u.ru_stime);
}

void say(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

commands::commands(asio::io_context& io, std::function<void(const words&)> obey)
    : input_(io, ::dup(STDIN_FILENO)), obey_(std::move(obey)) {
  read();
}

void commands::read() {
  asio::async_read_until(input_, buffer_, '\n', [this](error_code ec, std::size_t) {
    if (ec) std::_Exit(0);
    std::string line;
    std::istream in(&buffer_);
    std::getline(in, line);
    std::istringstream parts(line);
    obey_({std::istream_iterator<std::string>(parts), {}});
    read();
  });
}

context make_context(asio::io_context& io) {
  return context(io.get_executor(), rng::from_entropy());
}

}  // namespace tidewire::bench
