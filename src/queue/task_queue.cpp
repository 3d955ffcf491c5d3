#include "queue/queue_core.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/initiate_on.hpp>
#include <tidewire/queue/task_queue.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/thread_pool.hpp>

#include <mutex>
#include <utility>

namespace tidewire::queue {

struct task_queue::impl {
  impl(context ctx, std::shared_ptr<task_store> store, task_queue_options options) {
    auto where = options.store_executor;
    if (store->traits().blocking && !where) {
      store_thread = std::make_unique<asio::thread_pool>(1);
      where = store_thread->get_executor();
    }
    core = std::make_shared<queue_core>(std::move(ctx), std::move(store), std::move(options),
                                        std::move(where));
    core->blocking = [this] { return pool(); };
    core->begin();
  }

  // Made when the first blocking handler starts.
  executor pool() {
    if (core->options.handler_executor) return core->options.handler_executor;
    std::lock_guard lock(mutex);
    if (!handlers) handlers = std::make_unique<asio::thread_pool>(core->options.max_concurrency);
    return handlers->get_executor();
  }

  std::shared_ptr<queue_core> core;
  std::unique_ptr<asio::thread_pool> store_thread, handlers;
  std::mutex mutex;
};

task_queue::task_queue(context ctx, std::shared_ptr<task_store> store, task_queue_options options)
    : impl_(std::make_unique<impl>(std::move(ctx), std::move(store), std::move(options))) {}

task_queue::~task_queue() {
  impl_->core->abandon();
  if (impl_->handlers) impl_->handlers->join();
  if (impl_->store_thread) {
    impl_->store_thread->join();
    impl_->core->desk->detach();
  }
}

void task_queue::on(std::string kind, task_handler handler) {
  impl_->core->on(std::move(kind), std::move(handler));
}

result<task_handle> task_queue::add(task_handler function, new_task options) {
  return impl_->core->add(std::move(function), std::move(options));
}

void task_queue::schedule(std::string name, cron_schedule when, new_task task) {
  auto shared = std::make_shared<new_task>(std::move(task));
  asio::dispatch(impl_->core->strand, [core = impl_->core, name = std::move(name), when, shared] {
    core->schedule(name, when, std::move(*shared));
  });
}

task_handle task_queue::handle(task_id id) const {
  return {impl_->core, id, false};
}

task_events& task_queue::events() {
  return *impl_->core->events;
}

executor task_queue::get_executor() const {
  return impl_->core->strand;
}

void task_handle::start_wait(const std::weak_ptr<queue_core>& weak, task_id id,
                             asio::any_completion_handler<void(error_code, task_result)> done) {
  auto core = weak.lock();
  if (!core) {
    auto ex = asio::get_associated_executor(done);
    asio::dispatch(ex, [d = std::move(done)]() mutable {
      std::move(d)(make_error_code(tidewire::errc::stopped), task_result());
    });
    return;
  }
  auto body = [core, id] { return core->wait(id); };
  initiate_on<void(error_code, task_result)>(core->strand, std::move(done), std::move(body),
                                             core->gate);
}

void task_queue::start_enqueue(new_task task,
                               asio::any_completion_handler<void(error_code, task_handle)> done) {
  auto body = [core = impl_->core, t = std::make_shared<new_task>(std::move(task))] {
    return core->enqueue_one(std::move(*t));
  };
  initiate_on<void(error_code, task_handle)>(impl_->core->strand, std::move(done), std::move(body),
                                             impl_->core->gate);
}

void task_queue::start_enqueue_all(
    std::vector<new_task> tasks,
    asio::any_completion_handler<void(error_code, std::vector<insert_outcome>)> done) {
  auto body = [core = impl_->core, t = std::make_shared<std::vector<new_task>>(std::move(tasks))] {
    return core->enqueue(std::move(*t));
  };
  initiate_on<void(error_code, std::vector<insert_outcome>)>(impl_->core->strand, std::move(done),
                                                             std::move(body), impl_->core->gate);
}

void task_queue::start_cancel(task_id id,
                              asio::any_completion_handler<void(error_code, cancel_answer)> done) {
  auto body = [core = impl_->core, id] { return core->cancel(id); };
  initiate_on<void(error_code, cancel_answer)>(impl_->core->strand, std::move(done),
                                               std::move(body), impl_->core->gate);
}

void task_queue::start_pause(bool paused, asio::any_completion_handler<void(error_code)> done) {
  auto body = [core = impl_->core, paused] { return core->pause(paused); };
  initiate_on<void(error_code)>(impl_->core->strand, std::move(done), std::move(body),
                                impl_->core->gate);
}

void task_queue::start_status(asio::any_completion_handler<void(error_code, queue_status)> done) {
  auto body = [core = impl_->core] { return core->status(); };
  initiate_on<void(error_code, queue_status)>(impl_->core->strand, std::move(done), std::move(body),
                                              impl_->core->gate);
}

void task_queue::start_call(std::function<error_code(task_store&, queue_time)> call,
                            asio::any_completion_handler<void(error_code)> done) {
  auto body = [core = impl_->core, c = std::move(call)] { return core->call(c); };
  initiate_on<void(error_code)>(impl_->core->strand, std::move(done), std::move(body),
                                impl_->core->gate);
}

void task_queue::start_stop(asio::any_completion_handler<void(error_code)> done) {
  auto body = [core = impl_->core] { return core->stop(); };
  initiate_on<void(error_code)>(impl_->core->strand, std::move(done), std::move(body), nullptr);
}

}  // namespace tidewire::queue
