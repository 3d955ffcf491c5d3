#include "realtime/classify_answer.hpp"

#include <tidewire/http/entity_tag.hpp>
#include <tidewire/http/redirect.hpp>

namespace tidewire::realtime {

answer_kind classify_answer(const http::response_head& head, bool conditional) {
  auto status = head.status;
  if (status == 304) return conditional ? answer_kind::unchanged : answer_kind::unusable;
  if (status == 204) return answer_kind::unchanged;
  if (http::is_redirect(status)) {
    // The server names a time to come back: that is then, and to the first address.
    return head.headers.find("retry-after") ? answer_kind::unavailable : answer_kind::redirect;
  }
  if (status == 401) return answer_kind::unauthorized;
  if (status == 408 || status == 425 || status == 429 || status >= 500)
    return answer_kind::unavailable;
  if (status >= 400) return answer_kind::refused;
  if (status != 200 && status != 203) return answer_kind::unusable;
  // None was asked for, and none is undone.
  auto coding = head.headers.find("content-encoding");
  return coding && !http::iequals(*coding, "identity") ? answer_kind::unusable : answer_kind::body;
}

answer_validator answer_validator::parse(std::string_view text) {
  auto end = text.find('\n');
  if (end == std::string_view::npos) return {};
  return {std::string(text.substr(0, end)), std::string(text.substr(end + 1))};
}

std::string tag_to_keep(const http::response_head& head) {
  if (!head.self_delimited || head.headers.count("etag") != 1) return {};
  auto tag = http::entity_tag::parse(*head.headers.find("etag"));
  return tag ? tag->text() : std::string();
}

}  // namespace tidewire::realtime
