#pragma once

#include <tidewire/file/filesystem.hpp>
#include <tidewire/server/byte_range.hpp>
#include <tidewire/server/precondition.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace tidewire::server {

// A name that may be looked for in the served folder: one component, no leading dot, no control
// characters, UTF-8, at most 255 bytes.
bool is_servable_name(std::string_view name);

// Entity tag and date of a file, or none while it has not settled (file_service_options::settle).
validators validators_of(const file::status& file, std::chrono::system_clock::time_point now,
                         std::chrono::nanoseconds settle);

// RFC 6266 with RFC 8187: an ASCII fallback and the name itself in UTF-8.
std::string attachment(std::string_view name);

// "bytes 0-9/100"
std::string content_range_text(const byte_range& range, std::uint64_t size);

}  // namespace tidewire::server
