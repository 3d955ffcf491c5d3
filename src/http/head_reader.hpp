#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/http/message.hpp>

#include <cstddef>
#include <string_view>

namespace tidewire::http {

// Puts a response head together from its lines, stricter than libcurl: a message that two readers
// could understand in two ways is refused. Informational responses are skipped; lines after the
// final head (trailers) count against the bound and are dropped.
class head_reader {
 public:
  // `to_head`: the answer to a HEAD request, which has no body whatever its fields say.
  // `switching`: to a request that asked for another protocol, so that 101 is a final answer.
  head_reader(bool to_head, std::size_t max_bytes, bool switching = false)
      : to_head_(to_head), switching_(switching), max_bytes_(max_bytes) {}

  enum class step { more, head_complete };

  // One line with its line end. head_complete comes once. errc::bad_message, errc::limit_exceeded.
  result<step> feed(std::string_view line);

  const response_head& head() const { return head_; }
  bool complete() const { return complete_; }

 private:
  error_code read_status(std::string_view line);
  error_code read_field(std::string_view line);
  error_code read_framing();

  bool to_head_;
  bool switching_;
  std::size_t max_bytes_;
  std::size_t seen_bytes_ = 0;
  bool in_head_ = false;
  bool complete_ = false;
  // HTTP/1.0 is 10; from 20 on the framing is not the fields' business.
  unsigned version_ = 0;
  response_head head_;
};

}  // namespace tidewire::http
