#include "realtime/notification_list.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <optional>

namespace tidewire::realtime {
namespace {

namespace json = boost::json;

// Ids are opaque; servers that count give them as numbers.
std::string id_of(const json::value& entry) {
  auto* object = entry.if_object();
  auto* id = object ? object->if_contains("id") : nullptr;
  if (!id) return {};
  if (auto* text = id->if_string()) return std::string(text->data(), text->size());
  if (auto* number = id->if_int64()) return std::to_string(*number);
  if (auto* number = id->if_uint64()) return std::to_string(*number);
  return {};
}

std::string text_of(const json::object& object, std::string_view name) {
  auto* value = object.if_contains({name.data(), name.size()});
  auto* text = value ? value->if_string() : nullptr;
  return text ? std::string(text->data(), text->size()) : std::string();
}

}  // namespace

std::vector<notification> notification_list::take(const json::array& newest_first) {
  std::vector<notification> fresh;
  for (auto it = newest_first.rbegin(); it != newest_first.rend(); ++it) {
    auto id = id_of(*it);
    if (id.empty() || seen_.contains(id)) continue;
    remember(id);
    auto& object = it->get_object();
    fresh.push_back({id, text_of(object, "message"), text_of(object, "ts"), object});
  }
  recent_.insert(recent_.begin(), fresh.rbegin(), fresh.rend());
  if (recent_.size() > notification_poller::max_recent)
    recent_.erase(recent_.begin() + notification_poller::max_recent, recent_.end());
  return fresh;
}

void notification_list::remember(const std::string& id) {
  seen_.insert(id);
  order_.push_back(id);
  if (order_.size() <= notification_poller::max_remembered) return;
  seen_.erase(order_.front());
  order_.pop_front();
}

std::string notification_list::newest_id(const json::value& answer) {
  auto* entries = answer.if_array();
  if (!entries) return {};
  for (auto& entry : *entries)
    if (auto id = id_of(entry); !id.empty()) return id;
  return {};
}

}  // namespace tidewire::realtime
