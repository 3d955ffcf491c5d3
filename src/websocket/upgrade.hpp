#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/http/fields.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The HTTP part of a WebSocket (RFC 6455, 4), without I/O.
namespace tidewire::websocket {

// What a request's head says about an upgrade.
enum class upgrade_wish {
  none,         // an ordinary request
  acceptable,   // a WebSocket, in good order
  bad_version,  // ... of a version that we don't know: 426
  malformed,    // ... without a key, with a body, not by GET of HTTP/1.1: 400
};

// `version` is 10 or 11.
upgrade_wish read_wish(std::string_view method, unsigned version, const http::fields& headers);

// Whether a comma-separated field has this member; without case.
bool lists(const http::fields& headers, std::string_view name, std::string_view member);

// Checks a 101 beyond what Beast checks: errc::bad_handshake for an extension or a subprotocol that
// was not offered, two accept keys, a body.
error_code check_answer(const http::fields& answer, const http::fields& asked);

// The caller's fields as they may be sent: those of the handshake itself are left out.
// errc::invalid_argument (of the core) for names and values that would break out of their line.
result<http::fields> clean_headers(const http::fields& headers);

// A close frame's text: at most 123 bytes, cut between characters.
void cut_reason(std::string& text);

}  // namespace tidewire::websocket
