#include "file/journal_frame.hpp"

#include <tidewire/core/error.hpp>

#include <algorithm>
#include <cstring>
#include <vector>

namespace tidewire::file {
namespace detail {

std::array<std::byte, header_bytes> make_header(const journal_format& format) noexcept {
  std::array<std::byte, header_bytes> header{};
  std::memcpy(header.data(), format.magic, sizeof format.magic);
  put<std::uint16_t>(header.data() + 4, format.version);
  put<std::uint32_t>(header.data() + 12, crc32c(std::span(header).first<12>()));
  return header;
}

void make_frame(std::span<std::byte> record, std::uint8_t type) noexcept {
  std::fill_n(record.begin(), frame_bytes, std::byte{0});
  put<std::uint32_t>(record.data(), static_cast<std::uint32_t>(record.size() - frame_bytes));
  record[4] = std::byte{type};
  auto sum = crc32c(record.first(frame_checked_bytes));
  sum = crc32c(record.subspan(frame_bytes), sum);
  put<std::uint32_t>(record.data() + frame_checked_bytes, sum);
}

}  // namespace detail

result<journal_writer> journal_writer::open(handle& file, const journal_format& format,
                                            std::uint64_t valid_bytes) {
  auto size = file.size();
  if (!size) return size.error();
  bool possible = valid_bytes == 0 || valid_bytes >= detail::header_bytes;
  if (!possible || valid_bytes > *size)
    return tidewire::make_error_code(tidewire::errc::invalid_argument);
  if (*size != valid_bytes) {
    auto cut = file.truncate(valid_bytes);
    if (!cut) return cut.error();
  }
  if (valid_bytes > 0) return journal_writer(file, valid_bytes);
  auto header = detail::make_header(format);
  auto written = file.write_at(0, header);
  if (!written) return written.error();
  return journal_writer(file, header.size());
}

result<void> journal_writer::append(std::uint8_t type, std::span<const std::byte> payload) {
  if (payload.size() > max_payload_bytes)
    return tidewire::make_error_code(tidewire::errc::invalid_argument);
  std::vector<std::byte> record(detail::frame_bytes + payload.size());
  std::copy(payload.begin(), payload.end(), record.begin() + detail::frame_bytes);
  detail::make_frame(record, type);
  auto written = file_->write_at(end_, record);
  if (!written) {
    // What got to the disk must not stay behind a shorter record that is appended next: payloads
    // come from servers, and one may contain what looks like a record. If even this fails, the rest
    // is a torn tail like that of a kill.
    (void)file_->truncate(end_);
    return written.error();
  }
  end_ += record.size();
  return {};
}

}  // namespace tidewire::file
