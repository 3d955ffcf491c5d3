#include "queue/http_task.hpp"

#include "queue/json_line.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/json_text.hpp>
#include <tidewire/http/date.hpp>
#include <tidewire/http/error.hpp>
#include <tidewire/queue/task.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace tidewire::cli {
namespace {

constexpr std::chrono::hours longest_retry_after(24);
constexpr std::size_t shown_body_bytes = 500;

// RFC 9110, 5.6.2: methods and the names of fields.
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    auto u = static_cast<unsigned char>(c);
    return (u < 0x20 && c != '\t') || u == 0x7f;
  });
}

std::string read_headers(std::string_view value, http::fields& to) {
  auto object = json_object_view::parse(value);
  if (!object) return "\"headers\" must be an object of names and texts";
  for (auto& m : object->members()) {
    auto text = json_string(m.value);
    if (!text || !is_token(m.name) || !is_field_value(*text))
      return "\"headers\" must be an object of names and texts";
    for (auto own : {"Content-Length", "Transfer-Encoding", "Host", "Connection"})
      if (http::iequals(m.name, own)) return fmt::format("the header {} can't be given", own);
    to.add(m.name, std::move(*text));
  }
  return {};
}

http_order_or_fault fault(std::string text) {
  return {{}, std::move(text)};
}

}  // namespace

http_order_or_fault parse_http_order(std::string_view payload) {
  auto object = json_object_view::parse(payload, {queue::task_bounds::payload_bytes, 64});
  if (!object) return fault("the payload is not an object with \"url\"");
  auto text_of = [&](std::string_view name) {
    auto value = object->find(name);
    return value ? json_string(*value) : std::nullopt;
  };
  for (auto& m : object->members())
    if (m.name != "url" && m.name != "method" && m.name != "headers" && m.name != "body")
      return fault("\"" + m.name + "\" is not known; there are url, method, headers and body");
  auto url = text_of("url");
  if (!url) return fault("\"url\" must be a text");
  auto target = http::url::parse(*url);
  if (!target) return fault("\"url\": " + target.error().message());
  http_order out{http::request(std::move(*target)), {}, false};
  if (auto body = object->find("body")) {
    auto text = json_string(*body);
    out.body = text ? std::move(*text) : std::string(*body);
    out.has_body = true;
    if (!text) out.request.headers.set("Content-Type", "application/json");
  }
  out.request.method = out.has_body ? "POST" : "GET";
  if (object->find("method")) {
    auto method = text_of("method");
    if (!method || !is_token(*method) || *method == "CONNECT")
      return fault("\"method\" must be a method like GET or POST");
    out.request.method = std::move(*method);
  }
  if (auto headers = object->find("headers")) {
    http::fields given;
    if (auto wrong = read_headers(*headers, given); !wrong.empty()) return fault(wrong);
    for (auto& f : given) out.request.headers.set(f.name, f.value);
  }
  return {std::move(out), {}};
}

queue::outcome outcome_of(const http_answer& a, std::chrono::system_clock::time_point now) {
  if (a.status >= 200 && a.status < 300) {
    json_line result;
    result.add("status", std::uint64_t(a.status));
    if (!a.body_cut && check_json(a.body, {kept_body_bytes, 60}))
      result.add_json("body", a.body);
    else if (!a.body.empty())
      result.add("body", std::string_view(a.body).substr(0, kept_body_bytes / 2));
    return queue::outcome::done(result.text());
  }
  auto why = fmt::format("the server answered {}", a.status);
  if (a.location) why += " with another address, " + as_utf8(*a.location) + "; give that as url";
  if (!a.body.empty()) why += ": " + as_utf8(std::string_view(a.body).substr(0, shown_body_bytes));
  bool again = a.status >= 500 || a.status == 408 || a.status == 425 || a.status == 429;
  if (!again) return queue::outcome::discard(std::move(why));
  auto wait = a.retry_after ? http::parse_retry_after(*a.retry_after, now, longest_retry_after)
                            : std::nullopt;
  if (!wait) return queue::outcome::retry(std::move(why));
  return queue::outcome::retry(std::move(why), std::chrono::ceil<queue::milliseconds>(*wait));
}

queue::outcome outcome_of_failure(const error_code& ec, const std::string& detail) {
  auto why = detail.empty() ? ec.message() : ec.message() + ": " + as_utf8(detail);
  // Certificates are mended, and servers that speak nonsense as well.
  return queue::outcome::retry(std::move(why));
}

}  // namespace tidewire::cli
