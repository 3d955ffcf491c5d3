#pragma once

#include "transfer/byte_ranges.hpp"
#include "transfer/resource_identity.hpp"

#include <tidewire/file/journal.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tidewire::transfer {

// What a download writes into its journal (docs/formats/download-journal.md), and what can be
// believed of it afterwards. Pure: bytes in, bytes out.
inline constexpr file::journal_format download_journal_format{{'T', 'W', 'D', 'L'}, 1};

// Where the bytes come from; one a journal.
struct download_origin {
  std::string source;    // the URL that was given, without credentials
  std::string location;  // where its redirects led, without credentials
  resource_identity identity;
};

enum class journal_type : std::uint8_t {
  boot = 1,      // the boot id under which the following `written` claims hold
  origin = 2,    // download_origin, as JSON
  written = 3,   // one range handed to the operating system
  durable = 4,   // ranges that a successful sync covers
  complete = 5,  // every byte is there and verified
};

std::vector<std::byte> encode_text(std::string_view text);
std::vector<std::byte> encode_origin(const download_origin& origin);
std::vector<std::byte> encode_ranges(std::span<const byte_range> ranges);
// The most ranges that one record holds.
inline constexpr std::size_t max_ranges_in_record =
    file::journal_writer::max_payload_bytes / (2 * sizeof(std::uint64_t));

// The state that a journal's records lead to.
class journal_state {
 public:
  // False: the record is not one of ours; the caller treats the journal as damaged from here.
  bool apply(const file::journal_record& record);

  const std::optional<download_origin>& origin() const { return origin_; }
  const range_set& durable() const { return durable_; }
  // What is in the file if the machine has not restarted since; otherwise what is durable.
  range_set held(std::string_view boot_id) const;
  bool complete() const { return complete_; }

 private:
  std::string boot_;
  std::optional<download_origin> origin_;
  range_set written_, durable_;
  bool complete_ = false;
};

}  // namespace tidewire::transfer
