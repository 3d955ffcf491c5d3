#include "progress_json.hpp"

#include "escape.hpp"
#include "progress_bar.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cmath>

namespace tidewire::cli {
namespace {

namespace json = boost::json;

json::object opening(const char* type, std::size_t file, const std::string& url) {
  json::object o;
  o["type"] = type;
  o["file"] = file;
  o["url"] = escape_terminal(url);
  return o;
}

// JSON has no infinities, and a rate of 1e300 helps nobody.
double finite(double value) {
  return std::isfinite(value) ? std::max(value, 0.0) : 0.0;
}

}  // namespace

const char* event_name(transfer::download_event::kind_type kind) {
  using enum transfer::download_event::kind_type;
  switch (kind) {
    case started:
      return "started";
    case redirected:
      return "redirected";
    case verdict:
      return "verdict";
    case retry:
      return "retry";
    case restarted:
      return "restarted";
    case throttled:
      return "throttled";
    case fallback:
      return "fallback";
    case finished:
      return "finished";
  }
  return "unknown";
}

std::string progress_json(std::size_t file, const std::string& url,
                          const transfer::download_progress& p) {
  auto o = opening("progress", file, url);
  o["phase"] = phase_name(p.phase);
  o["downloaded_bytes"] = p.downloaded_bytes;
  o["resumed_bytes"] = p.resumed_bytes;
  o["total_bytes"] = p.total_bytes ? json::value(*p.total_bytes) : json::value(nullptr);
  o["percentage"] = p.percentage ? json::value(finite(*p.percentage)) : json::value(nullptr);
  o["bytes_per_second"] = std::round(finite(p.bytes_per_second));
  o["remaining_seconds"] = p.remaining ? json::value(p.remaining->count()) : json::value(nullptr);
  o["generation"] = p.generation;
  json::array segments;
  for (auto& s : p.segments) {
    json::object piece;
    piece["connection"] = s.connection;
    piece["begin"] = s.begin;
    piece["position"] = s.position;
    piece["end"] = s.end;
    piece["bytes_per_second"] = std::round(finite(s.bytes_per_second));
    segments.push_back(std::move(piece));
  }
  o["segments"] = std::move(segments);
  json::array held;
  for (auto& r : p.held) held.push_back(json::array({r.begin, r.end}));
  o["held"] = std::move(held);
  return json::serialize(o);
}

std::string event_json(std::size_t file, const std::string& url,
                       const transfer::download_event& event) {
  auto o = opening("event", file, url);
  o["kind"] = event_name(event.kind);
  o["connection"] = event.connection;
  o["text"] = escape_terminal(event.text);
  return json::serialize(o);
}

std::string result_json(std::size_t file, const std::string& url, exit_code code,
                        const transfer::download_result& result, const std::string& message,
                        double seconds) {
  auto o = opening("result", file, url);
  o["outcome"] = exit_code_name(code);
  o["exit_code"] = static_cast<int>(code);
  o["path"] = escape_terminal(result.path);
  o["bytes"] = result.bytes;
  o["resumed_bytes"] = result.resumed_bytes;
  o["received_bytes"] = result.received_bytes;
  o["seconds"] = std::round(finite(seconds) * 1000) / 1000;
  o["requests"] = result.requests;
  o["retries"] = result.retries;
  o["steals"] = result.steals;
  o["generation"] = result.generation;
  o["http_status"] =
      result.http_status != 0 ? json::value(result.http_status) : json::value(nullptr);
  o["sha-256"] = result.digest ? json::value(result.digest->hex()) : json::value(nullptr);
  o["message"] = escape_terminal(message);
  return json::serialize(o);
}

}  // namespace tidewire::cli
