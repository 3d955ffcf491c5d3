#include <tidewire/core/runtime.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

namespace tidewire {
namespace {

// Between the library and the user's thread. Shared with every delivery under way, because the
// user's loop may run one long after the runtime is gone.
struct gate {
  // Held while a callback runs, so that stop() on another thread waits for it; recursive, so that
  // a callback may call stop() itself.
  std::recursive_mutex mutex;
  // Written under the mutex; read without it where being late does no harm.
  std::atomic<bool> stopped = false;

  void run(const runtime::task& call) {
    std::lock_guard lock(mutex);
    if (!stopped) call();
  }
};

}  // namespace

struct runtime::impl {
  // Shared, because the default post-function may be called when the runtime is gone.
  std::shared_ptr<asio::io_context> context = std::make_shared<asio::io_context>(1);
  asio::executor_work_guard<asio::io_context::executor_type> work{context->get_executor()};
  std::shared_ptr<gate> out = std::make_shared<gate>();
  post_function post;
  std::mutex joining;
  std::thread thread;
  std::thread::id thread_id;  // stays after the join
};

runtime::runtime(post_function post) : impl_(std::make_unique<impl>()) {
  impl_->post = post ? std::move(post) : [weak = std::weak_ptr(impl_->context)](task call) {
    if (auto context = weak.lock()) asio::post(*context, std::move(call));
  };
  impl_->thread = std::thread([context = impl_->context] { context->run(); });
  impl_->thread_id = impl_->thread.get_id();
}

runtime::~runtime() {
  stop();
}

executor runtime::get_executor() const {
  return impl_->context->get_executor();
}

runtime::post_function runtime::outlet() const {
  return [out = impl_->out, post = impl_->post](task call) {
    // Looked at here too, so that nothing piles up in a loop that runs no more.
    if (out->stopped) return;
    post([out, call = std::move(call)] { out->run(call); });
  };
}

void runtime::deliver(task call) {
  outlet()(std::move(call));
}

void runtime::stop() {
  {
    std::lock_guard lock(impl_->out->mutex);
    impl_->out->stopped = true;
  }
  impl_->context->stop();
  // Before the lock: another thread may hold it while it waits for this one to end.
  if (impl_->thread_id == std::this_thread::get_id()) return;
  std::lock_guard lock(impl_->joining);
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace tidewire
