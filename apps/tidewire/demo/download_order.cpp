#include "download_order.hpp"

#include <tidewire/http/url.hpp>

#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace tidewire::demo {
namespace {

namespace json = boost::json;

constexpr std::size_t max_url_bytes = 2048;
constexpr std::int64_t max_connections = 16;

std::optional<std::string> text_of(const json::value& v) {
  if (!v.is_string()) return std::nullopt;
  return std::string(v.get_string());
}

std::optional<std::string> connections_of(const json::value& v) {
  if (v.is_string() && v.get_string() == "auto") return "auto";
  if (!v.is_int64() || v.get_int64() < 1 || v.get_int64() > max_connections) return std::nullopt;
  return std::to_string(v.get_int64());
}

}  // namespace

outcome download_order::read(const json::object& o) {
  for (const auto& member : o) {
    std::string_view name(member.key().data(), member.key().size());
    std::optional<std::string> value;
    if (name == "file") value = text_of(member.value());
    if (name == "url") value = text_of(member.value());
    if (name == "connections") value = connections_of(member.value());
    if (!value || value->empty())
      return refusal{422,
                     "a download wants {\"file\": NAME} or {\"url\": URL}, and "
                     "\"connections\": 1 to 16 or \"auto\""};
    (name == "file" ? file : name == "url" ? url : connections) = *value;
  }
  if (file.empty() == url.empty()) return refusal{422, "give either \"file\" or \"url\""};
  if (url.empty()) return {};
  if (url.size() > max_url_bytes) return refusal{422, "the URL is too long"};
  if (!http::url::parse(url))
    return refusal{422, "that is not a URL like https://host/file (http and https alone)"};
  return {};
}

}  // namespace tidewire::demo
