#pragma once

#include <tidewire/server/message.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire::server {

enum class body_framing {
  none,    // 204 and 304: nothing, not even a length
  length,  // Content-Length
  chunked,
  close,  // to an HTTP/1.0 client when the size isn't known
};

struct head_options {
  unsigned version = 11;
  body_framing framing = body_framing::length;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
  std::chrono::sys_seconds date;
};

body_framing choose_framing(unsigned status, unsigned version,
                            const std::optional<std::uint64_t>& size, bool has_body);

// Status line and fields, with the empty line. The edge alone says how the message is delimited:
// such fields of a handler are left out, as is every field that would break out of its line.
std::string format_head(const response& answer, const head_options& options);

}  // namespace tidewire::server
