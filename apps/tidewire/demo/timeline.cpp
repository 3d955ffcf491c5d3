#include "timeline.hpp"

#include <boost/json/object.hpp>

#include <utility>

namespace tidewire::demo {

void state_bars::become(std::string_view state, std::int64_t at_ms) {
  if (!bars_.empty() && bars_.back().state == state) return;
  bars_.push_back({at_ms, std::string(state)});
  if (bars_.size() > max_bars) bars_.pop_front();
}

boost::json::array state_bars::json() const {
  boost::json::array out;
  for (const auto& b : bars_) {
    boost::json::object o;
    o["at_ms"] = b.at_ms;
    o["state"] = b.state;
    out.push_back(std::move(o));
  }
  return out;
}

void event_marks::add(std::string_view kind, std::string text, std::int64_t at_ms) {
  marks_.push_back({++added_, at_ms, std::string(kind), std::move(text)});
  if (marks_.size() > max_marks) marks_.pop_front();
}

boost::json::array event_marks::json() const {
  boost::json::array out;
  for (const auto& m : marks_) {
    boost::json::object o;
    o["seq"] = m.seq;
    o["at_ms"] = m.at_ms;
    o["kind"] = m.kind;
    o["text"] = m.text;
    out.push_back(std::move(o));
  }
  return out;
}

}  // namespace tidewire::demo
