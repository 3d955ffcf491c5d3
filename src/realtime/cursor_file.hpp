#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/file/filesystem.hpp>
#include <tidewire/realtime/cursor_store.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace tidewire::realtime {

constexpr std::size_t max_cursor_file_bytes = 1024 * 1024;

// {"format":"tidewire-cursors","version":1,"channels":{"room":{"epoch":"e1","offset":41}}}
std::string encode_cursors(const cursor_map& all);
// errc::bad_answer for anything else.
result<cursor_map> decode_cursors(std::string_view text);

// Both block. A file that is missing is empty. What is there and is not a cursor file stays as it
// is, and neither is it read nor replaced.
result<cursor_map> read_cursor_file(file::filesystem& disk, const std::string& path);
result<void> write_cursor_file(file::filesystem& disk, const std::string& path,
                               const cursor_map& all);

}  // namespace tidewire::realtime
