#pragma once

#include <string_view>

namespace tidewire::http {

// The media type of a file by the end of its name, as Content-Type has it; of an unknown one
// "application/octet-stream". HTML and scripts count as unknown on purpose: what strangers put on a
// server must not run in its visitors' browsers. Pure.
std::string_view media_type_of(std::string_view file_name);

}  // namespace tidewire::http
