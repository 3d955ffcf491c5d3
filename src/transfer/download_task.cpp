#include "transfer/download_task.hpp"

#include "transfer/download_report.hpp"

#include <tidewire/transfer/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace tidewire::transfer {
namespace {

// How often the task looks at its connections when nothing wakes it.
constexpr auto tick = std::chrono::milliseconds(100);
// Group commit: a crash of the machine costs at most this (law D3).
constexpr auto commit_interval = std::chrono::seconds(1);
constexpr std::uint64_t commit_bytes = 64 * 1024 * 1024;
// How long a connection may be slower than asked before it is replaced.
constexpr auto slow_patience = std::chrono::seconds(10);

}  // namespace

download_task::download_task(const context& ctx, http::client& client, file::filesystem& disk,
                             host_gate& gate, download_settings settings)
    : context_(ctx),
      client_(client),
      disk_(disk),
      gate_(gate),
      state_(std::move(settings), disk, clock(client.get_executor())),
      random_(ctx.random.stream("download")),
      wake_(client.get_executor()),
      rate_(state_.time().now()) {}

void download_task::cancel() {
  cancelled_ = true;
  wake();
}

asio::awaitable<std::pair<error_code, download_result>> download_task::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  last_commit_ = state_.time().now();
  state_.open();
  while (!cancelled_ && !state_.failed()) {
    co_await transfer();
    if (!state_.complete()) break;
    if (co_await verify()) break;
  }
  auto* target = state_.target();
  auto& result = state_.result_;
  if (target) {
    target->close();
    result.path = target->path();
  }
  result.bytes = state_.held_bytes();
  context_.metrics->count("tidewire_transfer_received_bytes_total",
                          static_cast<double>(result.received_bytes));
  context_.metrics->count("tidewire_transfer_retries_total", result.retries);
  error_code ec = state_.error();
  if (!ec && !state_.complete()) ec = asio::error::operation_aborted;
  if (!ec) {
    report(download_phase::complete, true);
    state_.say(download_event::kind_type::finished, 0, "complete");
  }
  co_return std::pair(ec, std::move(result));
}

// Until all bytes are held, or it failed or was cancelled.
asio::awaitable<void> download_task::transfer() {
  while (!over()) {
    start_connections();
    if (over()) break;
    wake_.expires_after(tick);
    auto token = asio::as_tuple(asio::use_awaitable);
    co_await wake_.async_wait(token);
    auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) cancelled_ = true;
    watch_connections();
    co_await commit_if_due();
    report(download_phase::downloading, false);
  }
  co_await end_connections();
}

void download_task::start_connections() {
  auto wanted = state_.wanted_connections();
  auto now_running = running();
  while (connections_.size() < wanted) {
    auto id = static_cast<unsigned>(connections_.size());
    auto all_running = [this] { return running(); };
    auto news = [this] { wake(); };
    connections_.push_back(std::make_unique<download_connection>(
        id, state_, client_, gate_, random_.stream(std::to_string(id)), all_running, news));
  }
  for (auto& connection : connections_) {
    if (now_running >= wanted) break;
    if (connection->running() || connection->retired()) continue;
    auto job = state_.plan(connection->id(), wanted - now_running);
    if (!job) break;
    ++now_running;
    asio::co_spawn(client_.get_executor(), connection->run(std::move(*job)),
                   [this](const std::exception_ptr& failure) {
                     if (failure) std::rethrow_exception(failure);
                     wake();
                   });
  }
  // Nobody runs and nobody may start: every connection has retired.
  if (now_running == 0 && !over())
    state_.fail(errc::network_exhausted, "every connection failed too often");
}

void download_task::watch_connections() {
  auto* scheduler = state_.scheduler();
  auto now = state_.time().now();
  std::vector<unsigned> obsolete;
  if (scheduler) obsolete = scheduler->obsolete();
  for (auto& c : connections_) {
    if (c->doing() != download_connection::activity::fetching) continue;
    bool fetched_by_others = std::find(obsolete.begin(), obsolete.end(), c->id()) != obsolete.end();
    bool slow = false;
    if (auto least = state_.settings().lowest_speed; scheduler && least > 0) {
      auto piece = scheduler->pieces().find(c->id());
      slow = piece != scheduler->pieces().end() && now - c->job_started() > slow_patience &&
             scheduler->rate_of(c->id(), now) < static_cast<double>(least);
    }
    if (fetched_by_others || slow || state_.outdated(c->job())) c->interrupt();
  }
  auto received = state_.result_.received_bytes;
  rate_.add(received - metered_bytes_, now);
  metered_bytes_ = received;
  auto total = state_.total();
  auto left = total ? *total - std::min(*total, state_.held_bytes()) : 0;
  state_.connections().observe(received, left, now);
}

asio::awaitable<void> download_task::commit_if_due() {
  auto now = state_.time().now();
  auto received = state_.result_.received_bytes;
  bool due = now - last_commit_ >= commit_interval || received - committed_bytes_ >= commit_bytes;
  if (!due || !state_.target() || received == committed_bytes_) co_return;
  last_commit_ = now;
  committed_bytes_ = received;
  auto ec = co_await state_.target()->commit();
  if (ec)
    state_.fail(errc::disk_failed, "the disk could not make the bytes durable: " + ec.message(),
                ec);
}

asio::awaitable<void> download_task::end_connections() {
  for (auto& c : connections_) {
    if (c->running()) c->end();
  }
  while (running() > 0) {
    wake_.expires_after(tick);
    auto token = asio::as_tuple(asio::use_awaitable);
    co_await wake_.async_wait(token);
  }
  connections_.clear();
}

// All bytes are held: checks them and gives them their name. False: fetch again.
asio::awaitable<bool> download_task::verify() {
  report(download_phase::verifying, true);
  auto total = state_.held_bytes();
  if (auto expected = state_.expected_digest()) {
    auto digest = co_await state_.target()->digest(total);
    if (!digest) {
      state_.fail(errc::disk_failed, "the file can't be read back: " + digest.error().message(),
                  digest.error());
      co_return true;
    }
    state_.result_.digest = *digest;
    if (*digest != *expected) {
      if (state_.retry_after_mismatch()) co_return false;
      (void)state_.target()->disown();
      state_.fail(errc::digest_mismatch,
                  "sha-256 is " + digest->hex() + " and should be " + expected->hex());
      co_return true;
    }
  } else if (state_.unverified() && !state_.settings().accept_unverified) {
    state_.fail(errc::length_unverified,
                "only the connection's end marked the end of the body, so that a cut one looks the "
                "same; the bytes are kept, accept them as they are or give a checksum");
    co_return true;
  }
  if (auto ec = co_await state_.target()->finish(total)) {
    if (ec == boost::system::errc::file_exists)
      state_.fail(errc::target_exists,
                  "the target appeared during the download and was left alone");
    else
      state_.fail(errc::disk_failed, "the file could not get its final name: " + ec.message(), ec);
  }
  co_return true;
}

unsigned download_task::running() const {
  return static_cast<unsigned>(std::count_if(connections_.begin(), connections_.end(),
                                             [](auto& c) { return c->running(); }));
}

void download_task::report(download_phase phase, bool always) {
  auto& call = state_.settings().on_progress;
  auto now = state_.time().now();
  if (!call || (!always && now - last_report_ < state_.settings().progress_interval)) return;
  last_report_ = now;
  call(describe(state_, connections_, phase, rate_.at(now)));
}

}  // namespace tidewire::transfer
