#include "queue/http_handler.hpp"

#include "queue/http_task.hpp"

#include <tidewire/core/clock.hpp>

#include <boost/asio/as_tuple.hpp>

#include <algorithm>
#include <cstring>
#include <memory>

namespace tidewire::cli {
namespace {

// Keeps the beginning of an answer.
class answer_reader final : public http::exchange_handler {
 public:
  http_answer answer;

  http::flow on_head(const http::response_head& head) override {
    answer.status = head.status;
    if (auto value = head.headers.find("retry-after")) answer.retry_after = std::string(*value);
    if (auto value = head.headers.find("location")) answer.location = std::string(*value);
    return http::flow::proceed;
  }
  http::flow on_body(std::span<const std::byte> bytes) override {
    auto room = std::min(bytes.size(), kept_body_bytes - answer.body.size());
    answer.body.append(reinterpret_cast<const char*>(bytes.data()), room);
    if (room < bytes.size()) answer.body_cut = true;
    return http::flow::proceed;
  }
};

class text_source final : public http::body_source {
 public:
  explicit text_source(const std::string& text) : text_(text) {}

  result<std::size_t> read(std::span<std::byte> space) override {
    auto n = std::min(space.size(), text_.size() - at_);
    std::memcpy(space.data(), text_.data() + at_, n);
    at_ += n;
    return n;
  }
  bool rewind() override {
    at_ = 0;
    return true;
  }

 private:
  const std::string& text_;
  std::size_t at_ = 0;
};

asio::awaitable<queue::outcome> exchange(http::client& client, queue::task_context task) {
  auto read = parse_http_order(task.payload());
  if (!read.order) co_return queue::outcome::discard(std::move(read.fault));
  auto& order = *read.order;
  text_source body(order.body);
  if (order.has_body) {
    order.request.body = &body;
    order.request.content_length = order.body.size();
  }
  // The time is the task's.
  order.request.limits.head = order.request.limits.idle = std::chrono::nanoseconds(0);
  answer_reader reader;
  auto token = asio::as_tuple(asio::use_awaitable);
  auto exchanging = client.async_exchange(std::move(order.request), reader, token);
  auto [ec, summary] = co_await std::move(exchanging);
  if (ec) co_return outcome_of_failure(ec, summary.detail);
  clock time(client.get_executor());
  co_return outcome_of(reader.answer, time.wall_now());
}

}  // namespace

queue::task_handler make_http_handler(http::client& client) {
  return queue::task_handler(
      [&client](queue::task_context task) { return exchange(client, std::move(task)); });
}

}  // namespace tidewire::cli
