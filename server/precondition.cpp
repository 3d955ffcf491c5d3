#include <tidewire/http/date.hpp>
#include <tidewire/server/precondition.hpp>

#include <algorithm>

namespace tidewire::server {
namespace {

enum class comparison { strong, weak };

// True when the list names the current representation; "*" names any.
bool names(const std::string& list, const validators& current, comparison how) {
  if (list == "*") return true;
  auto tags = http::entity_tag::parse_list(list);
  if (!tags || !current.tag) return false;
  return std::any_of(tags->begin(), tags->end(), [&](const http::entity_tag& t) {
    return how == comparison::strong ? http::strong_match(t, *current.tag)
                                     : http::weak_match(t, *current.tag);
  });
}

std::optional<std::chrono::sys_seconds> single_date(const http::fields& headers,
                                                    std::string_view name) {
  if (headers.count(name) != 1) return std::nullopt;
  return http::parse_date(*headers.find(name));
}

}  // namespace

precondition evaluate_preconditions(std::string_view method, const http::fields& headers,
                                    const validators& current) {
  bool safe = method == "GET" || method == "HEAD";
  if (auto list = headers.joined("If-Match")) {
    if (!names(*list, current, comparison::strong)) return precondition::failed;
  } else if (auto since = single_date(headers, "If-Unmodified-Since");
             since && current.modified && *current.modified > *since) {
    return precondition::failed;
  }
  if (auto list = headers.joined("If-None-Match")) {
    if (names(*list, current, comparison::weak))
      return safe ? precondition::not_modified : precondition::failed;
  } else if (auto since = single_date(headers, "If-Modified-Since");
             safe && since && current.modified && *current.modified <= *since) {
    return precondition::not_modified;
  }
  return precondition::proceed;
}

bool range_applies(const http::fields& headers, const validators& current) {
  auto count = headers.count("If-Range");
  if (count == 0) return true;
  if (count > 1) return false;
  auto value = *headers.find("If-Range");
  if (auto tag = http::entity_tag::parse(value))
    return current.tag && http::strong_match(*tag, *current.tag);
  auto date = http::parse_date(value);
  return date && current.modified && *date == *current.modified;
}

}  // namespace tidewire::server
