#include "plain_http.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace tidewire::demo {
namespace {

constexpr std::size_t max_answer_bytes = 8 * 1024 * 1024;

class collector final : public http::exchange_handler {
 public:
  http::flow on_head(const http::response_head& head) override {
    reply.status = head.status;
    return http::flow::proceed;
  }
  http::flow on_body(std::span<const std::byte> bytes) override {
    if (bytes.size() > max_answer_bytes - reply.body.size()) return http::flow::stop;
    reply.body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return http::flow::proceed;
  }
  http_reply reply;
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

asio::awaitable<http_reply> ask(http::client& client, http::request request, std::string body) {
  collector handler;
  text_source source(body);
  if (!body.empty()) {
    request.body = &source;
    request.content_length = body.size();
  }
  auto token = asio::as_tuple(asio::use_awaitable);
  http::exchange_handler& to = handler;
  auto [ec, summary] = co_await client.async_exchange(std::move(request), to, token);
  handler.reply.error = ec;
  co_return std::move(handler.reply);
}

void observed_client::start(
    http::request req, http::exchange_handler& handler,
    asio::any_completion_handler<void(error_code, http::exchange_summary)> done) {
  auto slot = asio::get_associated_cancellation_slot(done);
  auto end = [ended = ended_, done = std::move(done)](error_code ec,
                                                      http::exchange_summary summary) mutable {
    // Who cancels knows it.
    if (ec != asio::error::operation_aborted) ended(ec ? 0 : summary.status);
    std::move(done)(ec, std::move(summary));
  };
  client_.async_exchange(std::move(req), handler,
                         asio::bind_cancellation_slot(slot, std::move(end)));
}

}  // namespace tidewire::demo
