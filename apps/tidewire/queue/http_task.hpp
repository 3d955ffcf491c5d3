#pragma once

#include <tidewire/http/message.hpp>
#include <tidewire/queue/outcome.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

// The built-in kind "http": a request as a task.
namespace tidewire::cli {

constexpr std::size_t kept_body_bytes = 64 * 1024;  // of the answer

struct http_order {
  http::request request;
  std::string body;
  bool has_body = false;
};
struct http_order_or_fault {
  std::optional<http_order> order;
  std::string fault;
};

// A payload {"url", "method", "headers": {...}, "body"}. A body that is a text is sent as it is,
// another one as JSON. Without a method: POST when there is a body, else GET.
http_order_or_fault parse_http_order(std::string_view payload);

struct http_answer {
  unsigned status = 0;
  std::optional<std::string> retry_after, location;
  std::string body;  // the first kept_body_bytes
  bool body_cut = false;
};

// 2xx: done, with status and body. 408, 425, 429 and 5xx: another attempt, after Retry-After when
// that is there. Everything else: discarded.
queue::outcome outcome_of(const http_answer& answer, std::chrono::system_clock::time_point now);

// No answer arrived.
queue::outcome outcome_of_failure(const error_code& ec, const std::string& detail);

}  // namespace tidewire::cli
