#include "notification_side.hpp"

#include <tidewire/http/curl_client.hpp>
#include <tidewire/http/url.hpp>

#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tidewire::demo {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr std::size_t shown = 30;
constexpr std::size_t max_text_bytes = 500;

http::curl_client_options direct() {
  http::curl_client_options o;
  o.proxy = "";
  return o;
}

// Faster than the lesson's numbers, so that the interval is seen to move; and it never gives up.
realtime::poll_pace watched_pace() {
  realtime::poll_pace pace;
  pace.interval = 3s;
  pace.min_interval = 500ms;
  pace.max_interval = 20s;
  pace.multiplier = 1.5;
  pace.max_consecutive_errors = 0;
  pace.adapts = realtime::adaptation::gaps;
  return pace;
}

std::int64_t ms(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

}  // namespace

notification_side::notification_side(const context& ctx, place where, const stopwatch& time)
    : where_(std::move(where)),
      time_(time),
      polls_http_(http::make_curl_client(ctx, direct())),
      publish_http_(http::make_curl_client(ctx, direct())) {
  auto random = ctx.random.stream("notification keys");
  key_prefix_ = fmt::format("{:016x}", random());
  observed_ =
      std::make_unique<observed_client>(*polls_http_, [this](unsigned status) { ended(status); });
  realtime::notification_options options;
  options.pace = watched_pace();
  auto base = http::url::parse(where_.link_origin);
  poller_ = std::make_unique<realtime::notification_poller>(ctx, *observed_, *base, where_.user,
                                                            std::move(options));
  arrival_ = *poller_->received().connect([this](const realtime::notification&) { ++received_; });
  failure_ = *poller_->failures().connect([this](const realtime::poll_failure& f) {
    last_error_ = f.detail.empty() ? f.error.message() : f.detail;
  });
}

void notification_side::ended(unsigned status) {
  if (status == 304) ++not_modified_;
  if (status != 200 && status != 304) ++failed_;
  history_.push_back({time_.ms(), status});
  if (history_.size() > max_history) history_.pop_front();
}

// The poller chooses its wait when the exchange has ended.
void notification_side::look() {
  auto status = poller_->status();
  if (status.in_flight) return;
  for (auto it = history_.rbegin(); it != history_.rend() && it->wait_ms < 0; ++it)
    it->wait_ms = ms(status.current_interval);
}

asio::awaitable<void> notification_side::stop() {
  auto stopping = poller_->async_stop(asio::use_awaitable);
  co_await std::move(stopping);
  polls_http_->stop([] {});
  publish_http_->stop([] {});
}

void notification_side::poll_now() {
  poller_->async_poll_now(asio::detached);
}

asio::awaitable<outcome> notification_side::publish(json::object order) {
  const auto* text = order.if_contains("text");
  bool good = order.size() == 1 && text && text->is_string() && !text->get_string().empty() &&
              text->get_string().size() <= max_text_bytes;
  if (!good) co_return refusal{422, "a notification wants {\"text\": 1 to 500 bytes}"};
  std::string said(text->get_string().data(), text->get_string().size());
  // The same words again after an answer that did not come: the same key, so that they are there
  // once.
  auto key = said == unsure_text_ ? unsure_key_ : fmt::format("{}:{}", key_prefix_, ++published_);
  auto url = http::url::parse(fmt::format("http://127.0.0.1:{}/messages", where_.server_port));
  http::request request(*url);
  request.method = "POST";
  request.headers.set("Content-Type", "application/json");
  request.headers.set("Idempotency-Key", key);
  json::object data, body;
  data["message"] = said;
  body["ch"] = "user:" + where_.user;
  body["d"] = std::move(data);
  auto bytes = json::serialize(body);
  auto asking = ask(*publish_http_, std::move(request), std::move(bytes));
  auto reply = co_await std::move(asking);
  unsure_text_.clear();
  if (!reply.error && reply.status == 200) co_return outcome();
  unsure_text_ = said;
  unsure_key_ = key;
  if (reply.error)
    co_return refusal{503, "the server does not answer; publish it again when it is back"};
  co_return refusal{503,
                    fmt::format("the server answered with {}; publish it again", reply.status)};
}

json::array notification_side::history() const {
  json::array out;
  for (const auto& p : history_) {
    json::object o;
    o["at_ms"] = p.at_ms;
    o["status"] = p.status;
    o["wait_ms"] = p.wait_ms < 0 ? json::value() : json::value(p.wait_ms);
    out.push_back(std::move(o));
  }
  return out;
}

json::object notification_side::state() const {
  auto status = poller_->status();
  json::object o;
  o["user"] = where_.user;
  o["in_flight"] = status.in_flight;
  o["interval_ms"] = ms(status.current_interval);
  o["errors"] = status.consecutive_errors;
  o["polls"] = status.polls;
  o["received"] = received_;
  o["not_modified"] = not_modified_;
  o["failed"] = failed_;
  o["last_error"] = last_error_;
  json::array recent;
  for (const auto& n : poller_->recent()) {
    if (recent.size() == shown) break;
    json::object item;
    item["id"] = n.id;
    item["message"] = n.message;
    item["ts"] = n.time;
    recent.push_back(std::move(item));
  }
  o["recent"] = std::move(recent);
  o["history"] = history();
  return o;
}

}  // namespace tidewire::demo
