// The lesson's chat between two clients and the real hub: one speaks our wire, the other the
// lesson's frames and lists.
#include <tidewire/lab/client.hpp>
#include <tidewire/lab/network.hpp>
#include <tidewire/lab/websocket_client.hpp>
#include <tidewire/realtime/chat_client.hpp>
#include <tidewire/server/message_hub.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace tidewire {
namespace {

using namespace std::chrono_literals;
using namespace realtime;

class Chat : public ::testing::Test {
 protected:
  Chat() : world(3), plan(world), network(world, plan), host(network.add_host("http://hub:80")) {
    auto ex = host.get_executor();
    context ctx(ex, world.random("server"));
    hub = std::make_unique<server::message_hub>(
        ctx, server::make_memory_message_store(world.random("store")), ex);
    hub->add_routes(routes);
    host.start([this](server::request& r) { return routes.route(r); });
  }

  struct person {
    person(Chat& at, const std::string& name, bool lesson)
        : sockets(at.network, at.world.get_executor(), name) {
      lab::client_options http_options;
      http_options.name = name;
      http = std::make_unique<lab::client>(at.network, at.world.get_executor(), http_options);
      chat_options o;
      o.user = name;
      o.lesson_wire = lesson;
      o.connection.begin = start_at::oldest;
      std::string base = "http://hub";
      o.connection.websocket_url =
          *http::url::parse(base + (lesson ? "/chat/" : "/realtime/") + name);
      o.connection.poll_url = *http::url::parse(base + (lesson ? "/chat/messages" : "/messages"));
      connection_parts parts;
      parts.sockets = &sockets;
      parts.http = http.get();
      context ctx(at.world.get_executor(), at.world.random(name));
      chat = std::make_unique<chat_client>(ctx, parts, o);
      changes = *chat->on_change().connect([this](const chat_message&) { ++changed; });
      chat->async_connect([](error_code, mode) {});
    }
    // "me:hello* you:hi": the newest first; * is on its way, ! has failed.
    std::string shown() const {
      std::string out;
      for (auto& m : chat->messages()) {
        if (!out.empty()) out += ' ';
        out += m.user + ":" + m.text;
        if (m.state == chat_state::sending) out += '*';
        if (m.state == chat_state::failed) out += '!';
      }
      return out;
    }
    lab::websocket_client sockets;
    std::unique_ptr<lab::client> http;
    std::unique_ptr<chat_client> chat;
    signal<chat_message>::connection changes;
    int changed = 0;
  };

  void block_websockets(bool blocked) {
    lab::link_faults f;
    if (blocked) f[lab::network_fault::socket_refused] = 1'000'000;
    network.set_faults(f);
  }

  lab::world world;
  lab::fault_plan plan;
  lab::network network;
  lab::host host;
  server::router routes;
  std::unique_ptr<server::message_hub> hub;
};

TEST_F(Chat, what_one_says_everybody_sees_once) {
  person ann(*this, "ann", false), bob(*this, "bob", true);
  world.run_for(2s);
  ann.chat->send("hi");
  EXPECT_EQ(ann.shown(), "ann:hi*") << "at once";
  EXPECT_EQ(ann.changed, 1);
  world.run_for(2s);
  bob.chat->send("hello");
  EXPECT_EQ(bob.shown(), "bob:hello* ann:hi");
  world.run_for(10s);
  for (auto* who : {&ann, &bob}) EXPECT_EQ(who->shown(), "bob:hello ann:hi");
}

TEST_F(Chat, by_polling_too) {
  block_websockets(true);
  person ann(*this, "ann", false), bob(*this, "bob", true);
  world.run_for(2s);
  for (int i = 0; i < 3; ++i) {
    ann.chat->send("a" + std::to_string(i));
    world.run_for(1s);
    bob.chat->send("b" + std::to_string(i));
    world.run_for(20s);
  }
  for (auto* who : {&ann, &bob})
    EXPECT_EQ(who->shown(), "bob:b2 ann:a2 bob:b1 ann:a1 bob:b0 ann:a0");
  EXPECT_EQ(ann.chat->connection().status().mode, mode::polling);
  block_websockets(false);
  world.run_for(1min);
  for (auto* who : {&ann, &bob}) {
    EXPECT_EQ(who->chat->connection().status().mode, mode::websocket);
    EXPECT_EQ(who->shown(), "bob:b2 ann:a2 bob:b1 ann:a1 bob:b0 ann:a0") << "nothing twice";
  }
}

TEST_F(Chat, offline_messages_wait_and_are_sent_once) {
  person ann(*this, "ann", false);
  world.run_for(2s);
  network.partition("http://hub:80");
  ann.chat->send("one");
  ann.chat->send("two");
  world.run_for(5min);
  EXPECT_EQ(ann.shown(), "ann:two* ann:one*");
  network.heal();
  world.run_for(3min);
  EXPECT_EQ(ann.shown(), "ann:two ann:one");
  person bob(*this, "bob", true);
  world.run_for(10s);
  EXPECT_EQ(bob.shown(), "ann:two ann:one");
}

TEST_F(Chat, what_was_said_while_a_socket_was_lost_is_there) {
  person ann(*this, "ann", false), bob(*this, "bob", true);
  world.run_for(2s);
  auto until = world.now() + 8s;
  network.partition("http://hub:80", "bob", lab::direction::both, world.now(), until);
  for (int i = 0; i < 80; ++i) {
    ann.chat->send(std::to_string(i));
    world.run_for(100ms);
  }
  world.run_for(3min);
  EXPECT_EQ(bob.shown(), ann.shown());
  EXPECT_EQ(bob.chat->messages().size(), 80U);
}

TEST_F(Chat, one_that_is_refused_says_so) {
  person ann(*this, "ann", false);
  world.run_for(2s);
  ann.chat->send(std::string(70'000, 'x'));
  world.run_for(2s);
  ASSERT_EQ(ann.chat->messages().size(), 1U);
  EXPECT_EQ(ann.chat->messages()[0].state, chat_state::failed);
  EXPECT_NE(ann.chat->messages()[0].problem, "");
}

}  // namespace
}  // namespace tidewire
