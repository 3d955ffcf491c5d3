#include "message_answer.hpp"

#include <tidewire/http/entity_tag.hpp>
#include <tidewire/server/precondition.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::server {

response json_answer(std::string text) {
  response out;
  out.headers.set("Content-Type", "application/json");
  out.headers.set("Cache-Control", "private, no-cache");
  out.headers.set("X-Content-Type-Options", "nosniff");
  out.body = text_body(std::move(text));
  return out;
}

response bad_request(std::string detail) {
  return problem(400, "Bad Request", std::move(detail));
}

response tagged(const request& req, const std::string& epoch, std::uint64_t next,
                std::string text) {
  http::entity_tag tag{"\"" + epoch + ":" + std::to_string(next) + "\"", false};
  validators current;
  current.tag = tag;
  bool same =
      evaluate_preconditions(req.method, req.headers, current) == precondition::not_modified;
  response out;
  if (same)
    out.status = 304;
  else
    out = json_answer(std::move(text));
  out.headers.set("ETag", tag.text());
  return out;
}

response lost(const log_state& log, const lost_cursor& where) {
  std::string text = R"({"type":"cursor-lost","title":"Gone","status":410,"detail":)";
  text += where.why == realtime::reset_reason::epoch
              ? R"("the channel has another log now",)"
              : R"("messages behind the cursor were trimmed",)";
  text += "\"epoch\":\"" + log.epoch + "\",\"oldest\":" + std::to_string(where.next + 1);
  text += ",\"next\":" + std::to_string(where.next) + ",\"head\":" + std::to_string(log.head);
  text +=
      where.why == realtime::reset_reason::epoch ? ",\"why\":\"epoch\"}" : ",\"why\":\"trimmed\"}";
  auto out = json_answer(std::move(text));
  out.status = 410;
  out.headers.set("Content-Type", "application/problem+json");
  return out;
}

response retry_later(unsigned status, std::string title, std::string detail,
                     clock::duration after) {
  auto out = problem(status, std::move(title), std::move(detail));
  auto seconds = std::chrono::ceil<std::chrono::seconds>(after).count();
  out.headers.set("Retry-After", std::to_string(std::max<std::int64_t>(seconds, 1)));
  return out;
}

}  // namespace tidewire::server
