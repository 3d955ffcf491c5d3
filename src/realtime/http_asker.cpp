#include "realtime/http_asker.hpp"

#include <tidewire/core/initiate.hpp>
#include <tidewire/http/date.hpp>
#include <tidewire/http/digest.hpp>
#include <tidewire/http/error.hpp>
#include <tidewire/http/redirect.hpp>
#include <tidewire/realtime/error.hpp>

#include <boost/asio/as_tuple.hpp>

#include <algorithm>
#include <span>
#include <utility>

namespace tidewire::realtime {
namespace {

// A body that nobody wants is read to its end when that is cheaper than a new connection.
constexpr std::uint64_t cheap_discard_bytes = 64 * 1024;

using text_answer = poll_answer<std::string>;

std::string digest_of(const std::string& body) {
  http::sha256_hasher hasher;
  hasher.update(std::as_bytes(std::span(body)));
  return hasher.finish().hex();
}

}  // namespace

// The head, and the body if it is wanted and not too large.
class http_asker::body_reader final : public http::exchange_handler {
 public:
  body_reader(std::size_t max_bytes, bool conditional)
      : max_bytes_(max_bytes), conditional_(conditional) {}

  http::flow on_head(const http::response_head& h) override {
    head = h;
    kind = classify_answer(head, conditional_);
    auto limit = kind == answer_kind::body ? max_bytes_ : cheap_discard_bytes;
    if (head.content_length.value_or(0) > limit) return give_up();
    return http::flow::proceed;
  }

  http::flow on_body(std::span<const std::byte> bytes) override {
    if (kind == answer_kind::body) {
      if (bytes.size() > max_bytes_ - body.size()) return give_up();
      body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return http::flow::proceed;
    }
    discarded_ += bytes.size();
    return discarded_ > cheap_discard_bytes ? give_up() : http::flow::proceed;
  }

  http::response_head head;
  answer_kind kind = answer_kind::unusable;
  std::string body;
  bool too_large = false;

 private:
  http::flow give_up() {
    too_large = kind == answer_kind::body;
    return http::flow::stop;
  }

  std::size_t max_bytes_;
  bool conditional_;
  std::uint64_t discarded_ = 0;
};

http_asker::http_asker(const context& ctx, http::client& client, http_poll poll)
    : client_(client),
      authorization_(ctx.authorization),
      settings_(poll.settings()),
      clock_(client.get_executor()) {}

result<http::url> http_asker::address(const poll_request& request) const {
  if (settings_.address) return settings_.address(request);
  result<http::url> out = settings_.target;
  if (!settings_.cursor_parameter.empty() && !request.cursor.empty())
    out = out->with_parameter(settings_.cursor_parameter, request.cursor);
  auto seconds = std::chrono::ceil<std::chrono::seconds>(request.wait).count();
  if (out && seconds > 0 && !settings_.wait_parameter.empty())
    out = out->with_parameter(settings_.wait_parameter, std::to_string(seconds));
  return out;
}

http::request http_asker::request_for(const http::url& to, const http::url& origin,
                                      const poll_request& request, const std::string& tag) const {
  http::request out(to);
  out.headers = settings_.headers;
  if (!token_.empty()) out.headers.set("Authorization", token_);
  out.headers = http::headers_for_origin(out.headers, origin, to);
  if (!tag.empty()) out.headers.set("If-None-Match", tag);
  out.limits = settings_.limits;
  if (out.limits.head > std::chrono::nanoseconds(0)) out.limits.head += request.wait;
  return out;
}

// Only what the application has given, and once unless it did not serve.
asio::awaitable<error_code> http_asker::authorize(const http::url& origin, bool refresh) {
  if (!authorization_ || (asked_for_token_ && !refresh)) co_return error_code();
  using handler = asio::any_completion_handler<void(error_code, std::string)>;
  auto start = [this, &origin, refresh](handler done) {
    authorization_->authorize(origin.origin(), refresh, std::move(done));
  };
  auto token = asio::as_tuple(asio::use_awaitable);
  auto asked = initiate<void(error_code, std::string)>(start, token);
  auto [ec, value] = co_await std::move(asked);
  if (ec) co_return ec;
  asked_for_token_ = true;
  token_ = std::move(value);
  co_return error_code();
}

asio::awaitable<text_answer> http_asker::ask(const poll_request& request) {
  auto origin = address(request);
  if (!origin) co_return text_answer::failed(origin.error(), "the URL became too long");
  auto known = answer_validator::parse(request.validator);
  bool conditional = !known.entity_tag.empty();
  auto authorized = authorize(*origin, false);
  if (auto ec = co_await std::move(authorized))
    co_return text_answer::failed(ec, "no token could be had: " + ec.message());

  auto to = *origin;
  unsigned redirects = 0;
  bool refreshed = false;
  for (;;) {
    body_reader answer(settings_.max_body_bytes, conditional);
    auto wanted = request_for(to, *origin, request, known.entity_tag);
    auto token = asio::as_tuple(asio::use_awaitable);
    auto exchange = client_.async_exchange(std::move(wanted), answer, token);
    auto [ec, summary] = co_await std::move(exchange);
    bool have_head = !ec || ec == http::errc::stopped_by_handler;
    if (have_head && answer.kind == answer_kind::redirect && redirects < http_poll::max_redirects) {
      ++redirects;
      auto next = http::redirect_target(to, answer.head);
      if (!next)
        co_return text_answer::failed(errc::refused, "redirected to where nobody may follow");
      to = *next;
      continue;
    }
    bool ours = to.origin() == origin->origin();
    if (have_head && answer.kind == answer_kind::unauthorized && authorization_ && !refreshed &&
        ours) {
      refreshed = true;
      auto anew = authorize(*origin, true);
      if (auto failure = co_await std::move(anew))
        co_return text_answer::failed(failure, "no new token could be had: " + failure.message());
      continue;
    }
    co_return read(answer, ec, std::move(summary.detail), request.validator);
  }
}

text_answer http_asker::read(body_reader& answer, error_code ec, std::string detail,
                             const std::string& validator) const {
  text_answer out;
  auto status = "the server answered " + std::to_string(answer.head.status);
  if (auto text = answer.head.headers.find("retry-after"))
    out.retry_after = http::parse_retry_after(*text, clock_.wall_now(), settings_.max_retry_after);
  auto fail = [&](error_code why, std::string words) {
    out.error = why;
    out.detail = std::move(words);
    return std::move(out);
  };
  if (answer.too_large)
    return fail(errc::bad_answer,
                "the body is larger than " + std::to_string(settings_.max_body_bytes) + " bytes");
  if (ec && ec != http::errc::stopped_by_handler)
    return fail(ec, detail.empty() ? ec.message() : std::move(detail));
  switch (answer.kind) {
    case answer_kind::body:
      break;
    case answer_kind::unchanged:
      return out;
    case answer_kind::unauthorized:
    case answer_kind::refused:
      return fail(errc::refused, status);
    case answer_kind::redirect:
      return fail(errc::refused, status + " once too often");
    case answer_kind::unavailable:
      return fail(errc::unavailable, status);
    case answer_kind::unusable:
      return fail(errc::bad_answer, status + ", which is no answer to this request");
  }
  auto digest = digest_of(answer.body);
  out.changed = digest != answer_validator::parse(validator).digest;
  answer_validator next{tag_to_keep(answer.head), std::move(digest)};
  if (auto text = next.text(); text != validator) out.validator = std::move(text);
  if (out.changed) out.value = std::move(answer.body);
  return out;
}

}  // namespace tidewire::realtime
