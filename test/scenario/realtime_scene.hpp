#pragma once

#include "little_hub.hpp"

#include <tidewire/lab/client.hpp>
#include <tidewire/lab/network.hpp>
#include <tidewire/realtime/realtime_connection.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace tidewire::test {

using namespace std::chrono_literals;
using namespace realtime;

class rotating_tokens final : public authenticator {
 public:
  void authorize(std::string, bool refresh,
                 asio::any_completion_handler<void(error_code, std::string)> done) override {
    ++asked;
    if (refresh && fresh) current = *fresh;
    std::move(done)(failure, current);
  }
  std::string current = "old";
  std::optional<std::string> fresh;
  error_code failure;
  int asked = 0;
};

// A client, a little hub and a network without faults between them, in virtual time. What listeners
// hear is kept in order: "connected(websocket) 1 2 R(e2:0) …".
class realtime_scene {
 public:
  explicit realtime_scene(std::uint64_t seed = 7)
      : world(seed), plan(world), network(world, plan), hub(world) {
    auto host = network.add_host("http://hub:80");
    host.start(hub.handler());
    http = std::make_unique<lab::client>(network, world.get_executor());
    options.websocket_url = *http::url::parse("http://hub/realtime/me");
    options.poll_url = *http::url::parse("http://hub/messages");
    options.channels = {"room"};
    options.begin = start_at::oldest;
    options.long_poll = 0s;
  }
  ~realtime_scene() { stop(); }

  void open() {
    context ctx(world.get_executor(), world.random("client"));
    ctx.network = network_hook;
    ctx.authorization = authorization;
    connection_parts parts;
    parts.sockets = &hub;
    parts.http = http.get();
    parts.store = store.get();
    connection = std::make_unique<realtime_connection>(ctx, parts, options);
    auto keep = [this](auto listening) { listeners.push_back(std::move(*listening)); };
    auto keep_other = [this](auto c) {
      others.push_back(std::make_shared<decltype(c)>(std::move(c)));
    };
    keep(connection->on_message().connect([this](const message& m) {
      say(m.channel == "room" ? std::to_string(m.offset) : m.channel + std::to_string(m.offset));
      last = m;
    }));
    keep_other(connection->on_reset().connect([this](const reset& r) {
      say("R(" + r.to.epoch + ":" + std::to_string(r.to.offset) + ")");
    }));
    keep_other(connection->on_connected().connect([this](const connected_event& e) {
      say(std::string("connected(") + name_of(e.mode) + ")");
    }));
    keep_other(connection->on_disconnected().connect([this](const disconnected_event& e) {
      say(e.intentional ? "disconnected(intentional)" : "disconnected");
    }));
    keep_other(
        connection->on_error().connect([this](const error_event& e) { errors.push_back(e); }));
  }
  void connect() {
    if (!connection) open();
    connection->async_connect([this](error_code ec, mode m) { outcomes.emplace_back(ec, m); });
  }
  // Connected by WebSocket, and proved.
  void establish() {
    connect();
    world.run_for(2s);
    ASSERT_EQ(connection->status().mode, mode::websocket);
    heard.clear();
  }
  // False: it did not become true within an hour.
  template <class Predicate>
  bool run_until(Predicate wanted) {
    auto end = world.now() + 1h;
    world.run_while([&] { return !wanted() && world.now() < end; });
    return wanted();
  }
  void stop() {
    if (!connection) return;
    bool stopped = false;
    connection->async_stop([&] { stopped = true; });
    world.run_for(10s);
    EXPECT_TRUE(stopped);
    connection.reset();
    listeners.clear();
    others.clear();
  }
  std::shared_ptr<publish_receipt> publish(const std::string& data, std::string id = {}) {
    auto receipt = std::make_shared<publish_receipt>();
    receipt->reason = "pending";
    connection->async_publish("room", data, std::move(id),
                              [receipt](error_code, publish_receipt r) {
                                EXPECT_EQ(receipt->reason, "pending") << "one receipt";
                                *receipt = std::move(r);
                              });
    return receipt;
  }
  void say(const std::string& what) { heard += (heard.empty() ? "" : " ") + what; }
  std::string take() { return std::exchange(heard, {}); }
  // Without the events: which of two transports was faster is no law.
  std::string take_messages() {
    std::istringstream words(take());
    std::string out;
    for (std::string w; words >> w;)
      if (w.find("connected") == std::string::npos) out += (out.empty() ? "" : " ") + w;
    return out;
  }

  lab::world world;
  lab::fault_plan plan;
  lab::network network;
  little_hub hub;
  std::unique_ptr<lab::client> http;
  std::unique_ptr<cursor_store> store;
  connectivity* network_hook = nullptr;
  authenticator* authorization = nullptr;
  connection_options options;
  std::unique_ptr<realtime_connection> connection;
  std::vector<signal<message>::connection> listeners;
  std::vector<std::shared_ptr<void>> others;
  std::vector<std::pair<error_code, mode>> outcomes;
  std::vector<error_event> errors;
  std::string heard;
  message last;
};

}  // namespace tidewire::test
