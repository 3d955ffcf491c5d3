#include "server_call.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace tidewire::lab::detail {
namespace {

// The call is a parameter, so that it lives as long as the handler that refers to its request.
asio::awaitable<server::response> serve(std::shared_ptr<server_call> call,
                                        const server::handler& answer, server::request& req) {
  (void)call;
  auto operation = answer(req);
  auto response = co_await std::move(operation);
  co_return response;
}

}  // namespace

server_call::server_call(executor ex, server::handler answer, server::request req)
    : executor_(ex), answer_(std::move(answer)), request_(std::move(req)), wake_(ex) {
  request_.body = this;
}

void server_call::run(std::function<void(server::response*)> done) {
  asio::co_spawn(
      executor_, serve(shared_from_this(), answer_, request_),
      [done = std::move(done)](const std::exception_ptr& failure, server::response response) {
        done(failure ? nullptr : &response);
      });
}

void server_call::feed(std::span<const std::byte> bytes) {
  if (broken_) return;
  if (taken_ == buffer_.size()) {
    buffer_.clear();
    taken_ = 0;
  }
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  whole_ = whole_ && copy_.size() + bytes.size() <= max_repeated_bytes;
  if (whole_) copy_.insert(copy_.end(), bytes.begin(), bytes.end());
  wake_.cancel();
}

void server_call::feed_end() {
  ended_ = true;
  wake_.cancel();
}

void server_call::break_off() {
  broken_ = true;
  on_read = nullptr;
  wake_.cancel();
}

std::shared_ptr<server_call> server_call::repetition() const {
  if (!whole_ || !ended_) return nullptr;
  auto again = std::make_shared<server_call>(executor_, answer_, request_);
  again->feed(copy_);
  again->feed_end();
  return again;
}

asio::awaitable<result<std::size_t>> server_call::read(std::span<std::byte> space) {
  while (taken_ == buffer_.size() && !ended_ && !broken_) {
    wake_.expires_at(clock::time_point::max());
    auto [ec] = co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
    (void)ec;
  }
  result<std::size_t> outcome(std::size_t{0});
  if (taken_ == buffer_.size() && broken_) {
    outcome = error_code(asio::error::connection_reset);
  } else {
    auto n = std::min(space.size(), buffer_.size() - taken_);
    std::copy_n(buffer_.data() + taken_, n, space.data());
    taken_ += n;
    if (n > 0 && on_read) on_read();
    outcome = n;
  }
  co_return outcome;
}

}  // namespace tidewire::lab::detail
