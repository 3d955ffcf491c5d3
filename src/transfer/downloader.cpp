#include "transfer/download_task.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/initiate_on.hpp>
#include <tidewire/transfer/downloader.hpp>

#include <boost/asio/post.hpp>

#include <vector>

namespace tidewire::transfer {

// Touched on the client's executor alone.
struct downloader::impl {
  impl(context c, http::client& h, file::filesystem& d)
      : ctx(std::move(c)),
        client(h),
        disk(d),
        stops(std::make_shared<stop_gate>(client.get_executor())) {}

  context ctx;
  http::client& client;
  file::filesystem& disk;
  host_gate gate;
  std::vector<download_task*> running;
  std::shared_ptr<stop_gate> stops;
  std::uint64_t started = 0;
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
    if (self->stops->stopped()) co_return outcome(tidewire::errc::stopped, download_result{});
    context ctx = self->ctx;
    ctx.random = self->ctx.random.stream(std::to_string(self->started++));
    download_task task(ctx, self->client, self->disk, self->gate, settings);
    self->running.push_back(&task);
    auto end = co_await task.run();
    std::erase(self->running, &task);
    co_return end;
  };
  initiate_on<void(error_code, download_result)>(impl_->client.get_executor(), std::move(done),
                                                 std::move(body), impl_->stops);
}

void downloader::stop(asio::any_completion_handler<void()> done) {
  asio::post(impl_->client.get_executor(), [self = impl_, done = std::move(done)]() mutable {
    for (auto* task : self->running) task->cancel();
    self->stops->stop(std::move(done));
  });
}

}  // namespace tidewire::transfer
