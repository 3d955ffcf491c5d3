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

}  // namespace

void router::add(std::string method, std::string pattern, handler h) {
  entries_.push_back({std::move(method), std::move(pattern), std::move(h)});
}

asio::awaitable<response> router::route(request& req) const {
  const entry* best = nullptr;
  std::vector<std::string> methods;
  for (const auto& e : entries_) {
    if (!matches(e.pattern, req.path)) continue;
    allow(methods, e.method);
    if (e.method == "GET") allow(methods, "HEAD");
    bool serves = e.method == req.method || (e.method == "GET" && req.method == "HEAD");
    // The longest pattern wins, and a HEAD route of its own before a GET route.
    if (serves && (!best || e.pattern.size() > best->pattern.size() ||
                   (e.pattern == best->pattern && e.method == req.method)))
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
