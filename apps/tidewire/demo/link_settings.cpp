#include "link_settings.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <cmath>
#include <optional>
#include <string_view>

namespace tidewire::demo {
namespace {

namespace json = boost::json;

std::optional<double> number(const json::value& v) {
  if (v.is_int64()) return static_cast<double>(v.get_int64());
  if (v.is_uint64()) return static_cast<double>(v.get_uint64());
  if (v.is_double()) return v.get_double();
  return std::nullopt;
}

refusal wrong(std::string_view name, const std::string& wanted) {
  return {422, "\"" + std::string(name) + "\" wants " + wanted};
}

outcome put_percent(double& to, std::string_view name, const json::value& v) {
  auto n = number(v);
  if (!n || !(*n >= 0 && *n <= 50)) return wrong(name, "a number from 0 to 50");
  to = *n;
  return {};
}

outcome put_whole(std::int64_t& to, std::string_view name, const json::value& v,
                  std::int64_t most) {
  auto n = number(v);
  if (!n || !(*n >= 0 && *n <= static_cast<double>(most)) || *n != std::floor(*n))
    return wrong(name, "a whole number from 0 to " + std::to_string(most));
  to = static_cast<std::int64_t>(*n);
  return {};
}

outcome put_member(link_settings& to, std::string_view name, const json::value& v) {
  if (name == "latency_ms") return put_whole(to.latency_ms, name, v, 5000);
  if (name == "jitter_ms") return put_whole(to.jitter_ms, name, v, 5000);
  if (name == "loss_percent") return put_percent(to.loss_percent, name, v);
  if (name == "bytes_per_second") return put_whole(to.bytes_per_second, name, v, 1'000'000'000);
  if (name == "reset_percent_per_mib") return put_percent(to.reset_percent_per_mib, name, v);
  if (name != "offline") return refusal{422, "the link has no \"" + std::string(name) + "\""};
  if (!v.is_bool()) return wrong(name, "true or false");
  to.offline = v.get_bool();
  return {};
}

std::uint32_t ppm(double percent) {
  return static_cast<std::uint32_t>(std::lround(percent * 10'000));
}

}  // namespace

outcome link_settings::apply(const json::object& changes) {
  auto changed = *this;
  for (const auto& member : changes) {
    std::string_view name(member.key().data(), member.key().size());
    if (auto no = put_member(changed, name, member.value())) return no;
  }
  *this = changed;
  return {};
}

lab::proxy_faults link_settings::faults() const {
  lab::proxy_faults f;
  f.latency = std::chrono::milliseconds(latency_ms);
  f.jitter = std::chrono::milliseconds(jitter_ms);
  f.up_bytes_per_second = f.down_bytes_per_second = static_cast<std::uint64_t>(bytes_per_second);
  f.loss_ppm = ppm(loss_percent);
  f.reset_ppm_per_mib = ppm(reset_percent_per_mib);
  f.offline = offline;
  return f;
}

json::object link_settings::json() const {
  json::object o;
  o["latency_ms"] = latency_ms;
  o["jitter_ms"] = jitter_ms;
  o["loss_percent"] = loss_percent;
  o["bytes_per_second"] = bytes_per_second;
  o["reset_percent_per_mib"] = reset_percent_per_mib;
  o["offline"] = offline;
  return o;
}

}  // namespace tidewire::demo
