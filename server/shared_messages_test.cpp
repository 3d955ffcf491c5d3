// Several backends over one PostgreSQL database: what is published at one is heard at all, once and
// in order, and clients may move.
#include "raw_client_test_support.hpp"
#include "realtime_client_test_support.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/store_postgres/error.hpp>

#include <cluster.hpp>
#include <gtest/gtest.h>

#include <atomic>

namespace tidewire::server {
namespace {

using namespace std::chrono_literals;
using namespace realtime;
using test::body_of;
using test::raw_client;
using test::realtime_client;
using test::status_of;
using tidewire::test::postgres_cluster;

struct shared_messages : testing::Test {
  shared_messages() {
    options.data_folder = options.files_folder = fixture.folder;
    options.http.port = 0;
    options.messages_in = message_storage::postgres;
    options.postgres.address = database_server.url(database_server.make_database());
    options.messages.drain_floor = 10ms;
    options.messages.drain_spread = 50ms;
    for (int i = 0; i < 2; ++i) start();
  }
  ~shared_messages() override {
    if (!database_server.running()) database_server.start();
  }
  void start() {
    auto& s =
        servers.emplace_back(std::make_unique<backend>(fixture.make_context(), *disk, options));
    runs.push_back(std::make_unique<test::running<backend>>(*s));
  }
  std::uint16_t port(std::size_t which) { return servers[which % servers.size()]->port(); }

