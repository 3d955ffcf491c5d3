#include "queue/store_session.hpp"

#include "escape.hpp"
#include "queue/store_fault.hpp"

namespace tidewire::cli {

store_session::store_session(std::shared_ptr<queue::task_store> store,
                             queue::task_queue_options options)
    : store_(std::move(store)) {
  context ctx(io_.get_executor(), rng::from_entropy());
  queue_ = std::make_unique<queue::task_queue>(ctx, store_, std::move(options));
}

store_session::~store_session() {
  queue_->async_stop([](error_code) {});
  run();
}

void store_session::run() {
  io_.restart();
  io_.run();
}

result<std::vector<queue::insert_outcome>> store_session::enqueue(
    std::vector<queue::new_task> tasks) {
  std::optional<result<std::vector<queue::insert_outcome>>> out;
  queue_->async_enqueue_all(std::move(tasks),
                            [&](error_code ec, std::vector<queue::insert_outcome> all) {
                              if (ec)
                                out.emplace(ec);
                              else
                                out.emplace(std::move(all));
                            });
  run();
  return std::move(*out);
}

std::unique_ptr<store_session> open_session(const char* command, const queue_options& o,
                                            when_missing missing, exit_code& code) {
  auto opened = open_task_store(o.store, missing);
  if (opened.store) return std::make_unique<store_session>(std::move(opened.store));
  code = fail_queue(command, opened.code, opened.fault);
  return nullptr;
}

exit_code fail_store(const char* command, const error_code& ec) {
  auto text = escape_terminal(ec.message()) + ".";
  if (auto advice = advice_for_store(ec); !advice.empty()) text += " " + advice;
  return fail_queue(command, exit_code_of_store(ec), text);
}

}  // namespace tidewire::cli
