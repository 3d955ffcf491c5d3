#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidewire::http {

// The file name of a Content-Disposition field, raw: filename* (RFC 8187, UTF-8) before filename
// (RFC 6266). Not yet safe.
std::optional<std::string> disposition_file_name(std::string_view text);

// Reduces any name a server gives to one that is safe to create in the current folder: the last
// path segment for / and \, no control characters or invalid UTF-8 (replaced by _), no leading dots
// or trailing spaces and dots, at most 200 bytes cut at a code point. Empty when nothing is left.
std::string safe_file_name(std::string_view name);

}  // namespace tidewire::http
