#pragma once

#include "queue/open_store.hpp"
#include "queue/queue_options.hpp"

#include <tidewire/core/context.hpp>
#include <tidewire/queue/task_queue.hpp>

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace tidewire::cli {

// A task store that is open for one command: its calls are made one after the other, by the
// queue's own clock, and are waited for.
class store_session {
 public:
  explicit store_session(std::shared_ptr<queue::task_store> store,
                         queue::task_queue_options options = {});
  ~store_session();  // when everything is written
  store_session(const store_session&) = delete;

  template <class T>
  result<T> call(std::function<result<T>(queue::task_store&, queue::queue_time)> what) {
    std::optional<result<T>> out;
    queue_->async_call<T>(std::move(what), [&](error_code ec, T value) {
      if (ec)
        out.emplace(boost::system::in_place_error, ec);
      else
        out.emplace(std::move(value));
    });
    run();
    return std::move(*out);
  }
  // A call that needs no time, and so no lock of the store either: a file that another program
  // holds can be read.
  template <class T>
  result<T> read(const std::function<result<T>(queue::task_store&)>& what) {
    return what(*store_);
  }
  // In one transaction; each has its own outcome.
  result<std::vector<queue::insert_outcome>> enqueue(std::vector<queue::new_task> tasks);

 private:
  void run();

  std::shared_ptr<queue::task_store> store_;
  asio::io_context io_{1};
  std::unique_ptr<queue::task_queue> queue_;
};

// Says on stderr what is wrong, and gives nothing, when the store can't be opened; `code` is then
// how the command ends.
std::unique_ptr<store_session> open_session(const char* command, const queue_options& o,
                                            when_missing missing, exit_code& code);

// The same for a call that failed.
exit_code fail_store(const char* command, const error_code& ec);

}  // namespace tidewire::cli
