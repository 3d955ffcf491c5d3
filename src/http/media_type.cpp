#include <tidewire/http/fields.hpp>
#include <tidewire/http/media_type.hpp>

#include <utility>

namespace tidewire::http {

std::string_view media_type_of(std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> known[] = {
      {"txt", "text/plain; charset=utf-8"},
      {"json", "application/json"},
      {"pdf", "application/pdf"},
      {"zip", "application/zip"},
      {"gz", "application/gzip"},
      {"png", "image/png"},
      {"jpg", "image/jpeg"},
      {"jpeg", "image/jpeg"},
      {"gif", "image/gif"},
      {"webp", "image/webp"},
      {"mp3", "audio/mpeg"},
      {"mp4", "video/mp4"},
      {"webm", "video/webm"},
  };
  auto dot = name.rfind('.');
  if (dot != name.npos)
    for (auto& [extension, type] : known)
      if (iequals(extension, name.substr(dot + 1))) return type;
  return "application/octet-stream";
}

}  // namespace tidewire::http
