#include "realtime/http_call.hpp"

#include <tidewire/http/date.hpp>
#include <tidewire/realtime/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace tidewire::realtime {
namespace {

class collector final : public http::exchange_handler {
 public:
  collector(http_answer& answer, std::size_t max_bytes) : answer_(answer), max_bytes_(max_bytes) {}

  http::flow on_head(const http::response_head& head) override {
    answer_.status = head.status;
    answer_.headers = head.headers;
    return http::flow::proceed;
  }
  http::flow on_body(std::span<const std::byte> bytes) override {
    if (bytes.size() > max_bytes_ - answer_.body.size()) {
      too_large = true;
      return http::flow::stop;
    }
    answer_.body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return http::flow::proceed;
  }

  bool too_large = false;

 private:
  http_answer& answer_;
  std::size_t max_bytes_;
};

class text_source final : public http::body_source {
 public:
  explicit text_source(const std::string& text) : text_(text) {}

  result<std::size_t> read(std::span<std::byte> space) override {
    auto n = std::min(space.size(), text_.size() - position_);
    std::memcpy(space.data(), text_.data() + position_, n);
    position_ += n;
    return n;
  }
  bool rewind() override {
    position_ = 0;
    return true;
  }

 private:
  const std::string& text_;
  std::size_t position_ = 0;
};

}  // namespace

std::optional<std::chrono::nanoseconds> http_answer::retry_after(
    std::chrono::system_clock::time_point wall) const {
  auto value = headers.find("Retry-After");
  if (!value) return std::nullopt;
  return http::parse_retry_after(*value, wall, std::chrono::hours(24));
}

asio::awaitable<http_answer> call(http::client& client, http::request request, std::string content,
                                  std::size_t max_bytes, asio::cancellation_slot slot) {
  http_answer answer;
  collector handler(answer, max_bytes);
  text_source body(content);
  if (!content.empty()) {
    request.body = &body;
    request.content_length = content.size();
  }
  auto token = asio::bind_cancellation_slot(slot, asio::as_tuple(asio::use_awaitable));
  http::exchange_handler& to = handler;
  auto [ec, summary] = co_await client.async_exchange(std::move(request), to, token);
  answer.ec = handler.too_large ? make_error_code(errc::bad_answer) : ec;
  answer.detail = handler.too_large ? "the answer is too large" : std::move(summary.detail);
  co_return answer;
}

}  // namespace tidewire::realtime
