#include "websocket/upgrade.hpp"

#include <tidewire/server/router.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace tidewire::server {
namespace {

// "/files/*" stands for everything below "/files/", but not for "/files/" itself.
bool matches(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with("/*")) return pattern == path;
  auto prefix = pattern.substr(0, pattern.size() - 1);
  return path.size() > prefix.size() && path.starts_with(prefix);
}

void allow(std::vector<std::string>& methods, const std::string& method) {
  if (std::find(methods.begin(), methods.end(), method) == methods.end()) methods.push_back(method);
}

response not_allowed(const std::vector<std::string>& methods) {
  std::string list;
  for (const auto& m : methods) list += (list.empty() ? "" : ", ") + m;
  auto out = problem(405, "Method Not Allowed", "this resource knows " + list);
  out.headers.set("Allow", list);
  return out;
}

response upgrade_required() {
  auto out = problem(426, "Upgrade Required", "this resource speaks WebSocket, version 13");
  out.headers.set("Sec-WebSocket-Version", "13");
  return out;
}

// The answer to a request for a WebSocket, as a handler gives it.
asio::awaitable<response> answer_upgrade(const websocket_handler& accept, request& req) {
  auto wish = websocket::read_wish(req.method, req.version, req.headers);
  if (wish == websocket::upgrade_wish::malformed)
    co_return problem(400, "Bad Request", "not a sound request for a WebSocket");
  if (wish != websocket::upgrade_wish::acceptable) co_return upgrade_required();
  auto asking = accept(req);
  auto answer = co_await std::move(asking);
  if (auto* refusal = std::get_if<response>(&answer)) co_return std::move(*refusal);
  response out;
  out.status = 101;
  out.upgrade = std::make_shared<websocket_upgrade>(std::get<websocket_upgrade>(std::move(answer)));
  co_return out;
}

}  // namespace

void router::add_websocket(std::string pattern, websocket_handler accept) {
  auto call = [accept = std::move(accept)](request& req) { return answer_upgrade(accept, req); };
  entries_.push_back({"GET", std::move(pattern), std::move(call), true});
}

void router::add(std::string method, std::string pattern, handler h) {
  entries_.push_back({std::move(method), std::move(pattern), std::move(h)});
}

asio::awaitable<response> router::route(request& req) const {
  const entry* best = nullptr;
  std::vector<std::string> methods;
  bool upgrade = websocket::lists(req.headers, "Upgrade", "websocket");
  for (const auto& e : entries_) {
    if (!matches(e.pattern, req.path)) continue;
    allow(methods, e.method);
    if (e.method == "GET" && !e.websocket) allow(methods, "HEAD");
    bool serves =
        e.method == req.method || (e.method == "GET" && !e.websocket && req.method == "HEAD");
    // The longest pattern wins; then a HEAD route of its own before a GET route, and of a WebSocket
    // and a GET route the one that was asked for.
    bool fits = e.method == req.method && (req.method != "GET" || e.websocket == upgrade);
    if (serves &&
        (!best || e.pattern.size() > best->pattern.size() || (e.pattern == best->pattern && fits)))
      best = &e;
  }
  if (best) {
    auto answer = best->call(req);
    co_return co_await std::move(answer);
  }
  if (methods.empty()) co_return problem(404, "Not Found");
  co_return not_allowed(methods);
}

}  // namespace tidewire::server
