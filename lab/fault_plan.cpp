#include <tidewire/core/error.hpp>
#include <tidewire/lab/fault_plan.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::lab {
namespace {

namespace json = boost::json;

std::optional<fault_event> event_of(const json::value& v) {
  const auto* o = v.if_object();
  if (!o) return std::nullopt;
  const auto* site = o->if_contains("site");
  const auto* index = o->if_contains("index");
  const auto* time = o->if_contains("time_ns");
  const auto* kind = o->if_contains("kind");
  const auto* parameter = o->if_contains("parameter");
  if (!site || !site->is_string() || !index) return std::nullopt;
  if (kind && !kind->is_string()) return std::nullopt;
  error_code ec;
  fault_event e;
  e.site = site->get_string().c_str();
  e.index = index->to_number<std::uint64_t>(ec);
  if (ec) return std::nullopt;
  if (time) e.time = std::chrono::nanoseconds(time->to_number<std::int64_t>(ec));
  if (ec) return std::nullopt;
  if (kind) e.kind = kind->get_string().c_str();
  if (parameter) e.parameter = parameter->to_number<std::int64_t>(ec);
  if (ec) return std::nullopt;
  return e;
}

// All but the n-th of `parts` equal parts.
std::vector<fault_event> without(const std::vector<fault_event>& all, std::size_t n,
                                 std::size_t parts) {
  auto from = all.size() * n / parts;
  auto to = all.size() * (n + 1) / parts;
  std::vector<fault_event> rest;
  rest.reserve(all.size() - (to - from));
  for (std::size_t i = 0; i < all.size(); ++i)
    if (i < from || i >= to) rest.push_back(all[i]);
  return rest;
}

}  // namespace

fault_site::fault_site(fault_plan& plan, std::string name, rng random)
    : plan_(plan), name_(std::move(name)), random_(random) {}

std::optional<std::int64_t> fault_site::draw(std::uint32_t ppm, std::int64_t low,
                                             std::int64_t high) {
  auto index = next_++;
  std::int64_t parameter = 0;
  if (plan_.replaying_) {
    auto it = listed_.find(index);
    if (it == listed_.end()) return std::nullopt;
    parameter = it->second;
  } else {
    if (ppm == 0 || !random_.chance_ppm(ppm)) return std::nullopt;
    parameter = random_.between(low, std::max(low, high));
  }
  ++faults_;
  plan_.record(*this, index, parameter);
  return parameter;
}

fault_plan::fault_plan(world& w) : world_(w), replaying_(false) {}

fault_plan::fault_plan(world& w, std::vector<fault_event> listed) : world_(w), replaying_(true) {
  for (auto& e : listed) listed_[e.site][e.index] = e.parameter;
}

fault_plan::~fault_plan() = default;

fault_site& fault_plan::site(std::string_view name) {
  if (auto it = sites_.find(name); it != sites_.end()) return *it->second;
  std::unique_ptr<fault_site> made(new fault_site(*this, std::string(name), world_.random(name)));
  if (auto it = listed_.find(name); it != listed_.end()) made->listed_ = it->second;
  return *sites_.emplace(std::string(name), std::move(made)).first->second;
}

void fault_plan::record(const fault_site& at, std::uint64_t index, std::int64_t parameter) {
  world_.note(at.name(), {index, static_cast<std::uint64_t>(parameter)});
  if (total_++ >= max_recorded) return;
  auto dot = at.name().find('.');
  recorded_.push_back({at.name(), index, world_.now().time_since_epoch(),
                       dot == std::string::npos ? at.name() : at.name().substr(dot + 1),
                       parameter});
}

std::map<std::string, std::uint64_t> fault_plan::counts() const {
  std::map<std::string, std::uint64_t> all;
  for (auto& [name, site] : sites_) all[name] = site->faults();
  return all;
}

std::string to_json(const std::vector<fault_event>& faults) {
  // By hand, one fault a line, so that people can edit the file.
  std::string text = "{\"format\":\"tidewire-faults\",\"version\":1,\"faults\":[";
  const char* separator = "\n";
  for (auto& e : faults) {
    json::object o{{"site", e.site},
                   {"index", e.index},
                   {"time_ns", e.time.count()},
                   {"kind", e.kind},
                   {"parameter", e.parameter}};
    text += std::exchange(separator, ",\n") + json::serialize(o);
  }
  return text + "\n]}\n";
}

result<std::vector<fault_event>> faults_from_json(std::string_view text) {
  error_code ec;
  auto document = json::parse(text, ec);
  auto bad = make_error_code(errc::invalid_argument);
  if (ec || !document.is_object()) return bad;
  auto& o = document.get_object();
  const auto* format = o.if_contains("format");
  const auto* version = o.if_contains("version");
  const auto* list = o.if_contains("faults");
  if (!format || *format != "tidewire-faults" || !version || *version != 1) return bad;
  if (!list || !list->is_array()) return bad;
  std::vector<fault_event> faults;
  for (auto& item : list->get_array()) {
    auto e = event_of(item);
    if (!e) return bad;
    faults.push_back(std::move(*e));
  }
  return faults;
}

std::vector<fault_event> shrink(
    std::vector<fault_event> failing,
    const std::function<bool(const std::vector<fault_event>&)>& still_fails, std::size_t max_runs) {
  std::size_t runs = 0;
  if (max_runs > 0 && !failing.empty() && still_fails({})) return {};
  std::size_t parts = 2;
  while (failing.size() > 1 && runs < max_runs) {
    parts = std::min(parts, failing.size());
    bool smaller = false;
    for (std::size_t n = 0; n < parts && runs < max_runs; ++n) {
      auto rest = without(failing, n, parts);
      ++runs;
      if (!still_fails(rest)) continue;
      failing = std::move(rest);
      parts = std::max<std::size_t>(parts - 1, 2);
      smaller = true;
      break;
    }
    if (smaller) continue;
    if (parts == failing.size()) break;
    parts = std::min(parts * 2, failing.size());
  }
  return failing;
}

}  // namespace tidewire::lab
