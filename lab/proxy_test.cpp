#include <tidewire/core/error.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/lab/proxy.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <functional>

namespace tidewire::lab {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;
constexpr auto token = asio::as_tuple(asio::use_awaitable);

std::string pattern(std::size_t n) {
  std::string text(n, '\0');
  for (std::size_t i = 0; i < n; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return text;
}

// One connection: read a line, send the text, end.
asio::awaitable<void> serve_one(tcp::socket s, std::shared_ptr<std::string> text) {
  std::string line;
  auto buffer = asio::dynamic_buffer(line, 100);
  auto reading = asio::async_read_until(s, buffer, '\n', token);
  auto [ec, n] = co_await std::move(reading);
  if (ec) co_return;
  auto writing = asio::async_write(s, asio::buffer(*text), token);
  co_await std::move(writing);
}

asio::awaitable<void> serve(tcp::acceptor& a, std::shared_ptr<std::string> text) {
  for (;;) {
    auto accepting = a.async_accept(token);
    auto [ec, s] = co_await std::move(accepting);
    if (ec) co_return;
    asio::co_spawn(a.get_executor(), serve_one(std::move(s), text), asio::detached);
  }
}

struct fetched {
  std::string body;
  error_code ec;
  std::chrono::nanoseconds took{};
  bool over = false;
};

asio::awaitable<void> fetch(std::uint16_t port, fetched& out) {
  auto ex = co_await asio::this_coro::executor;
  clock c(ex);
  auto begin = c.now();
  tcp::socket s(ex);
  tcp::endpoint to(asio::ip::address_v4::loopback(), port);
  auto connecting = s.async_connect(to, token);
  auto [connect_error] = co_await std::move(connecting);
  out.ec = connect_error;
  if (!out.ec) {
    std::string line = "go\n";
    auto writing = asio::async_write(s, asio::buffer(line), token);
    co_await std::move(writing);
  }
  std::vector<char> space(256 * 1024);
  while (!out.ec) {
    auto reading = s.async_read_some(asio::buffer(space), token);
    auto [ec, n] = co_await std::move(reading);
    out.body.append(space.data(), n);
    out.ec = ec;
  }
  out.took = c.now() - begin;
  out.over = true;
}

struct fixture {
  explicit fixture(std::size_t size, proxy_faults f = {}, std::string file = {})
      : text(std::make_shared<std::string>(pattern(size))),
        origin(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    asio::co_spawn(io, serve(origin, text), asio::detached);
    proxy_options o;
    o.upstream_port = origin.local_endpoint().port();
    o.faults_file = std::move(file);
    p = std::make_unique<proxy>(context(io.get_executor(), rng(7)), o, f);
    auto listening = p->listen();
    EXPECT_TRUE(listening) << listening.error().message();
    p->async_run([this](error_code ec) {
      EXPECT_FALSE(ec);
      ended = true;
    });
  }
  ~fixture() {
    p->stop();
    error_code ignored;
    origin.close(ignored);
    EXPECT_TRUE(run_until([this] { return ended; }));
    EXPECT_EQ(p->counters().open, 0u);
  }
  // In real time, with a limit.
  bool run_until(const std::function<bool()>& done, std::chrono::milliseconds limit = 10s) {
    clock c(io.get_executor());
    auto end = c.now() + limit;
    while (!done()) {
      if (c.now() >= end) return false;
      io.run_one_for(10ms);
    }
    return true;
  }
  fetched get() {
    fetched out;
    begin_get(out);
    EXPECT_TRUE(run_until([&] { return out.over; }));
    return out;
  }
  void begin_get(fetched& out) { asio::co_spawn(io, fetch(p->port(), out), asio::detached); }

  asio::io_context io{1};
  std::shared_ptr<std::string> text;
  tcp::acceptor origin;
  std::unique_ptr<proxy> p;
  bool ended = false;
};

TEST(proxy, passes_bytes_and_ends_unchanged) {
  fixture f(5'000'000);
  auto got = f.get();
  EXPECT_EQ(got.ec, asio::error::eof);
  EXPECT_EQ(got.body, *f.text);
  auto c = f.p->counters();
  EXPECT_EQ(c.connections, 1u);
  EXPECT_EQ(c.bytes_down, 5'000'000u);
  EXPECT_EQ(c.bytes_up, 3u);
  EXPECT_EQ(c.reset + c.truncated + c.refused + c.stalled + c.half_open, 0u);
}

TEST(proxy, truncates_after_exactly_n_bytes) {
  for (std::uint64_t n : {0ull, 1ull, 100'001ull, 1'000'000ull}) {
    proxy_faults faults;
    faults.truncate_after_bytes = n;
    fixture f(2'000'000, faults);
    auto got = f.get();
    EXPECT_EQ(got.ec, asio::error::eof) << n;
    EXPECT_EQ(got.body.size(), n);
    EXPECT_EQ(got.body, f.text->substr(0, n));
    EXPECT_EQ(f.p->counters().truncated, 1u);
  }
}

TEST(proxy, resets_after_n_bytes) {
  proxy_faults faults;
  faults.reset_after_bytes = 100'000;
  fixture f(2'000'000, faults);
  auto got = f.get();
  EXPECT_EQ(got.ec, asio::error::connection_reset);
  EXPECT_LE(got.body.size(), 100'000u);
  EXPECT_EQ(f.p->counters().reset, 1u);
  EXPECT_EQ(f.p->counters().bytes_down, 100'000u);
}

TEST(proxy, refuses_by_reset) {
  proxy_faults faults;
  faults.refuse = true;
  fixture f(10, faults);
  EXPECT_EQ(f.get().ec, asio::error::connection_reset);
  EXPECT_EQ(f.p->counters().refused, 1u);
  f.p->set_faults({});
  EXPECT_EQ(f.get().body.size(), 10u);
}

TEST(proxy, adds_latency_and_bounds_bandwidth) {
  proxy_faults late;
  late.latency = 60ms;
  late.jitter = 10ms;
  fixture f(100'000, late);
  auto got = f.get();
  EXPECT_EQ(got.body, *f.text);
  EXPECT_GE(got.took, 120ms);

  proxy_faults slow;
  slow.down_bytes_per_second = 1'000'000;
  fixture g(400'000, slow);
  got = g.get();
  EXPECT_EQ(got.body, *g.text);
  EXPECT_GE(got.took, 300ms);
  EXPECT_LE(got.took, 2s);
}

TEST(proxy, stalls_for_a_time_or_for_ever) {
  proxy_faults faults;
  faults.stall_after_bytes = 50'000;
  faults.stall = 200ms;
  fixture f(200'000, faults);
  auto got = f.get();
  EXPECT_EQ(got.ec, asio::error::eof);
  EXPECT_EQ(got.body, *f.text);
  EXPECT_GE(got.took, 200ms);
  EXPECT_EQ(f.p->counters().stalled, 1u);

  faults.stall = {};
  fetched held;
  fixture g(200'000, faults);
  g.begin_get(held);
  EXPECT_FALSE(g.run_until([&] { return held.over; }, 300ms));
  EXPECT_EQ(held.body.size(), 50'000u);
  g.p->reset_all();
  EXPECT_TRUE(g.run_until([&] { return held.over; }));
  EXPECT_EQ(held.ec, asio::error::connection_reset);
}

TEST(proxy, swallows_silently_when_half_open) {
  proxy_faults faults;
  faults.half_open = true;
  fetched held;
  fixture f(1000, faults);
  f.begin_get(held);
  EXPECT_FALSE(f.run_until([&] { return held.over; }, 200ms));
  EXPECT_TRUE(held.body.empty());
  f.p->set_faults({});
  EXPECT_FALSE(f.run_until([&] { return held.over; }, 100ms));  // that connection stays dead
  EXPECT_EQ(f.get().body, *f.text);
  EXPECT_EQ(f.p->counters().half_open, 1u);
  f.p->reset_all();
  EXPECT_TRUE(f.run_until([&] { return held.over; }));
}

TEST(proxy, goes_on_where_it_was_after_being_offline) {
  proxy_faults slow;
  slow.down_bytes_per_second = 1'000'000;
  fetched got;
  fixture f(300'000, slow);
  f.begin_get(got);
  ASSERT_TRUE(f.run_until([&] { return got.body.size() > 50'000; }));
  auto off = slow;
  off.offline = true;
  f.p->set_faults(off);
  f.run_until([] { return false; }, 50ms);
  auto before = got.body.size();
  EXPECT_FALSE(f.run_until([&] { return got.body.size() != before; }, 200ms));
  f.p->set_faults({});
  EXPECT_TRUE(f.run_until([&] { return got.over; }));
  EXPECT_EQ(got.body, *f.text);
}

TEST(proxy, resets_with_the_stated_probability) {
  proxy_faults per_connection;
  per_connection.reset_ppm = 500'000;
  fixture f(2'000'000, per_connection);
  int reset = 0;
  for (int i = 0; i < 60; ++i) reset += f.get().ec == asio::error::connection_reset;
  EXPECT_GT(reset, 15);
  EXPECT_LT(reset, 45);

  // (1 - 0.2)^4 = 0.41 survive 4 MiB.
  proxy_faults per_mib;
  per_mib.reset_ppm_per_mib = 200'000;
  fixture g(4 * 1024 * 1024, per_mib);
  int whole = 0;
  for (int i = 0; i < 60; ++i) whole += g.get().ec == asio::error::eof;
  EXPECT_GT(whole, 12);
  EXPECT_LT(whole, 38);
}

TEST(proxy, a_lost_piece_holds_up_all_behind_it) {
  proxy_faults lossy;
  lossy.loss_ppm = 1'000'000;  // every copy is lost as well: 3 s late, the most there is
  fixture f(100'000, lossy);
  auto got = f.get();
  EXPECT_EQ(got.ec, asio::error::eof);
  EXPECT_EQ(got.body, *f.text) << "late, but in order and whole";
  EXPECT_GE(got.took, 6s) << "the request and the answer";
  EXPECT_EQ(f.p->counters().reset, 0u);

  // 1 MiB are 64 pieces at least: it would be odd if a tenth lost were none.
  lossy.loss_ppm = 100'000;
  fixture g(1024 * 1024, lossy);
  got = g.get();
  EXPECT_EQ(got.body, *g.text);
  EXPECT_GE(got.took, 200ms);
}

TEST(proxy, stalls_the_whole_link_for_a_time) {
  proxy_faults slow;
  slow.down_bytes_per_second = 1'000'000;
  fetched first, second;
  fixture f(300'000, slow);
  f.begin_get(first);
  ASSERT_TRUE(f.run_until([&] { return first.body.size() > 50'000; }));
  f.p->stall_all(1h);
  f.begin_get(second);  // begun during the stall: it hangs as well
  ASSERT_TRUE(f.run_until([&] { return f.p->counters().connections == 2; }));
  f.run_until([] { return false; }, 50ms);
  auto before = first.body.size();
  EXPECT_FALSE(f.run_until([&] { return first.body.size() != before; }, 200ms));
  EXPECT_TRUE(second.body.empty());
  EXPECT_EQ(f.p->counters().stalled, 1u);
  f.p->stall_all(50ms);  // takes the place of the hour
  EXPECT_TRUE(f.run_until([&] { return first.over && second.over; }));
  EXPECT_EQ(first.body, *f.text);
  EXPECT_EQ(second.body, *f.text);
}

TEST(proxy, counts_the_connections_that_it_was_told_to_reset) {
  proxy_faults slow;
  slow.down_bytes_per_second = 100'000;
  fetched one, two;
  fixture f(300'000, slow);
  f.begin_get(one);
  f.begin_get(two);
  ASSERT_TRUE(f.run_until([&] { return !one.body.empty() && !two.body.empty(); }));
  f.p->reset_all();
  EXPECT_TRUE(f.run_until([&] { return one.over && two.over; }));
  EXPECT_EQ(f.p->counters().reset, 2u);
}

TEST(proxy, resets_the_client_when_nobody_is_upstream) {
  fixture f(10);
  error_code ignored;
  f.origin.close(ignored);
  auto got = f.get();
  EXPECT_EQ(got.ec, asio::error::connection_reset);
  EXPECT_EQ(f.p->counters().upstream_failures, 1u);
}

TEST(proxy, follows_its_fault_file) {
  auto path = testing::TempDir() + "/proxy-faults.json";
  auto write = [&](const std::string& text) { std::ofstream(path) << text; };
  write(R"({"format":"tidewire-proxy-faults","version":1})");
  {
    fixture f(10, {}, path);
    EXPECT_EQ(f.get().body.size(), 10u);
    write(R"({"format":"tidewire-proxy-faults","version":1,"refuse":true})");
    f.run_until([] { return false; }, 600ms);
    EXPECT_EQ(f.get().ec, asio::error::connection_reset);
    write("broken");
    f.run_until([] { return false; }, 600ms);
    EXPECT_EQ(f.get().ec, asio::error::connection_reset);
  }
  std::remove(path.c_str());
}

TEST(proxy_faults, reads_every_member_and_refuses_others) {
  auto f = proxy_faults::from_json(
      R"({"format":"tidewire-proxy-faults","version":1,"latency_ms":20,"jitter_ms":5,
          "bytes_per_second":1000,"up_bytes_per_second":500,"truncate_after_bytes":7,
          "reset_after_bytes":8,"reset_ppm":9,"reset_ppm_per_mib":20000,"stall_after_bytes":10,
          "stall_ms":11,"loss_ppm":12,"half_open":true,"refuse":true,"offline":true})");
  ASSERT_TRUE(f);
  EXPECT_EQ(f->latency, 20ms);
  EXPECT_EQ(f->jitter, 5ms);
  EXPECT_EQ(f->up_bytes_per_second, 500u);
  EXPECT_EQ(f->down_bytes_per_second, 1000u);
  EXPECT_EQ(f->truncate_after_bytes, 7u);
  EXPECT_EQ(f->reset_after_bytes, 8u);
  EXPECT_EQ(f->reset_ppm, 9u);
  EXPECT_EQ(f->reset_ppm_per_mib, 20000u);
  EXPECT_EQ(f->stall_after_bytes, 10u);
  EXPECT_EQ(f->stall, 11ms);
  EXPECT_EQ(f->loss_ppm, 12u);
  EXPECT_TRUE(f->half_open && f->refuse && f->offline);
  for (auto text : {"{}", "[]", R"({"format":"tidewire-proxy-faults","version":1,"x":1})",
                    R"({"format":"tidewire-proxy-faults","version":1,"reset_ppm":1000001})",
                    R"({"format":"tidewire-proxy-faults","version":1,"loss_ppm":1000001})",
                    R"({"format":"tidewire-proxy-faults","version":1,"latency_ms":-1})",
                    R"({"format":"tidewire-proxy-faults","version":1,"refuse":1})"})
    EXPECT_FALSE(proxy_faults::from_json(text)) << text;
}

TEST(proxy, listens_where_it_can) {
  asio::io_context io;
  proxy_options o;
  o.listen_address = "nonsense";
  proxy bad(context(io.get_executor(), rng(1)), o);
  EXPECT_EQ(bad.listen().error(), errc::invalid_argument);
  fixture f(1);
  o.listen_address = "127.0.0.1";
  o.listen_port = f.origin.local_endpoint().port();
  proxy busy(context(io.get_executor(), rng(1)), o);
  EXPECT_EQ(busy.listen().error(), asio::error::address_in_use);
}

}  // namespace
}  // namespace tidewire::lab
