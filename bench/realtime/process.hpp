#pragma once

#include <tidewire/core/context.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/streambuf.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tidewire::bench {

// `name value` pairs of the command line.
class arguments {
 public:
  arguments(int argc, char** argv);
  std::string text(const std::string& name, const std::string& otherwise = "") const;
  std::size_t number(const std::string& name, std::size_t otherwise) const;

 private:
  std::map<std::string, std::string> all_;
};

// Seconds on CLOCK_MONOTONIC, which all processes of a run share.
double now_s();
// Seconds of user and system time that this process has used.
double cpu_s();
// One line on stdout, for the driver.
void say(const std::string& line);

// The lines of standard input, each as its words. Its end ends the process: a driver that dies
// leaves nothing behind.
class commands {
 public:
  using words = std::vector<std::string>;
  commands(asio::io_context& io, std::function<void(const words&)> obey);

 private:
  void read();
  asio::posix::stream_descriptor input_;
  asio::streambuf buffer_;
  std::function<void(const words&)> obey_;
};

context make_context(asio::io_context& io);

int run_server(const arguments&);
int run_link(const arguments&);
int run_listener(const arguments&);
int run_raw_listener(const arguments&);
int run_publisher(const arguments&);
int run_pinger(const arguments&);
int run_crowd(const arguments&);
int run_idle(const arguments&);
int run_pollers(const arguments&);

}  // namespace tidewire::bench
