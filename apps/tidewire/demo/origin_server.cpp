#include "origin_server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace tidewire::demo {
namespace {

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds listen_again{100};
constexpr std::chrono::seconds ping{3}, drain_spread{3};

}  // namespace

origin_server::origin_server(context ctx, file::filesystem& disk, std::string data_folder,
                             std::string files_folder)
    : ctx_(std::move(ctx)),
      disk_(disk),
      data_folder_(std::move(data_folder)),
      files_folder_(std::move(files_folder)),
      wake_(ctx_.exec),
      clock_(ctx_.exec) {}

result<void> origin_server::begin() {
  server::backend_options o;
  o.data_folder = data_folder_;
  o.files_folder = files_folder_;
  o.http.port = port_;
  o.http.allowed_origins = origins_;
  // Faster than the defaults: who watches a demo has no 25 seconds to see a dead socket noticed.
  o.messages.ping = ping;
  o.messages.drain_spread = drain_spread;
  auto made = std::make_unique<server::backend>(ctx_, disk_, std::move(o));
  auto listening = made->listen();
  if (!listening) return listening;
  backend_ = std::move(made);
  port_ = backend_->port();
  return {};
}

result<void> origin_server::listen() {
  return begin();
}

asio::awaitable<void> origin_server::run() {
  while (!stopping_) {
    auto serving = backend_->async_run(quietly);
    co_await std::move(serving);
    backend_.reset();
    auto down = stay_down();
    co_await std::move(down);
  }
}

asio::awaitable<void> origin_server::stay_down() {
  while (!stopping_) {
    if (clock_.now() < up_at_) {
      wake_.expires_at(up_at_);
      co_await wake_.async_wait(quietly);
      continue;
    }
    auto up = begin();
    if (up) {
      ++restarts_;
      going_down_ = false;
      co_return;
    }
    // Somebody may hold the port for a moment.
    ctx_.log->write(severity::warning, "demo.server_not_back", {{"error", up.error().message()}});
    up_at_ = clock_.now() + listen_again;
  }
}

void origin_server::stop() {
  stopping_ = true;
  wake_.cancel();
  if (backend_) backend_->stop(std::chrono::seconds(0));
}

outcome origin_server::read_down_time(const boost::json::object& how,
                                      std::chrono::milliseconds& into) {
  const auto* down = how.if_contains("down_ms");
  if (how.size() != 1 || !down || !down->is_int64() || down->get_int64() < 0 ||
      down->get_int64() > 60'000)
    return refusal{422, "a restart wants {\"down_ms\": 0 to 60000}"};
  into = std::chrono::milliseconds(down->get_int64());
  return {};
}

void origin_server::restart(std::chrono::milliseconds down) {
  up_at_ = clock_.now() + down;
  wake_.cancel();  // it is down already: look at the new time
  if (backend_ && !std::exchange(going_down_, true)) backend_->stop(std::chrono::seconds(0));
}

boost::json::object origin_server::state() const {
  boost::json::object o;
  o["state"] = running() ? "running" : "down";
  o["restarts"] = restarts_;
  o["address"] = "http://127.0.0.1:" + std::to_string(port_);
  return o;
}

}  // namespace tidewire::demo
