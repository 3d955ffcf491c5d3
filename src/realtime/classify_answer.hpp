#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/http/message.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire::realtime {

// What the head of an answer to a conditional GET means.
enum class answer_kind {
  body,          // the resource as it is
  unchanged,     // 204, 304
  redirect,      // to be followed
  unauthorized,  // 401: perhaps with another token
  unavailable,   // later
  refused,       // never
  unusable,      // contradicts the request or HTTP
};

// Pure. `conditional`: If-None-Match was sent, without which nobody may answer 304.
answer_kind classify_answer(const http::response_head& head, bool conditional);

// The opaque text that a poller keeps of an HTTP answer: its entity tag, and a digest of its bytes,
// which tells an answer that is new in nothing but its tag.
struct answer_validator {
  std::string entity_tag;  // as sent; empty: none
  std::string digest;      // hexadecimal

  static answer_validator parse(std::string_view text);
  std::string text() const { return entity_tag + "\n" + digest; }
};

// The entity tag to ask with next time: well-formed, and of a body whose length is proved.
std::string tag_to_keep(const http::response_head& head);

}  // namespace tidewire::realtime
