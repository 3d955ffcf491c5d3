#include <tidewire/core/error.hpp>
#include <tidewire/lab/proxy.hpp>

#include <boost/json.hpp>

#include <limits>

namespace tidewire::lab {
namespace {

namespace json = boost::json;

std::optional<std::uint64_t> whole(const json::value& v) {
  if (v.is_uint64()) return v.get_uint64();
  if (v.is_int64() && v.get_int64() >= 0) return static_cast<std::uint64_t>(v.get_int64());
  return std::nullopt;
}

std::optional<std::chrono::nanoseconds> milliseconds(const json::value& v) {
  auto ms = whole(v);
  constexpr std::uint64_t day = 24 * 3600 * 1000;
  if (!ms || *ms > day) return std::nullopt;
  return std::chrono::milliseconds(*ms);
}

std::optional<std::uint32_t> ppm(const json::value& v) {
  auto n = whole(v);
  if (!n || *n > 1'000'000) return std::nullopt;
  return static_cast<std::uint32_t>(*n);
}

template <class T, class U>
bool put(T& to, const std::optional<U>& value) {
  if (value) to = *value;
  return value.has_value();
}

std::optional<bool> flag(const json::value& v) {
  if (!v.is_bool()) return std::nullopt;
  return v.get_bool();
}

bool put_member(proxy_faults& f, std::string_view name, const json::value& v) {
  if (name == "latency_ms") return put(f.latency, milliseconds(v));
  if (name == "jitter_ms") return put(f.jitter, milliseconds(v));
  if (name == "bytes_per_second")
    return put(f.up_bytes_per_second, whole(v)) && put(f.down_bytes_per_second, whole(v));
  if (name == "up_bytes_per_second") return put(f.up_bytes_per_second, whole(v));
  if (name == "down_bytes_per_second") return put(f.down_bytes_per_second, whole(v));
  if (name == "truncate_after_bytes") return put(f.truncate_after_bytes, whole(v));
  if (name == "reset_after_bytes") return put(f.reset_after_bytes, whole(v));
  if (name == "reset_ppm") return put(f.reset_ppm, ppm(v));
  if (name == "reset_ppm_per_mib") return put(f.reset_ppm_per_mib, ppm(v));
  if (name == "loss_ppm") return put(f.loss_ppm, ppm(v));
  if (name == "stall_after_bytes") return put(f.stall_after_bytes, whole(v));
  if (name == "stall_ms") return put(f.stall, milliseconds(v));
  if (name == "half_open") return put(f.half_open, flag(v));
  if (name == "refuse") return put(f.refuse, flag(v));
  if (name == "offline") return put(f.offline, flag(v));
  return false;
}

}  // namespace

result<proxy_faults> proxy_faults::from_json(std::string_view text) {
  auto bad = make_error_code(errc::invalid_argument);
  error_code ec;
  auto document = json::parse(text, ec);
  if (ec || !document.is_object()) return bad;
  auto& o = document.get_object();
  const auto* format = o.if_contains("format");
  const auto* version = o.if_contains("version");
  if (!format || *format != "tidewire-proxy-faults" || !version || *version != 1) return bad;
  proxy_faults f;
  for (auto& member : o) {
    if (member.key() == "format" || member.key() == "version") continue;
    if (!put_member(f, {member.key().data(), member.key().size()}, member.value())) return bad;
  }
  return f;
}

}  // namespace tidewire::lab
