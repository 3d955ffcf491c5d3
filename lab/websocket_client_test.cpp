#include <tidewire/core/error.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/http/error.hpp>
#include <tidewire/lab/network.hpp>
#include <tidewire/lab/websocket_client.hpp>
#include <tidewire/server/router.hpp>
#include <tidewire/websocket/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <gtest/gtest.h>

#include <map>
#include <optional>

namespace tidewire::lab {
namespace {

using namespace std::chrono_literals;
using websocket::close_code;
using websocket::errc;

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
const std::string origin = "http://chat:80";

struct fixture {
  explicit fixture(std::uint64_t seed = 1, link_faults f = {},
                   const std::vector<fault_event>* replay = nullptr)
      : w(seed), plan(make_plan(replay)), net(w, *plan), server(net.add_host(origin)) {
    net.set_faults(f);
    routes.add_websocket("/echo", [this](server::request& r) { return accept(r); });
    routes.add_websocket("/no", [](server::request&) -> asio::awaitable<server::websocket_answer> {
      auto out = server::problem(503, "Service Unavailable");
      out.headers.set("Retry-After", "9");
      co_return out;
    });
    serve();
  }
  std::unique_ptr<fault_plan> make_plan(const std::vector<fault_event>* replay) {
    if (replay) return std::make_unique<fault_plan>(w, *replay);
    return std::make_unique<fault_plan>(w);
  }
  void serve() {
    server.start([this](server::request& r) { return routes.route(r); });
  }

  asio::awaitable<server::websocket_answer> accept(server::request&) {
    server::websocket_upgrade out;
    out.session = [this](std::unique_ptr<websocket::connection> ws) { return echo(std::move(ws)); };
    co_return out;
  }
  asio::awaitable<void> echo(std::unique_ptr<websocket::connection> ws) {
    ++sessions;
    while (true) {
      auto reading = ws->async_read(quietly);
      auto [failed, m] = co_await std::move(reading);
      session_end = failed;
      if (failed) break;
      if (m.data == "deaf") {
        timer forever(server.get_executor());
        forever.expires_after(1h);
        co_await forever.async_wait(quietly);
      }
      if (m.data == "bye") {
        auto closing = ws->async_close(close_code::going_away, "so", quietly);
        co_await std::move(closing);
        continue;
      }
      auto writing = ws->async_write(m.data, m.text, quietly);
      co_await std::move(writing);
    }
  }

  void connect(const std::string& target = "/echo") {
    websocket::connect_request r(*http::url::parse(origin + target));
    open(std::move(r));
  }
  void open(websocket::connect_request r) {
    done = false;
    client.async_connect(std::move(r), [this](error_code e, auto s, auto summary) {
      done = true;
      ec = e;
      socket = std::move(s);
      how = std::move(summary);
    });
    w.run_while([this] { return !done; });
  }
  std::pair<error_code, std::string> read() {
    std::optional<std::pair<error_code, std::string>> out;
    socket->async_read([&](error_code e, websocket::message m) { out.emplace(e, m.data); });
    w.run_while([&] { return !out; });
    return out.value_or(std::pair(error_code(), std::string("never")));
  }
  error_code write(std::string text) {
    std::optional<error_code> out;
    socket->async_write(text, true, [&](error_code e) { out = e; });
    w.run_while([&] { return !out; });
    return out.value_or(make_error_code(tidewire::errc::limit_exceeded));
  }
  error_code close() {
    std::optional<error_code> out;
    socket->async_close(close_code::normal, "", [&](error_code e) { out = e; });
    w.run_while([&] { return !out; });
    return out.value_or(make_error_code(tidewire::errc::limit_exceeded));
  }

