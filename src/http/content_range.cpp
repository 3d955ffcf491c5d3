#include "http/parse.hpp"

#include <tidewire/http/content_range.hpp>
#include <tidewire/http/fields.hpp>

namespace tidewire::http {
namespace {

using namespace detail;

// Beyond that no file offset goes, and `last - first + 1` must not wrap round.
constexpr std::uint64_t max_offset = std::numeric_limits<std::int64_t>::max();

}  // namespace

std::optional<content_range> content_range::parse(std::string_view text) {
  auto unit = take_while(text, is_token_char);
  if (!iequals(unit, "bytes") || !take(text, " ")) return std::nullopt;
  auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  auto range = text.substr(0, slash), total_text = text.substr(slash + 1);

  content_range out;
  if (total_text != "*") {
    out.total = parse_number(total_text, max_offset);
    if (!out.total) return std::nullopt;
  }
  if (range == "*") {
    if (!out.total) return std::nullopt;
    return out;
  }
  auto dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  out.first = parse_number(range.substr(0, dash), max_offset);
  out.last = parse_number(range.substr(dash + 1), max_offset);
  if (!out.first || !out.last || *out.last < *out.first) return std::nullopt;
  if (out.total && *out.last >= *out.total) return std::nullopt;
  return out;
}

}  // namespace tidewire::http
