#include "file/journal_frame.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace tidewire::file {
namespace detail {

result<std::uint16_t> read_header(std::span<const std::byte, header_bytes> header,
                                  const journal_format& format) noexcept {
  bool ours = std::memcmp(header.data(), format.magic, sizeof format.magic) == 0;
  bool whole = get<std::uint32_t>(header.data() + 12) == crc32c(header.first<12>());
  if (!ours || !whole) return make_error_code(errc::foreign_journal);
  auto version = get<std::uint16_t>(header.data() + 4);
  if (version > format.version) return make_error_code(errc::newer_journal);
  return version;
}

std::optional<std::size_t> read_length(std::span<const std::byte> frame) noexcept {
  std::size_t length = get<std::uint32_t>(frame.data());
  if (length > journal_writer::max_payload_bytes) return std::nullopt;
  return length;
}

bool intact(std::span<const std::byte> record) noexcept {
  auto sum = crc32c(record.first(frame_checked_bytes));
  sum = crc32c(record.subspan(frame_bytes), sum);
  return get<std::uint32_t>(record.data() + frame_checked_bytes) == sum;
}

}  // namespace detail

namespace {

using detail::frame_bytes;
using detail::header_bytes;

// A window on the file that slides forward; holds any one record.
class reader {
 public:
  explicit reader(handle& file) : file_(file), space_(2 * journal_writer::max_payload_bytes) {}

  // The next `size` bytes, fewer at the end of the file. Valid until the next call.
  result<std::span<const std::byte>> peek(std::size_t size) {
    if (end_ - begin_ < size && !at_end_) {
      std::memmove(space_.data(), space_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
      auto room = std::span(space_).subspan(end_);
      auto got = file_.read_at(position_ + end_, room);
      if (!got) return got.error();
      end_ += *got;
      at_end_ = *got < room.size();
    }
    return std::span<const std::byte>(space_).subspan(begin_, std::min(size, end_ - begin_));
  }

  void skip(std::size_t size) {
    begin_ += size;
    position_ += size;
  }

 private:
  handle& file_;
  std::vector<std::byte> space_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t position_ = 0;  // of begin_ in the file
  bool at_end_ = false;
};

result<bool> all_zero(handle& file) {
  reader in(file);
  for (;;) {
    auto bytes = in.peek(journal_writer::max_payload_bytes);
    if (!bytes) return {boost::system::in_place_error, bytes.error()};
    if (bytes->empty()) return true;
    for (auto byte : *bytes)
      if (byte != std::byte{0}) return false;
    in.skip(bytes->size());
  }
}

// The next record with its frame, empty when the rest of the file is none.
result<std::span<const std::byte>> next_record(reader& in) {
  auto frame = in.peek(frame_bytes);
  if (!frame) return frame.error();
  if (frame->size() < frame_bytes) return std::span<const std::byte>();
  auto length = detail::read_length(*frame);
  if (!length) return std::span<const std::byte>();
  auto record = in.peek(frame_bytes + *length);
  if (!record) return record.error();
  if (record->size() < frame_bytes + *length || !detail::intact(*record))
    return std::span<const std::byte>();
  return *record;
}

}  // namespace

result<journal_replay> replay_journal(handle& file, const journal_format& format,
                                      const std::function<void(const journal_record&)>& visit) {
  journal_replay found;
  reader in(file);
  auto header = in.peek(header_bytes);
  if (!header) return header.error();
  if (header->size() < header_bytes) {
    found.torn_tail = true;
    return found;
  }
  auto version = detail::read_header(header->first<header_bytes>(), format);
  if (!version) {
    auto blank = all_zero(file);
    if (!blank) return blank.error();
    if (!*blank) return version.error();
    found.torn_tail = true;
    return found;
  }
  found.version = *version;
  found.valid_bytes = header_bytes;
  in.skip(header_bytes);
  for (;;) {
    auto record = next_record(in);
    if (!record) return record.error();
    if (record->empty()) break;
    journal_record seen{std::to_integer<std::uint8_t>((*record)[4]), record->subspan(frame_bytes)};
    visit(seen);
    found.valid_bytes += record->size();
    ++found.records;
    in.skip(record->size());
  }
  auto rest = in.peek(1);
  if (!rest) return rest.error();
  found.torn_tail = !rest->empty();
  return found;
}

}  // namespace tidewire::file
