#pragma once

#include <tidewire/http/entity_tag.hpp>
#include <tidewire/http/fields.hpp>

#include <chrono>
#include <optional>
#include <string_view>

namespace tidewire::server {

// What a representation is known by; either may be unknown.
struct validators {
  std::optional<http::entity_tag> tag;
  std::optional<std::chrono::sys_seconds> modified;
};

enum class precondition { proceed, not_modified, failed };

// Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since for a representation
// that exists, in the order of RFC 9110, 13.2.2. A malformed If-Match matches nothing, so that
// nobody acts on a state that he did not name; a malformed If-None-Match excludes nothing;
// malformed or repeated dates are ignored, as the RFC says.
precondition evaluate_preconditions(std::string_view method, const http::fields& headers,
                                    const validators& current);

// Whether a Range field may be honoured (step 5: If-Range, 13.1.5). True without If-Range. Weak
// tags never serve; a date serves only when it is exactly the current one.
bool range_applies(const http::fields& headers, const validators& current);

}  // namespace tidewire::server