  world w;
  std::unique_ptr<fault_plan> plan;
  network net;
  host server;
  server::router routes;
  int sessions = 0;
  error_code session_end;
  websocket_client client{net, w.get_executor()};
  bool done = false;
  error_code ec;
  websocket::connect_summary how;
  std::unique_ptr<websocket::connection> socket;
};

link_faults always(network_fault f) {
  link_faults out;
  out[f] = 1'000'000;
  return out;
}

TEST(websocket_client, echoes_in_order_with_latency) {
  fixture f;
  auto begin = f.w.now();
  f.connect();
  ASSERT_FALSE(f.ec) << f.how.detail;
  EXPECT_EQ(f.how.status, 101u);
  EXPECT_GE(f.w.now() - begin, 20ms);  // two round trips of at least 5 ms each way
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(f.write(std::to_string(i)));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(f.read().second, std::to_string(i));
  EXPECT_EQ(f.socket->last_heard(), f.w.now());
  EXPECT_FALSE(f.write("bye"));
  EXPECT_EQ(f.read().first, make_error_code(errc::closed));
  EXPECT_EQ(f.socket->reason().code, close_code::going_away);
  EXPECT_EQ(f.socket->reason().text, "so");
}

TEST(websocket_client, an_orderly_close_of_ours) {
  fixture f;
  f.connect();
  ASSERT_TRUE(f.socket);
  EXPECT_FALSE(f.close());
  EXPECT_EQ(f.session_end, make_error_code(errc::closed));
  EXPECT_FALSE(f.close());
  EXPECT_EQ(f.write("x"), make_error_code(errc::closed));
}

TEST(websocket_client, refusals) {
  fixture f;
  f.connect("/no");
  EXPECT_EQ(f.ec, make_error_code(errc::refused));
  EXPECT_EQ(f.how.status, 503u);
  EXPECT_EQ(f.how.retry_after, 9s);
  f.connect("/elsewhere");
  EXPECT_EQ(f.how.status, 404u);
  f.net.set_faults(always(network_fault::socket_refused));
  f.connect();
  EXPECT_EQ(f.ec, make_error_code(errc::refused));
  EXPECT_EQ(f.sessions, 0);
  f.server.crash();
  f.net.set_faults({});
  f.connect();
  EXPECT_EQ(f.ec, http::make_error_code(http::errc::connect_failed));
  f.open(websocket::connect_request(*http::url::parse("http://nobody:80/")));
  EXPECT_EQ(f.ec, http::make_error_code(http::errc::resolve_failed));
}

TEST(websocket_client, faults_of_the_way) {
  struct row {
    network_fault fault;
    error_code error;
  };
  auto timed_out = make_error_code(tidewire::errc::timed_out);
  for (auto& r :
       {row{network_fault::refuse, http::make_error_code(http::errc::connect_failed)},
        row{network_fault::connect_timeout, timed_out},
        row{network_fault::reset_before_request, http::make_error_code(http::errc::send_failed)}}) {
    fixture f(1, always(r.fault));
    auto begin = f.w.now();
    f.connect();
    EXPECT_EQ(f.ec, r.error) << name_of(r.fault);
    if (r.error == timed_out) {
      EXPECT_EQ(f.w.now() - begin, 5s);
    }
    ASSERT_EQ(f.plan->recorded().size(), 1u);
    EXPECT_EQ(f.plan->recorded()[0].kind, name_of(r.fault));
  }
}

TEST(websocket_client, upgrades_then_says_nothing) {
  fixture f(1, always(network_fault::socket_silent));
  f.connect();
  ASSERT_TRUE(f.socket);
  auto heard = f.socket->last_heard();
  EXPECT_FALSE(f.write("anybody?"));
  bool read = false;
  f.socket->async_read([&](error_code, const websocket::message&) { read = true; });
  f.w.run_for(1h);
  EXPECT_FALSE(read);
  EXPECT_EQ(f.socket->last_heard(), heard);
  EXPECT_EQ(f.close(), make_error_code(tidewire::errc::timed_out));
}

TEST(websocket_client, a_reset_ends_both_sides) {
  fixture f;
  f.connect();
  ASSERT_TRUE(f.socket);
  f.net.set_faults(always(network_fault::socket_reset));  // for what is opened from now on
  EXPECT_FALSE(f.write("x"));
  EXPECT_EQ(f.read().second, "x");
  f.connect();
  ASSERT_TRUE(f.socket);
  EXPECT_FALSE(f.write("x"));
  EXPECT_EQ(f.read().first, make_error_code(errc::connection_lost));
  f.w.run_for(1s);
  EXPECT_EQ(f.session_end, make_error_code(errc::connection_lost));
}

TEST(websocket_client, half_open_is_silent) {
  fixture f(1, always(network_fault::socket_half_open));
  f.connect();
  ASSERT_TRUE(f.socket);
  EXPECT_FALSE(f.write("x"));
  bool read = false;
  f.socket->async_read([&](error_code, const websocket::message&) { read = true; });
  f.w.run_for(24h);
  EXPECT_FALSE(read);
  f.socket.reset();
  f.w.run_for(1s);
  EXPECT_TRUE(read);
}

TEST(websocket_client, a_partition_delays_and_keeps_the_order) {
  fixture f;
  f.connect();
  ASSERT_TRUE(f.socket);
  auto now = f.w.now();
  f.net.partition(origin, "", direction::to_server, now, now + 30s);
  EXPECT_FALSE(f.write("1"));
  EXPECT_FALSE(f.write("2"));
  EXPECT_EQ(f.read().second, "1");
  EXPECT_GE(f.w.now() - now, 30s);
  EXPECT_EQ(f.read().second, "2");
  f.net.partition(origin);
  EXPECT_FALSE(f.write("3"));
  f.w.run_for(10min);
  f.net.heal();
  EXPECT_FALSE(f.write("4"));
  EXPECT_EQ(f.read().second, "3");
  EXPECT_EQ(f.read().second, "4");
}

TEST(websocket_client, a_server_that_dies) {
  fixture f;
  f.connect();
  ASSERT_TRUE(f.socket);
  f.server.crash();
  EXPECT_EQ(f.read().first, make_error_code(errc::connection_lost));
  f.serve();
  f.connect();
  ASSERT_TRUE(f.socket);
  f.server.crash(true);  // the whole machine: nobody is told
  bool read = false;
  f.socket->async_read([&](error_code, const websocket::message&) { read = true; });
  f.w.run_for(1h);
  EXPECT_FALSE(read);
}

TEST(websocket_client, a_client_that_is_killed) {
  fixture f;
  process program(f.w);
  auto sockets = std::make_unique<websocket_client>(f.net, program.get_executor(), "mortal");
  // The connection lives in a frame that waits for it: only the kill can end that.
  auto wait_for_ever = [&]() -> asio::awaitable<void> {
    websocket::connect_request r(*http::url::parse(origin + "/echo"));
    auto connecting = sockets->async_connect(std::move(r), quietly);
    auto [ec, ws, how] = co_await std::move(connecting);
    auto reading = ws->async_read(quietly);
    co_await std::move(reading);
    ADD_FAILURE() << "ran after the kill";
  };
  asio::co_spawn(program.get_executor(), wait_for_ever, asio::detached);
  f.w.run_for(1s);
  EXPECT_EQ(f.sessions, 1);
  program.kill();
  f.w.run_for(1s);
  EXPECT_EQ(f.session_end, make_error_code(errc::connection_lost));
}

TEST(websocket_client, a_slow_reader_blocks_the_writer) {
  fixture f;
  f.connect();
  ASSERT_TRUE(f.socket);
  EXPECT_FALSE(f.write("deaf"));
  f.w.run_for(1s);
  std::string large(100 * 1024, 'x');
  int accepted = 0;
  for (int i = 0; i < 10; ++i)
    f.socket->async_write(large, false, [&](error_code ec) { accepted += !ec; });
  f.w.run_for(10min);
  EXPECT_EQ(accepted, 3);  // the window is 256 KiB
  f.w.run_for(1h);         // it listens again, and answers into our own deafness
  EXPECT_GT(accepted, 3);
}

TEST(websocket_client, limits_of_a_message) {
  fixture f;
  f.connect();
  ASSERT_TRUE(f.socket);
  EXPECT_FALSE(f.write(std::string(64 * 1024 + 1, 'x')));
  EXPECT_EQ(f.read().first, make_error_code(errc::closed));
  EXPECT_EQ(f.socket->reason().code, close_code::message_too_big);
  EXPECT_EQ(f.session_end, make_error_code(errc::message_too_big));
}

TEST(websocket_client, cancelling) {
  fixture f;
  asio::cancellation_signal signal;
  error_code ec;
  auto note = [&](error_code e, std::unique_ptr<websocket::connection>,
                  websocket::connect_summary) { ec = e; };
  websocket::connect_request r(*http::url::parse(origin + "/echo"));
  f.client.async_connect(std::move(r), asio::bind_cancellation_slot(signal.slot(), note));
  f.w.run_for(1ms);
  signal.emit(asio::cancellation_type::terminal);
  f.w.run_for(1s);
  EXPECT_EQ(ec, asio::error::operation_aborted);

  f.connect();
  ASSERT_TRUE(f.socket);
  error_code read;
  auto noted = [&](error_code e, const websocket::message&) { read = e; };
  f.socket->async_read(asio::bind_cancellation_slot(signal.slot(), noted));
  f.w.run_for(1s);
  signal.emit(asio::cancellation_type::terminal);
  f.w.run_for(1s);
  EXPECT_EQ(read, asio::error::operation_aborted);
  EXPECT_EQ(f.session_end, make_error_code(errc::connection_lost));
}

// Clients that connect, talk and come back, under everything.
struct storm_outcome {
  std::uint64_t hash = 0;
  std::vector<fault_event> faults;
  std::map<std::string, std::uint64_t> counts;
  int echoed = 0, failed = 0;
};

asio::awaitable<void> chatter(fixture& f, websocket_client& sockets, storm_outcome& out) {
  timer pause(f.w.get_executor());
  for (int round = 0; round < 20; ++round) {
    websocket::connect_request r(*http::url::parse(origin + "/echo"));
    auto connecting = sockets.async_connect(std::move(r), quietly);
    auto [ec, ws, how] = co_await std::move(connecting);
    out.failed += ec.failed();
    for (int i = 0; ws && i < 20; ++i) {
      std::string text = std::to_string(round) + ":" + std::to_string(i);
      auto writing = ws->async_write(text, true, quietly);
      co_await std::move(writing);
      // Some links fall silent for good: after a while the client gives up.
      auto patience = f.w.after(20s, [socket = ws.get()] { socket->abort(); });
      auto reading = ws->async_read(quietly);
      auto [lost, m] = co_await std::move(reading);
      f.w.cancel(patience);
      if (lost) break;
      if (m.data != text) ADD_FAILURE() << m.data << " in place of " << text;
      ++out.echoed;
    }
    pause.expires_after(1s);
    co_await pause.async_wait(quietly);
  }
}

storm_outcome storm(std::uint64_t seed, const std::vector<fault_event>* replay = nullptr) {
  storm_outcome out;
  fixture f(seed, link_faults::harsh(30'000), replay);
  std::vector<std::unique_ptr<websocket_client>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(
        std::make_unique<websocket_client>(f.net, f.w.get_executor(), "c" + std::to_string(i)));
    asio::co_spawn(f.w.get_executor(), chatter(f, *clients.back(), out), asio::detached);
  }
  f.w.after(30s, [&] { f.server.crash(); });
  f.w.after(40s, [&] { f.serve(); });
  f.w.run_for(2h);
  out.hash = f.w.trace_hash();
  out.faults = f.plan->recorded();
  out.counts = f.plan->counts();
  return out;
}

TEST(websocket_client, the_same_seed_gives_the_same_run_and_a_record_replays_it) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    auto a = storm(seed), b = storm(seed), other = storm(seed + 100);
    EXPECT_EQ(a.hash, b.hash);
    EXPECT_NE(a.hash, other.hash);
    EXPECT_EQ(a.faults, b.faults);
    auto replayed = storm(seed, &a.faults);
    EXPECT_EQ(replayed.hash, a.hash);
    EXPECT_EQ(replayed.faults, a.faults);
  }
}

TEST(websocket_client, is_unkind_enough) {
  std::map<std::string, std::uint64_t> seen;
  int echoed = 0, failed = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    auto s = storm(seed);
    for (auto& [name, n] : s.counts) seen[name] += n;
    echoed += s.echoed;
    failed += s.failed;
  }
  for (auto name :
       {"refuse", "connect_timeout", "reset_before_request", "reply_lost", "slow", "loss",
        "socket_refused", "socket_silent", "socket_reset", "socket_half_open", "socket_stall"})
    EXPECT_GT(seen["net." + std::string(name)], 0u) << name << " never happened";
  EXPECT_GT(echoed, 1000);
  EXPECT_GT(failed, 100);
}

}  // namespace
}  // namespace tidewire::lab
