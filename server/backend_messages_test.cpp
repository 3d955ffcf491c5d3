// The hub on real sockets, in the backend as `tidewire serve` has it.
#include "raw_client_test_support.hpp"
#include "realtime_client_test_support.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/realtime/frame.hpp>
#include <tidewire/store_sqlite/error.hpp>
#include <tidewire/websocket/error.hpp>

#include <gtest/gtest.h>

namespace tidewire::server {
namespace {

using namespace std::chrono_literals;
using namespace realtime;
using test::body_of;
using test::raw_client;
using test::status_of;

struct backend_messages_test : testing::Test {
  backend_messages_test() {
    options.data_folder = options.files_folder = fixture.folder;
    options.http.port = 0;
  }
  void start() {
    server = std::make_unique<backend>(fixture.make_context(), *disk, options);
    run = std::make_unique<test::running<backend>>(*server);
  }
  void stop(std::chrono::nanoseconds grace) {
    EXPECT_TRUE(run->stop(grace));
    run.reset();
    server.reset();
  }
  std::string ask(const std::string& method, const std::string& target,
                  const std::string& body = {}, const std::string& fields = {}) {
    raw_client client(server->port());
    client.send(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n" + fields + "\r\n" + body);
    return client.response();
  }
  std::string publish(const std::string& id, const std::string& fields = {}) {
    return ask("POST", "/messages", R"({"ch":"room","d":"x"})",
               "Idempotency-Key: " + id + "\r\n" + fields);
  }

  std::unique_ptr<test::realtime_client> connect(http::fields headers = {}) {
    return std::make_unique<test::realtime_client>(fixture, server->port(), std::move(headers));
  }

  test::server_fixture fixture;
  std::unique_ptr<file::filesystem> disk = file::make_posix_filesystem();
  backend_options options;
  std::unique_ptr<backend> server;
  std::unique_ptr<test::running<backend>> run;
};

TEST_F(backend_messages_test, keeps_messages_across_restarts) {
  start();
  EXPECT_EQ(body_of(publish("a")), R"({"off":1,"dup":false})");
  auto s = connect();
  ASSERT_TRUE(s->line) << s->failure.message();
  s->send(frame(hello_frame{"c", {{"room", {{}, 0}}}, ""}));
  auto welcome = s->next();
  ASSERT_TRUE(welcome && std::holds_alternative<welcome_frame>(*welcome));
  auto epoch = std::get<welcome_frame>(*welcome).channels.at("room").epoch;
  EXPECT_EQ(std::get<message_frame>(*s->next()).offset, 1u);
  s->send(frame(publish_frame{"b", "room", "2"}));
  bool acknowledged = false, heard = false;
  for (int i = 0; i < 2; ++i) {
    auto f = s->next();
    ASSERT_TRUE(f);
    acknowledged = acknowledged || std::holds_alternative<ack_frame>(*f);
    heard = heard || std::holds_alternative<message_frame>(*f);
  }
  EXPECT_TRUE(acknowledged && heard);
  stop(5s);
  auto bye = s->next();
  ASSERT_TRUE(bye && std::holds_alternative<bye_frame>(*bye));
  EXPECT_TRUE(std::get<bye_frame>(*bye).retry);
  EXPECT_FALSE(s->next());
  EXPECT_EQ(s->failure, websocket::errc::closed);
  EXPECT_EQ(s->line->reason().code, websocket::close_code::service_restart);
  s.reset();
  start();
  auto page = ask("GET", "/messages?ch=room&since=0&epoch=" + epoch);
  EXPECT_EQ(status_of(page), 200) << page;
  EXPECT_NE(page.find("\"next\":2"), page.npos);
  EXPECT_EQ(body_of(publish("a")), R"({"off":1,"dup":true})");
}

TEST_F(backend_messages_test, a_stop_ends_long_polls) {
  start();
  raw_client client(server->port());
  client.send("GET /messages?ch=room&wait=50 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  while (fixture.metrics.value("tidewire_messages_waiting_polls{}") < 1) std::this_thread::yield();
  stop(20s);  // fails unless the answer came in time
  EXPECT_EQ(status_of(client.response()), 200);
}

TEST_F(backend_messages_test, asks_for_the_token_where_it_can_be) {
  options.http.token = "0123456789abcdef";
  start();
  auto bearer = "Authorization: Bearer " + options.http.token + "\r\n";
  EXPECT_EQ(status_of(publish("a")), 401);
  EXPECT_EQ(status_of(publish("a", bearer)), 200);
  EXPECT_EQ(status_of(ask("GET", "/messages?ch=room&since=0")), 401);
  // "Upgrade" opens no other door.
  auto upgrade =
      "Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  for (auto target : {"/messages?ch=room&since=0", "/files/x", "/chat/ann", "/chat/messages"})
    EXPECT_EQ(status_of(ask("GET", target, "", upgrade)), 401) << target;
  auto good = connect();
  ASSERT_TRUE(good->line);
  good->send(frame(hello_frame{"c", {{"room", {{}, 0}}}, options.http.token}));
  EXPECT_TRUE(std::holds_alternative<welcome_frame>(*good->next()));
  auto bad = connect();
  bad->send(frame(hello_frame{"c", {{"room", {{}, 0}}}, "wrong"}));
  EXPECT_TRUE(std::holds_alternative<bye_frame>(*bad->next()));
  EXPECT_FALSE(bad->next());
  EXPECT_FALSE(connect({{"Authorization", "Bearer wrong"}})->line);
  EXPECT_FALSE(connect({{"Origin", "https://evil.example"}})->line);
  good.reset(), bad.reset();
  stop(5s);
  EXPECT_EQ(fixture.log.text().find(options.http.token), std::string::npos);
}

TEST_F(backend_messages_test, says_what_is_wrong_with_its_store) {
  fixture.write_file("messages.db", std::string(8192, 'x'));
  backend broken(fixture.make_context(), *disk, options);
  auto listening = broken.listen();
  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error(), store_sqlite::errc::corrupt);
  EXPECT_NE(broken.fault().find("messages.db"), std::string::npos);
  EXPECT_EQ(broken.messages(), nullptr);
}

TEST_F(backend_messages_test, may_keep_them_in_memory) {
  options.messages_in = message_storage::memory;
  start();
  EXPECT_EQ(status_of(publish("a")), 200);
  EXPECT_FALSE(std::filesystem::exists(fixture.folder + "/messages.db"));
}

}  // namespace
}  // namespace tidewire::server
