#include "realtime/http_asker.hpp"

#include <tidewire/realtime/error.hpp>
#include <tidewire/realtime/http_poll.hpp>

#include <boost/json/parse.hpp>

namespace tidewire::realtime {
namespace {

namespace json = boost::json;
using json_answer = poll_answer<json::value>;
using cursor_function = std::function<std::string(const json::value&)>;

json_answer parse(poll_answer<std::string> text, const cursor_function& cursor_of) {
  json_answer out;
  static_cast<poll_note&>(out) = text;
  if (!out.changed || out.error) return out;
  json::error_code ec;
  out.value = json::parse(text.value, ec);
  if (ec) {
    // Not delivered, and so not remembered either: the validator stays that of the last good one.
    auto bad = json_answer::failed(errc::bad_answer, "the body is not JSON: " + ec.message());
    bad.retry_after = out.retry_after;
    return bad;
  }
  if (cursor_of) out.cursor = cursor_of(out.value);
  return out;
}

asio::awaitable<json_answer> ask_json(std::shared_ptr<http_asker> asker,
                                      std::shared_ptr<const cursor_function> cursor_of,
                                      const poll_request& request) {
  auto asked = asker->ask(request);
  auto text = co_await std::move(asked);
  co_return parse(std::move(text), *cursor_of);
}

}  // namespace

poll_function<std::string> poll_text(const context& ctx, http::client& client, http_poll poll) {
  auto asker = std::make_shared<http_asker>(ctx, client, std::move(poll));
  return [asker](const poll_request& request) { return asker->ask(request); };
}

poll_function<json::value> poll_json(const context& ctx, http::client& client, http_poll poll,
                                     cursor_function cursor_of) {
  auto asker = std::make_shared<http_asker>(ctx, client, std::move(poll));
  auto shared = std::make_shared<const cursor_function>(std::move(cursor_of));
  return [asker, shared](const poll_request& request) { return ask_json(asker, shared, request); };
}

}  // namespace tidewire::realtime
