#pragma once

#include <tidewire/core/hooks.hpp>
#include <tidewire/http/client.hpp>
#include <tidewire/realtime/realtime_connection.hpp>
#include <tidewire/websocket/client.hpp>

#include <CLI/App.hpp>

#include <memory>
#include <optional>
#include <string>

namespace tidewire::cli {

// What `watch` and `publish` have in common, as typed.
struct realtime_options {
  std::string url, user = "cli", token_file, ca_file;
  std::optional<std::string> proxy;
  bool no_websocket = false, no_polling = false, quiet = false, verbose = false;
};
void add_realtime(CLI::App& app, realtime_options& o);

// The first line of a file that holds a bearer token; `fault` says in words what is wrong.
std::string read_bearer_token(const std::string& path, std::string& fault);

// The same Authorization every time.
class fixed_authorization final : public authenticator {
 public:
  explicit fixed_authorization(std::string value) : value_(std::move(value)) {}
  void authorize(std::string, bool,
                 asio::any_completion_handler<void(error_code, std::string)> done) override {
    std::move(done)(error_code(), value_);
  }

 private:
  std::string value_;
};

// A checked command line: addresses of both transports and the credentials, or what is wrong.
struct realtime_plan {
  realtime::connection_options connection;
  std::unique_ptr<fixed_authorization> authorization;
  std::string shown_url;
};
struct realtime_plan_or_fault {
  std::optional<realtime_plan> plan;
  std::string fault;
};
realtime_plan_or_fault make_realtime_plan(const realtime_options& o);

// The edges of a connection. Needs a running loop to end: stop() first.
struct realtime_edges {
  realtime_edges(const context& ctx, const realtime_options& o);
  realtime::connection_parts parts();
  void stop();

  std::unique_ptr<http::client> http;
  std::unique_ptr<websocket::client> sockets;
};

}  // namespace tidewire::cli
