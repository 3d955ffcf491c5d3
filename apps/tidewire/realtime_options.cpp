#include "realtime_options.hpp"

#include "escape.hpp"

#include <tidewire/http/curl_client.hpp>
#include <tidewire/http/error.hpp>
#include <tidewire/realtime/frame.hpp>
#include <tidewire/websocket/beast_client.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <fstream>

namespace tidewire::cli {
namespace {

// "http://host/base" and "realtime/me": the path is added behind what is there.
std::optional<http::url> below(const http::url& base, const std::string& path) {
  std::string target(base.target().substr(0, base.target().find('?')));
  if (target.back() != '/') target += '/';
  auto url = base.resolve(target + path);
  return url ? std::optional(*url) : std::nullopt;
}

bool plain_name(const std::string& name) {
  for (char c : name) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '_' || c == '.';
    if (!plain) return false;
  }
  return !name.empty() && name.size() <= 64 && name != "." && name != "..";
}

}  // namespace

void add_realtime(CLI::App& app, realtime_options& o) {
  app.add_option("url", o.url, "The server, like https://example.org")
      ->type_name("URL")
      ->required();
  app.add_option("--user", o.user, "The name in /realtime/NAME (default: cli)")->type_name("NAME");
  app.add_option("--token-file", o.token_file, "The bearer token is the first line of this file")
      ->type_name("FILE");
  app.add_flag("--no-websocket", o.no_websocket, "Poll only");
  app.add_flag("--no-polling", o.no_polling, "WebSocket only");
  app.add_option("--proxy", o.proxy,
                 "Proxy URL, \"\" for none (default: http_proxy, https_proxy, no_proxy)")
      ->type_name("URL");
  app.add_option("--ca-file", o.ca_file, "Trust these certificates in place of the system's")
      ->type_name("FILE");
  app.add_flag("-q,--quiet", o.quiet, "Tell of the end only");
  app.add_flag("-v,--verbose", o.verbose, "Tell of every change of transport and every error");
}

std::string read_bearer_token(const std::string& path, std::string& fault) {
  std::ifstream file(path);
  std::string token;
  if (!file || !std::getline(file, token)) {
    fault = fmt::format("--token-file: {} can't be read or is empty", escape_terminal(path));
    return {};
  }
  while (!token.empty() && (token.back() == '\r' || token.back() == ' ')) token.pop_back();
  for (char c : token)
    if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) > '~')
      fault = "--token-file: a token has no spaces and no control characters";
  if (token.empty()) fault = "--token-file: the first line is empty";
  return token;
}

realtime_plan_or_fault make_realtime_plan(const realtime_options& o) {
  auto base = http::url::parse(o.url);
  if (!base)
    return {std::nullopt, base.error() == http::errc::unsupported_scheme
                              ? "the server's URL begins with http:// or https://; WebSocket and "
                                "polling addresses are made from it"
                              : "that is not a URL"};
  if (!plain_name(o.user))
    return {std::nullopt, "--user is 1 to 64 of letters, digits, '-', '_' and '.'"};
  if (o.no_websocket && o.no_polling)
    return {std::nullopt, "--no-websocket and --no-polling leave no way"};
  realtime_plan plan;
  if (!o.no_websocket) plan.connection.websocket_url = below(*base, "realtime/" + o.user);
  if (!o.no_polling) plan.connection.poll_url = below(*base, "messages");
  plan.shown_url = escape_terminal(base->redacted());
  std::string value;
  if (!o.token_file.empty()) {
    std::string fault;
    value = "Bearer " + read_bearer_token(o.token_file, fault);
    if (!fault.empty()) return {std::nullopt, fault};
  }
  plan.authorization = std::make_unique<fixed_authorization>(value);
  return {std::move(plan), {}};
}

realtime_edges::realtime_edges(const context& ctx, const realtime_options& o) {
  http::curl_client_options http_options;
  http_options.proxy = o.proxy;
  http_options.ca_file = o.ca_file;
  http = http::make_curl_client(ctx, http_options);
  websocket::beast_client_options socket_options;
  socket_options.proxy = o.proxy;
  socket_options.ca_file = o.ca_file;
  sockets = websocket::make_beast_client(ctx, socket_options);
}

realtime::connection_parts realtime_edges::parts() {
  realtime::connection_parts out;
  out.http = http.get();
  out.sockets = sockets.get();
  return out;
}

void realtime_edges::stop() {
  http->stop([] {});
}

}  // namespace tidewire::cli