  std::string ask(std::size_t which, const std::string& method, const std::string& target,
                  const std::string& body = {}, const std::string& fields = {}) {
    raw_client client(port(which));
    client.send(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n" + fields + "\r\n" + body);
    return client.response();
  }
  // Until it is taken, as a client does.
  void publish(std::size_t which, const std::string& id) {
    auto key = "Idempotency-Key: " + id + "\r\n";
    while (status_of(ask(which, "POST", "/messages", R"({"ch":"room","d":"x"})", key)) != 200) {
    }
  }

  // Listens at one server after the other, whenever a connection ends, until it has heard `count`
  // messages: which must be those from 1 on.
  struct follower {
    follower(shared_messages& t, std::size_t first, std::uint64_t count, std::uint64_t move_every)
        : thread([&t, first, count, move_every, this] {
            for (auto at = first; heard < count && !wrong; ++at) listen(t, at, count, move_every);
          }) {}
    void listen(shared_messages& t, std::size_t which, std::uint64_t count,
                std::uint64_t move_every) {
      realtime_client client(t.fixture, t.port(which));
      if (!client.line) return;
      client.send(frame(hello_frame{"c", {{"room", {epoch, heard}}}, ""}));
      for (auto from = heard; heard < count && heard - from < move_every;) {
        auto f = client.next();
        if (!f) return;
        if (auto* m = std::get_if<message_frame>(&*f)) {
          if (m->offset != heard + 1 || (epoch && m->epoch != *epoch)) wrong = true;
          epoch = m->epoch;
          ids.push_back(m->id);
          ++heard;
        }
        if (std::holds_alternative<reset_frame>(*f)) wrong = true;
        if (wrong) return;
      }
    }
    std::optional<std::string> epoch;
    std::uint64_t heard = 0;
    std::vector<std::string> ids;
    bool wrong = false;
    std::thread thread;
  };

  postgres_cluster& database_server = postgres_cluster::shared();
  test::server_fixture fixture;
  std::unique_ptr<file::filesystem> disk = file::make_posix_filesystem();
  backend_options options;
  std::vector<std::unique_ptr<backend>> servers;
  std::vector<std::unique_ptr<test::running<backend>>> runs;
};

TEST_F(shared_messages, what_one_takes_all_deliver) {
  constexpr int count = 100;
  follower here(*this, 0, count, count), there(*this, 1, count, count);
  std::vector<std::string> ids;
  for (int i = 0; i < count; ++i) {
    ids.push_back(std::to_string(i));
    publish(static_cast<std::size_t>(i / 3), ids.back());
  }
  here.thread.join();
  there.thread.join();
  EXPECT_FALSE(here.wrong || there.wrong);
  EXPECT_EQ(here.ids, ids);
  EXPECT_EQ(there.ids, ids);
}

TEST_F(shared_messages, publishers_and_followers_move) {
  constexpr int each = 150, writers = 3;
  follower one(*this, 0, each * writers, 7), two(*this, 1, each * writers, 50);
  std::vector<std::thread> all;
  for (int w = 0; w < writers; ++w)
    all.emplace_back([&, w] {
      for (int i = 0; i < each; ++i)
        publish(static_cast<std::size_t>(w + i / 10), std::to_string(w) + "." + std::to_string(i));
    });
  for (auto& t : all) t.join();
  one.thread.join();
  two.thread.join();
  EXPECT_FALSE(one.wrong || two.wrong);
  EXPECT_EQ(one.ids, two.ids);
  std::set<std::string> different(one.ids.begin(), one.ids.end());
  EXPECT_EQ(different.size(), std::size_t(each * writers));
  // In the order of each writer.
  std::map<std::string, int> last;
  for (const auto& id : one.ids) {
    auto dot = id.find('.');
    EXPECT_EQ(std::stoi(id.substr(dot + 1)), last[id.substr(0, dot)]++);
  }
}

TEST_F(shared_messages, a_long_poll_hears_the_other_server) {
  publish(0, "a");
  auto page = ask(1, "GET", "/messages?ch=room&since=0");
  ASSERT_EQ(status_of(page), 200) << page;
  raw_client waits(port(1));
  waits.send("GET /messages?ch=room&since=1&wait=50 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  while (fixture.metrics.value("tidewire_messages_waiting_polls{}") < 1) std::this_thread::yield();
  publish(0, "b");
  while (waits.text().find("\"id\":\"b\"") == std::string::npos) ASSERT_TRUE(waits.receive(60s));
}

TEST_F(shared_messages, a_cursor_from_another_server_is_no_reason_for_a_reset) {
  publish(0, "first");
  auto page = ask(0, "GET", "/messages?ch=room&since=0");
  auto epoch = page.substr(page.find("\"epoch\":\"") + 9, 16);
  for (std::uint64_t head = 2; head <= 60; ++head) {
    publish(0, std::to_string(head));
    auto since = std::to_string(head);
    // At once: the notification may not have come yet.
    if (head % 5) {
      page = ask(1, "GET", "/messages?ch=room&epoch=" + epoch + "&since=" + since);
      EXPECT_EQ(status_of(page), 200) << page;
      EXPECT_NE(page.find("\"head\":" + since), page.npos) << page;
      continue;
    }
    realtime_client client(fixture, port(1));
    client.send(frame(hello_frame{"c", {{"room", {epoch, head}}}, ""}));
    auto welcome = client.next();
    ASSERT_TRUE(welcome && std::holds_alternative<welcome_frame>(*welcome));
    EXPECT_TRUE(std::get<welcome_frame>(*welcome).channels.at("room").recovered);
  }
}

TEST_F(shared_messages, nothing_is_lost_over_restarts_of_the_database) {
  constexpr int each = 120;
  follower one(*this, 0, each * 2, each * 2), two(*this, 1, each * 2, 30);
  std::atomic<int> written = 0;
  std::vector<std::thread> all;
  for (int w = 0; w < 2; ++w)
    all.emplace_back([&, w] {
      for (int i = 0; i < each; ++i, ++written)
        publish(static_cast<std::size_t>(w), std::to_string(w) + "." + std::to_string(i));
    });
  while (written < each / 2) std::this_thread::yield();
  database_server.restart();
  while (written < each) std::this_thread::yield();
  database_server.kill();
  database_server.start();
  for (auto& t : all) t.join();
  one.thread.join();
  two.thread.join();
  EXPECT_FALSE(one.wrong || two.wrong);
  EXPECT_EQ(one.ids, two.ids);
  std::set<std::string> different(one.ids.begin(), one.ids.end());
  EXPECT_EQ(different.size(), std::size_t(each * 2));
}

TEST_F(shared_messages, a_log_that_begins_anew_resets_all) {
  publish(0, "a");
  realtime_client client(fixture, port(1));
  client.send(frame(hello_frame{"c", {{"room", {{}, 0}}}, ""}));
  auto await = [&](auto wanted) {
    using frame_type = decltype(wanted);
    while (true) {
      auto f = client.next();
      if (!f) throw std::runtime_error("the connection ended: " + client.failure.message());
      if (auto* found = std::get_if<frame_type>(&*f)) return *found;
    }
  };
  await(message_frame());
  auto anew = servers[0]->messages()->async_begin_anew("room", asio::use_future).get();
  auto reset = await(reset_frame());
  EXPECT_EQ(reset.epoch, anew.epoch);
  publish(0, "b");
  auto m = await(message_frame());
  EXPECT_EQ(m.epoch, anew.epoch);
  EXPECT_EQ(m.offset, 1u);
}

TEST_F(shared_messages, a_server_may_go) {
  constexpr int count = 60;
  follower there(*this, 0, count, count);
  for (int i = 0; i < count / 2; ++i) publish(0, std::to_string(i));
  start();
  runs.front()->stop(5s);
  runs.erase(runs.begin());
  servers.front().swap(servers.back());  // its place is taken by the new one
  for (int i = count / 2; i < count; ++i) publish(0, std::to_string(i));
  there.thread.join();
  EXPECT_FALSE(there.wrong);
}

TEST_F(shared_messages, says_what_is_wrong_with_its_database) {
  options.postgres.address = database_server.url_with_password("canary-word");
  backend refused(fixture.make_context(), *disk, options);
  EXPECT_EQ(refused.listen().error(), store_postgres::errc::refused);
  EXPECT_NE(refused.fault().find("password"), std::string::npos);
  EXPECT_EQ(refused.fault().find("canary-word"), std::string::npos);
  EXPECT_EQ(refused.messages(), nullptr);
  options.postgres.address = "postgres://127.0.0.1:1/none";
  backend nowhere(fixture.make_context(), *disk, options);
  EXPECT_EQ(nowhere.listen().error(), store_postgres::errc::unreachable);
}

}  // namespace
}  // namespace tidewire::server
