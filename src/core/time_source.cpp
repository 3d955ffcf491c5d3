#include <tidewire/core/time_source.hpp>

#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/steady_timer.hpp>

#include <utility>

namespace tidewire {
namespace {

class machine_timer final : public timer_backend {
 public:
  explicit machine_timer(const executor& ex) : timer_(ex) {}

  void async_wait(clock::time_point deadline,
                  asio::any_completion_handler<void(error_code)> handler) override {
    using steady = std::chrono::steady_clock;
    timer_.expires_at(steady::time_point(
        std::chrono::duration_cast<steady::duration>(deadline.time_since_epoch())));
    timer_.async_wait(std::move(handler));
  }

  void cancel() override { timer_.cancel(); }

 private:
  asio::steady_timer timer_;
};

class machine_time final : public time_source {
 public:
  clock::time_point now() const noexcept override {
    return clock::time_point(std::chrono::duration_cast<clock::duration>(
        std::chrono::steady_clock::now().time_since_epoch()));
  }
  std::chrono::system_clock::time_point wall_now() const noexcept override {
    return std::chrono::system_clock::now();
  }
  std::unique_ptr<timer_backend> make_timer(const executor& ex) override {
    return std::make_unique<machine_timer>(ex);
  }
};

// Remembers per context which source is in force; Asio destroys it with the context.
class time_service final : public asio::execution_context::service {
 public:
  inline static asio::execution_context::id id;

  explicit time_service(asio::execution_context& context) : service(context) {}

  time_source& source() noexcept { return *source_; }
  void install(time_source& source) noexcept { source_ = &source; }

 private:
  void shutdown() override {}

  machine_time machine_;
  time_source* source_ = &machine_;
};

}  // namespace

void install_time_source(asio::execution_context& context, time_source& source) {
  asio::use_service<time_service>(context).install(source);
}

time_source& time_source_of(const executor& ex) {
  auto& context = asio::query(ex, asio::execution::context);
  return asio::use_service<time_service>(context).source();
}

}  // namespace tidewire
