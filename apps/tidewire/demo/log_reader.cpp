#include "log_reader.hpp"

#include "plain_http.hpp"

#include <tidewire/http/curl_client.hpp>
#include <tidewire/http/url.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>

#include <fmt/format.h>

#include <utility>

namespace tidewire::demo {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds pause_after_failure{200};

http::curl_client_options direct() {
  http::curl_client_options o;
  o.proxy = "";
  return o;
}

}  // namespace

log_reader::log_reader(const context& ctx, std::uint16_t server_port, std::string channel)
    : http_(http::make_curl_client(ctx, direct())),
      wake_(ctx.exec),
      base_(fmt::format("http://127.0.0.1:{}/messages?ch={}&limit=1000", server_port, channel)) {}

asio::awaitable<void> log_reader::run() {
  while (!stopping_) {
    auto reading = read_once();
    bool good = co_await std::move(reading);
    if (good || stopping_) continue;
    wake_.expires_after(pause_after_failure);
    auto waiting = wake_.async_wait(asio::as_tuple(asio::use_awaitable));
    co_await std::move(waiting);
  }
}

asio::awaitable<bool> log_reader::read_once() {
  auto text = fmt::format("{}&since={}", base_, next_);
  // The first answer tells which log it is; later ones may be held back until there is more.
  if (!log_.epoch().empty()) text += "&wait=20&epoch=" + log_.epoch();
  auto url = http::url::parse(text);
  if (!url) co_return false;
  http::request request(*url);
  auto asking = ask(*http_, std::move(request));
  auto reply = co_await std::move(asking);
  if (reply.error) co_return false;
  if (reply.status == 200) take(reply.body);
  if (reply.status == 410) take_gone(reply.body);
  co_return reply.status == 200 || reply.status == 410;
}

void log_reader::take(const std::string& text) {
  auto answer = json::parse(text).as_object();
  auto epoch = json::value_to<std::string>(answer.at("epoch"));
  log_.note(epoch, answer.at("head").to_number<std::uint64_t>());
  for (const auto& m : answer.at("messages").as_array()) {
    const auto& o = m.as_object();
    log_.note(epoch, o.at("off").to_number<std::uint64_t>(),
              json::value_to<std::string>(o.at("id")));
  }
  next_ = answer.at("next").to_number<std::uint64_t>();
}

void log_reader::take_gone(const std::string& text) {
  auto answer = json::parse(text).as_object();
  next_ = answer.at("next").to_number<std::uint64_t>();
  log_.note(json::value_to<std::string>(answer.at("epoch")),
            answer.at("head").to_number<std::uint64_t>());
}

void log_reader::stop() {
  stopping_ = true;
  wake_.cancel();
  http_->stop([] {});
}

}  // namespace tidewire::demo
