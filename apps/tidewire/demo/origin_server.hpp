#pragma once

#include "refusal.hpp"

#include <tidewire/core/context.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/file/filesystem.hpp>
#include <tidewire/server/backend.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tidewire::demo {

// The server under test: a real backend that can go down without grace and come back on the same
// port, as a crash with a supervisor does. Used on the demo's thread.
class origin_server {
 public:
  origin_server(context ctx, file::filesystem& disk, std::string data_folder,
                std::string files_folder);

  // Origins of pages that may talk to it. Before listen().
  void allow_pages(std::vector<std::string> origins) { origins_ = std::move(origins); }

  // Takes a free port, which it keeps.
  result<void> listen();
  std::uint16_t port() const { return port_; }
  asio::awaitable<void> run();  // until stop()
  void stop();

  // {"down_ms": 0..60000}
  static outcome read_down_time(const boost::json::object& how, std::chrono::milliseconds& into);
  // While it is down: it comes back that much later than now.
  void restart(std::chrono::milliseconds down);

  bool running() const { return backend_ && !going_down_; }
  boost::json::object state() const;

 private:
  result<void> begin();
  asio::awaitable<void> stay_down();

  context ctx_;
  file::filesystem& disk_;
  std::string data_folder_, files_folder_;
  std::vector<std::string> origins_;
  std::unique_ptr<server::backend> backend_;  // none: down
  timer wake_;
  clock clock_;
  clock::time_point up_at_{};
  std::uint16_t port_ = 0;
  unsigned restarts_ = 0;
  bool going_down_ = false, stopping_ = false;
};

}  // namespace tidewire::demo
