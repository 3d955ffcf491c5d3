// The hub and the connection on real sockets and many threads: the backend on two, each client on
// one of its own, and calls from yet others. Meant for ThreadSanitizer; what must hold are the
// laws.
#include "raw_client_test_support.hpp"

#include <tidewire/core/runtime.hpp>
#include <tidewire/file/filesystem.hpp>
#include <tidewire/http/curl_client.hpp>
#include <tidewire/realtime/realtime_connection.hpp>
#include <tidewire/server/backend.hpp>
#include <tidewire/websocket/beast_client.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tidewire::server {
namespace {

using namespace std::chrono_literals;
using namespace realtime;

constexpr std::size_t client_count = 3;
constexpr std::size_t publications = 60;  // of each client
constexpr auto patience = 120s;           // not a law: nothing hangs for ever

// A client with a thread of its own. What it hears is looked at from the test's thread.
class threaded_client {
 public:
  threaded_client(const std::string& origin, const std::string& user, std::size_t expected)
      : expected_(expected) {
    context ctx(thread_.get_executor(), rng::from_entropy());
    http_ = http::make_curl_client(ctx);
    sockets_ = websocket::make_beast_client(ctx);
    connection_options o;
    auto server = http::url::parse(origin);
    o.websocket_url = *server->resolve("/realtime/" + user);
    o.poll_url = *server->resolve("/messages");
    o.channels = {"room"};
    o.begin = start_at::oldest;
    connection_parts parts;
    parts.sockets = sockets_.get();
    parts.http = http_.get();
    connection = std::make_unique<realtime_connection>(ctx, parts, o);
    on_message_ = *connection->on_message().connect([this](const message& m) {
      std::lock_guard lock(mutex_);
      offsets_.push_back(m.offset);
      if (offsets_.size() == expected_) complete_.set_value();
    });
  }
  ~threaded_client() {
    connection->async_stop(asio::use_future).wait();
    on_executor([this] {
      on_message_.disconnect();
      connection.reset();
      sockets_.reset();
      http_.reset();
    });
    thread_.stop();
  }
  void on_executor(std::function<void()> call) {
    std::promise<void> done;
    asio::post(thread_.get_executor(), [&] {
      call();
      done.set_value();
    });
    done.get_future().wait();
  }
  bool heard_all() { return heard_.wait_for(patience) == std::future_status::ready; }
  std::vector<std::uint64_t> offsets() {
    std::lock_guard lock(mutex_);
    return offsets_;
  }

  std::unique_ptr<realtime_connection> connection;

 private:
  runtime thread_;
  std::unique_ptr<http::client> http_;
  std::unique_ptr<websocket::client> sockets_;
  signal<message>::connection on_message_;
  std::mutex mutex_;
  std::vector<std::uint64_t> offsets_;
  std::size_t expected_;
  std::promise<void> complete_;
  std::future<void> heard_ = complete_.get_future();
};

class realtime_threads : public testing::Test {
 protected:
  realtime_threads() {
    options.data_folder = options.files_folder = fixture.folder;
    options.http.port = 0;
  }
  void start() {
    server = std::make_unique<backend>(fixture.make_context(), *disk, options);
    run = std::make_unique<test::running<backend>>(*server);
    options.http.port = server->port();
  }
  void stop(std::chrono::nanoseconds grace) {
    EXPECT_TRUE(run->stop(grace));
    run.reset();
    server.reset();
  }
  std::string origin() const { return "http://127.0.0.1:" + std::to_string(options.http.port); }

  test::server_fixture fixture;
  std::unique_ptr<file::filesystem> disk = file::make_posix_filesystem();
  backend_options options;
  std::unique_ptr<backend> server;
  std::unique_ptr<test::running<backend>> run;
};

// Two threads publish by each client, the server is stopped and started in the middle.
TEST_F(realtime_threads, what_many_threads_publish_is_heard_once_and_in_order) {
  start();
  constexpr auto all = client_count * publications;
  std::vector<std::unique_ptr<threaded_client>> clients;
  for (std::size_t i = 0; i < client_count; ++i) {
    clients.push_back(std::make_unique<threaded_client>(origin(), "u" + std::to_string(i), all));
    clients.back()->connection->async_connect([](error_code, mode) {});
  }
  std::vector<std::thread> publishers;
  std::vector<std::future<publish_receipt>> receipts(all);
  for (std::size_t i = 0; i < client_count; ++i) {
    for (std::size_t half = 0; half < 2; ++half)
      publishers.emplace_back([&, i, half] {
        for (std::size_t n = half; n < publications; n += 2)
          receipts[i * publications + n] = clients[i]->connection->async_publish(
              "room", std::to_string(n), "", asio::use_future);
      });
  }
  for (auto& p : publishers) p.join();
  stop(10s);
  start();
  for (auto& r : receipts) {
    ASSERT_EQ(r.wait_for(patience), std::future_status::ready);
    EXPECT_EQ(r.get().state, receipt_state::acked);
  }
  for (auto& c : clients) {
    ASSERT_TRUE(c->heard_all());
    auto offsets = c->offsets();
    ASSERT_EQ(offsets.size(), all);
    for (std::size_t i = 0; i < all; ++i) EXPECT_EQ(offsets[i], i + 1);
  }
  clients.clear();
  stop(10s);
}

// What is cancelled and stopped from elsewhere ends once.
TEST_F(realtime_threads, stops_and_cancels_from_other_threads) {
  start();
  for (int round = 0; round < 20; ++round) {
    threaded_client client(origin(), "ann", 0);
    std::atomic<int> ended = 0;
    client.connection->async_connect([&](error_code, mode) { ++ended; });
    asio::cancellation_signal cancel;
    for (int i = 0; i < 10; ++i)
      client.connection->async_publish("room", "1", "",
                                       [&](error_code, const publish_receipt&) { ++ended; });
    auto withdrawn = [&](error_code, const publish_receipt&) { ++ended; };
    client.on_executor([&] {
      client.connection->async_publish("room", "1", "",
                                       asio::bind_cancellation_slot(cancel.slot(), withdrawn));
    });
    std::thread canceller(
        [&] { client.on_executor([&] { cancel.emit(asio::cancellation_type::terminal); }); });
    std::thread stopper([&] { client.connection->async_stop(asio::use_future).wait(); });
    std::thread asker([&] { client.connection->async_stop(asio::use_future).wait(); });
    canceller.join();
    stopper.join();
    asker.join();
    client.on_executor([] {});
    EXPECT_EQ(ended, 12);
  }
  stop(10s);
}

// A hub in which everybody comes and goes while messages are published into it from outside.
TEST_F(realtime_threads, subscribers_come_and_go_under_load) {
  start();
  std::atomic<bool> over = false;
  std::thread inside([&] {
    for (int i = 0; !over; ++i)
      server->messages()
          ->async_publish({"room", std::to_string(i), "", "1"}, asio::use_future)
          .wait();
  });
  for (int round = 0; round < 15; ++round) {
    threaded_client one(origin(), "one", 5), other(origin(), "other", 5);
    one.connection->async_connect([](error_code, mode) {});
    other.connection->async_connect([](error_code, mode) {});
    EXPECT_TRUE(one.heard_all());
    EXPECT_TRUE(other.heard_all());
  }
  over = true;
  inside.join();
  stop(10s);
}

}  // namespace
}  // namespace tidewire::server
