#pragma once

#include "exit_code.hpp"
#include "queue/command_handler.hpp"
#include "queue/kind_option.hpp"
#include "queue/worker_line.hpp"

#include <tidewire/core/context.hpp>
#include <tidewire/http/client.hpp>
#include <tidewire/queue/task_queue.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace tidewire::cli {

struct worker_options {
  std::vector<kind_option> kinds;
  queue::task_queue_options queue;
  std::chrono::nanoseconds grace = std::chrono::seconds(5);  // between SIGTERM and SIGKILL
  bool until_idle = false, json = false, quiet = false;
};

// One run of `queue work`: until a signal, or nothing is left to do. The first signal lets tasks
// finish, the second one ends at once.
class worker {
 public:
  worker(worker_options o, std::shared_ptr<queue::task_store> store);
  exit_code run();

 private:
  void listen();
  void handle_kinds();
  void wait_for_signal();
  void watch_idle(std::chrono::milliseconds after);
  void ask_whether_idle();
  void stop();
  void say(const std::string& line) const;
  void complain(const std::string& text) const;
  template <class Event, class Count>
  void tell(signal<Event>& of, Count count);

  worker_options options_;
  line_form form_;
  asio::io_context io_{1};
  context ctx_;
  running_commands running_;
  queue::task_queue queue_;
  std::unique_ptr<http::client> http_;
  asio::signal_set signals_;
  timer idle_timer_;
  worker_totals totals_;
  std::vector<std::shared_ptr<void>> connections_;
  exit_code code_ = exit_code::ok;
  bool stopping_ = false;
};

}  // namespace tidewire::cli
