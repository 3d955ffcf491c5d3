#pragma once

#include "head_check.hpp"

#include <tidewire/core/types.hpp>
#include <tidewire/server/message.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace tidewire::server {

// Parses one request, without I/O: bytes in, head and body bytes out. Beast's parser behind our own
// checks.
class request_reader {
 public:
  static constexpr std::size_t max_chunk_extension_bytes = 256;

  explicit request_reader(std::size_t max_header_bytes, std::uint64_t max_body_bytes);
  ~request_reader();

  // A whole head, as head_scan found it. Fills method, target, path, query and headers.
  std::optional<refusal> parse_head(std::string_view head, request& out);

  struct step {
    std::size_t consumed = 0;
    std::size_t produced = 0;
    // http::errc::bad_message; errc::limit_exceeded for more than max_body_bytes.
    error_code failure;
  };
  // Decodes body bytes. Neither consumed nor produced: more input is needed.
  step decode(std::string_view in, std::span<std::byte> out);

  bool done() const;  // the whole message was read
  unsigned version() const { return version_; }
  const framing& how() const { return framing_; }

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
  framing framing_;
  unsigned version_ = 11;
  std::uint64_t max_body_bytes_;
  std::uint64_t produced_ = 0;
};

}  // namespace tidewire::server
