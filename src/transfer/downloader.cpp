#include "transfer/download_task.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/initiate_on.hpp>
#include <tidewire/transfer/downloader.hpp>

#include <boost/asio/dispatch.hpp>

#include <algorithm>
#include <vector>

namespace tidewire::transfer {

// Touched on the client's executor alone.
struct downloader::impl {
  impl(context c, http::client& h, file::filesystem& d) : ctx(std::move(c)), client(h), disk(d) {}

  context ctx;
  http::client& client;
  file::filesystem& disk;
  host_gate gate;
  std::vector<download_task*> running;
  std::vector<asio::any_completion_handler<void()>> waiting_for_stop;
  std::uint64_t started = 0;
  bool stopped = false;

  void leave(download_task* task) {
    std::erase(running, task);
    complete_stop();
  }
  void complete_stop() {
    if (!stopped || !running.empty()) return;
    auto all = std::move(waiting_for_stop);
    waiting_for_stop.clear();
    for (auto& done : all) {
      asio::post(client.get_executor(), [done = std::move(done)]() mutable {
        auto ex = asio::get_associated_executor(done);
        asio::dispatch(ex, std::move(done));
      });
    }
  }
};

namespace {

using outcome = std::pair<error_code, download_result>;

}  // namespace

downloader::downloader(context ctx, http::client& client, file::filesystem& disk)
    : impl_(std::make_shared<impl>(std::move(ctx), client, disk)) {}

downloader::~downloader() = default;

void downloader::start(download_request request,
                       asio::any_completion_handler<void(error_code, download_result)> done) {
  auto body = [self = impl_, settings = request.settings()]() -> asio::awaitable<outcome> {
    if (self->stopped) co_return outcome(tidewire::errc::stopped, download_result{});
    context ctx = self->ctx;
    ctx.random = self->ctx.random.stream(std::to_string(self->started++));
    download_task task(ctx, self->client, self->disk, self->gate, settings);
    self->running.push_back(&task);
    auto end = co_await task.run();
    self->leave(&task);
    co_return end;
  };
  initiate_on<void(error_code, download_result)>(impl_->client.get_executor(), std::move(done),
                                                 std::move(body));
}

void downloader::stop(asio::any_completion_handler<void()> done) {
  asio::post(impl_->client.get_executor(), [self = impl_, done = std::move(done)]() mutable {
    self->stopped = true;
    self->waiting_for_stop.push_back(std::move(done));
    for (auto* task : self->running) task->cancel();
    self->complete_stop();
  });
}

}  // namespace tidewire::transfer
