#include <tidewire/core/error.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/http/error.hpp>
#include <tidewire/lab/client.hpp>
#include <tidewire/lab/network.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <set>

namespace tidewire::lab {
namespace {

using namespace std::chrono_literals;

const std::string origin = "http://files:80";

http::request get(const std::string& path = "/f", const std::string& method = "GET") {
  http::request r(*http::url::parse(origin + path));
  r.method = method;
  return r;
}

std::string pattern(std::size_t n) {
  std::string text(n, '\0');
  for (std::size_t i = 0; i < n; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return text;
}

struct collector final : http::exchange_handler {
  void on_start(std::shared_ptr<http::exchange_control> c) override { control = std::move(c); }
  http::flow on_head(const http::response_head& h) override {
    EXPECT_FALSE(over);
    head = h;
    return head_flow;
  }
  http::flow on_body(std::span<const std::byte> bytes) override {
    EXPECT_FALSE(over);
    ++calls;
    if (on_bytes) {
      if (auto f = on_bytes(bytes.size()); f != http::flow::proceed) return f;
    }
    body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return http::flow::proceed;
  }
  void done(error_code e, http::exchange_summary s) {
    EXPECT_FALSE(over);
    over = true;
    ec = e;
    summary = std::move(s);
  }
  auto completion() {
    return [this](error_code e, http::exchange_summary s) { done(e, std::move(s)); };
  }

  std::shared_ptr<http::exchange_control> control;
  std::optional<http::response_head> head;
  std::string body;
  int calls = 0;
  http::flow head_flow = http::flow::proceed;
  std::function<http::flow(std::size_t)> on_bytes;
  bool over = false;
  error_code ec;
  http::exchange_summary summary;
};

// Serves `size` bytes with an entity tag; a Range "bytes=a-b" gets a 206.
server::handler file_handler(std::size_t size) {
  return [size](server::request& req) -> asio::awaitable<server::response> {
    server::response r;
    auto text = pattern(size);
    r.headers.add("ETag", "\"v1\"");
    if (auto range = req.headers.find("Range")) {
      std::size_t from = 0, to = 0;
      std::sscanf(std::string(*range).c_str(), "bytes=%zu-%zu", &from, &to);
      r.status = 206;
      r.headers.add("Content-Range", "bytes " + std::to_string(from) + "-" + std::to_string(to) +
                                         "/" + std::to_string(size));
      text = text.substr(from, to - from + 1);
    }
    r.body = server::text_body(std::move(text));
    co_return r;
  };
}

struct string_source final : http::body_source {
  explicit string_source(std::string t) : text(std::move(t)) {}
  result<std::size_t> read(std::span<std::byte> space) override {
    if (blocked) return error_code(asio::error::try_again);
    auto n = std::min(space.size(), text.size() - at);
    std::memcpy(space.data(), text.data() + at, n);
    at += n;
    return n;
  }
  bool rewind() override {
    at = 0;
    return true;
  }
  std::string text;
  std::size_t at = 0;
  bool blocked = false;
};

struct fixture {
  explicit fixture(std::uint64_t seed = 1, link_faults f = {}, client_options o = {})
      : w(seed),
        plan(w),
        net(w, plan),
        server(net.add_host(origin)),
        c(net, w.get_executor(), std::move(o)) {
    net.set_faults(f);
  }
  void run(collector& to, http::request r) {
    c.async_exchange(std::move(r), to, to.completion());
    w.run_until_idle();
    ASSERT_TRUE(to.over);
  }
  world w;
  fault_plan plan;
  network net;
  host server;
  client c;
};

link_faults only(network_fault kind) {
  link_faults f;
  f[kind] = 1'000'000;
  return f;
}

TEST(network, carries_requests_and_answers) {
  fixture f;
  f.server.start(file_handler(300'000));
  collector to;
  auto r = get("/f?x=1");
  r.headers.add("Range", "bytes=100-200099");
  auto begin = f.w.now();
  f.run(to, std::move(r));
  EXPECT_FALSE(to.ec) << to.ec.message();
  EXPECT_EQ(to.summary.status, 206u);
  EXPECT_EQ(to.body, pattern(300'000).substr(100, 200'000));
  EXPECT_EQ(to.head->content_length, 200'000u);
  EXPECT_EQ(to.summary.body_bytes, 200'000u);
  EXPECT_GE(f.w.now() - begin, 20ms);  // two round trips
  ASSERT_EQ(f.net.request_log().size(), 1u);
  EXPECT_EQ(f.net.request_log()[0].range, "bytes=100-200099");
  EXPECT_EQ(f.net.request_log()[0].status, 206u);
  EXPECT_TRUE(f.plan.recorded().empty());
  EXPECT_EQ(f.server.handled(), 1u);

  collector again, head;
  f.run(again, get());
  EXPECT_TRUE(again.summary.reused_connection);
  f.run(head, get("/f", "HEAD"));
  EXPECT_FALSE(head.ec);
  EXPECT_TRUE(head.body.empty());
  EXPECT_EQ(head.head->content_length, 300'000u);
}

TEST(network, carries_request_bodies_with_back_pressure) {
  fixture f;
  std::string seen;
  std::size_t most_ahead = 0;
  string_source source(pattern(500'000));
  f.server.start([&](server::request& req) -> asio::awaitable<server::response> {
    std::vector<std::byte> space(3000);
    for (;;) {
      auto reading = req.body->read(space);
      auto got = co_await std::move(reading);
      if (!got || *got == 0) break;
      seen.append(reinterpret_cast<const char*>(space.data()), *got);
      most_ahead = std::max(most_ahead, source.at - seen.size());
      timer t(co_await asio::this_coro::executor);
      t.expires_after(1ms);
      co_await t.async_wait();
    }
    server::response r;
    r.status = 201;
    co_return r;
  });
  collector to;
  auto r = get("/up", "PUT");
  r.body = &source;
  r.content_length = source.text.size();
  source.blocked = true;
  f.c.async_exchange(std::move(r), to, to.completion());
  f.w.after(1s, [&] {
    source.blocked = false;
    to.control->resume();
  });
  f.w.run_until_idle();
  EXPECT_FALSE(to.ec) << to.ec.message();
  EXPECT_EQ(to.summary.status, 201u);
  EXPECT_EQ(seen, source.text);
  EXPECT_LE(most_ahead, 192u * 1024);
}

struct expected {
  network_fault fault;
  error_code ec;
};

TEST(network, each_fault_does_what_it_says) {
  const expected all[] = {
      {network_fault::refuse, http::errc::connect_failed},
      {network_fault::connect_timeout, http::errc::connect_failed},
      {network_fault::reset_before_request, http::errc::send_failed},
      {network_fault::reset_during_request, http::errc::send_failed},
      {network_fault::reset_response, http::errc::receive_failed},
      {network_fault::truncate, http::errc::truncated_body},
      {network_fault::lie_length_longer, http::errc::truncated_body},
  };
  for (auto& e : all) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      fixture f(seed, only(e.fault));
      f.server.start(file_handler(100'000));
      collector to;
      f.run(to, get());
      EXPECT_EQ(to.ec, e.ec) << name_of(e.fault) << ": " << to.ec.message();
      EXPECT_EQ(f.plan.recorded().size(), 1u) << name_of(e.fault);
      EXPECT_EQ(to.ec, condition::retryable);
      EXPECT_FALSE(to.summary.detail.empty());
      EXPECT_EQ(pattern(100'000).substr(0, to.body.size()), to.body);
    }
  }
}

TEST(network, silence_ends_by_the_callers_deadlines) {
  std::set<int> seen;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    fixture f(seed, only(network_fault::half_open));
    f.server.start(file_handler(100'000));
    collector to;
    auto begin = f.w.now();
    f.run(to, get());
    EXPECT_TRUE(to.ec == http::errc::idle_timeout || to.ec == http::errc::head_timeout);
    EXPECT_GE(f.w.now() - begin, 30s);
    seen.insert(to.ec.value());
  }
  EXPECT_EQ(seen.size(), 2u);  // both: before and behind the head
}

TEST(network, a_lost_reply_leaves_a_handler_that_ran) {
  std::set<int> seen;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    fixture f(seed, only(network_fault::reply_lost));
    f.server.start(file_handler(10));
    collector to;
    f.run(to, get());
    EXPECT_EQ(f.server.handled(), 1u);
    EXPECT_FALSE(to.head);
    seen.insert(to.ec.value());
  }
  EXPECT_EQ(seen, (std::set<int>{static_cast<int>(http::errc::receive_failed),
                                 static_cast<int>(http::errc::head_timeout)}));
}

TEST(network, duplicates_run_the_handler_twice_with_the_same_body) {
  fixture f(1, only(network_fault::duplicate));
  std::vector<std::string> bodies;
  f.server.start([&](server::request& req) -> asio::awaitable<server::response> {
    std::string text;
    std::vector<std::byte> space(1000);
    for (;;) {
      auto reading = req.body->read(space);
      auto got = co_await std::move(reading);
      if (!got || *got == 0) break;
      text.append(reinterpret_cast<const char*>(space.data()), *got);
    }
    bodies.push_back(text);
    server::response r;
    r.status = 204;
    co_return r;
  });
  for (std::string method : {"PUT", "POST"}) {
    bodies.clear();
    string_source source("hello");
    collector to;
    auto r = get("/", method);
    r.body = &source;
    f.run(to, std::move(r));
    EXPECT_FALSE(to.ec);
    EXPECT_EQ(bodies.size(), method == "PUT" ? 2u : 1u);
    for (auto& b : bodies) EXPECT_EQ(b, "hello");
  }
}

TEST(network, a_lying_server_lies) {
  auto answer = [](network_fault lie) {
    fixture f(3, only(lie));
    f.server.start(file_handler(5000));
    auto to = std::make_unique<collector>();
    auto r = get();
    r.headers.add("Range", "bytes=1500-2499");
    f.run(*to, std::move(r));
    EXPECT_TRUE(to->head) << name_of(lie);
    EXPECT_EQ(f.plan.recorded().size(), 1u);
    return to;
  };
  auto field = [](const auto& to, const char* name) {
    return std::string(to->head->headers.find(name).value_or("(none)"));
  };
  auto part = pattern(5000).substr(1500, 1000);
  auto start = answer(network_fault::lie_range_start);
  EXPECT_NE(field(start, "Content-Range"), "bytes 1500-2499/5000");
  EXPECT_EQ(start->body, part);
  auto total = answer(network_fault::lie_range_total);
  EXPECT_EQ(field(total, "Content-Range").substr(0, 16), "bytes 1500-2499/");
  EXPECT_NE(field(total, "Content-Range"), "bytes 1500-2499/5000");
  auto ignored = answer(network_fault::lie_range_ignored);
  EXPECT_EQ(ignored->head->status, 200u);
  EXPECT_EQ(ignored->body, pattern(5000));
  auto whole = answer(network_fault::lie_partial_as_200);
  EXPECT_EQ(whole->head->status, 200u);
  EXPECT_EQ(whole->body, part);
  EXPECT_EQ(field(answer(network_fault::lie_etag_missing), "ETag"), "(none)");
  EXPECT_EQ(field(answer(network_fault::lie_etag_weak), "ETag"), "W/\"v1\"");
  auto other = field(answer(network_fault::lie_etag_other), "ETag");
  EXPECT_TRUE(other.starts_with("\"other-"));
  EXPECT_EQ(field(answer(network_fault::lie_content_encoding), "Content-Encoding"), "gzip");
  auto later = answer(network_fault::lie_retry_later);
  EXPECT_TRUE(later->head->status == 429 || later->head->status == 503);
  EXPECT_NE(field(later, "Retry-After"), "(none)");
  EXPECT_GE(answer(network_fault::lie_status)->head->status, 400u);
  auto multipart = answer(network_fault::lie_multipart);
  EXPECT_FALSE(multipart->ec);
  EXPECT_NE(multipart->body.find(part), std::string::npos);
  EXPECT_GT(multipart->body.size(), 1000u);
  auto shorter = answer(network_fault::lie_length_shorter);
  EXPECT_FALSE(shorter->ec);
  EXPECT_LT(shorter->body.size(), 1000u);
  auto endless = answer(network_fault::lie_no_length);
  EXPECT_FALSE(endless->ec);
  EXPECT_FALSE(endless->head->self_delimited);
  EXPECT_FALSE(endless->head->content_length);
  EXPECT_EQ(answer(network_fault::lie_redirect)->head->status, 302u);
}

TEST(network, a_truncated_body_without_length_looks_whole) {
  auto faults = only(network_fault::lie_no_length);
  faults[network_fault::truncate] = 1'000'000;
  fixture f(1, faults);
  f.server.start(file_handler(50'000));
  collector to;
  f.run(to, get());
  EXPECT_FALSE(to.ec);
  EXPECT_LT(to.body.size(), 50'000u);
}

TEST(network, corruption_changes_one_byte) {
  fixture f(1, only(network_fault::corrupt));
  f.server.start(file_handler(50'000));
  collector to;
  f.run(to, get());
  EXPECT_FALSE(to.ec);
  auto right = pattern(50'000);
  ASSERT_EQ(to.body.size(), right.size());
  int different = 0;
  for (std::size_t i = 0; i < right.size(); ++i) different += right[i] != to.body[i];
  EXPECT_EQ(different, 1);
}

TEST(network, slowness_loss_and_stalls_cost_time_alone) {
  for (auto kind : {network_fault::slow, network_fault::loss, network_fault::stall}) {
    auto faults = only(kind);
    faults.max_stall = 20s;
    faults.max_retransmission = 1s;
    fixture plain, f(2, faults);
    plain.server.start(file_handler(20'000));
    f.server.start(file_handler(20'000));
    collector quick, late;
    plain.run(quick, get());
    f.run(late, get());
    EXPECT_FALSE(late.ec) << name_of(kind) << late.ec.message();
    EXPECT_EQ(late.body, pattern(20'000));
    EXPECT_GT(f.w.now(), plain.w.now() + 100ms) << name_of(kind);
  }
}

TEST(network, bandwidth_bounds_each_connection) {
  link_faults faults;
  faults.bytes_per_second = 100'000;
  fixture f(1, faults);
  f.server.start(file_handler(1'000'000));
  collector to;
  auto begin = f.w.now();
  f.run(to, get());
  auto took = f.w.now() - begin;
  EXPECT_GE(took, 10s);
  EXPECT_LE(took, 10'100ms);
}

TEST(network, a_paused_exchange_receives_a_bounded_window_and_nothing_twice) {
  client_options o;
  o.window_bytes = 100'000;
  fixture f(1, {}, o);
  std::uint64_t served = 0;
  struct counting final : server::response_body {
    explicit counting(std::uint64_t& n) : served(n), inner(server::text_body(pattern(2'000'000))) {}
    std::optional<std::uint64_t> size() const override { return inner->size(); }
    result<std::size_t> read(std::span<std::byte> space) override {
      auto n = inner->read(space);
      if (n) served += *n;
      return n;
    }
    std::uint64_t& served;
    std::unique_ptr<server::response_body> inner;
  };
  f.server.start([&](server::request&) -> asio::awaitable<server::response> {
    server::response r;
    r.body = std::make_unique<counting>(served);
    co_return r;
  });
  collector to;
  auto pauses = 0;
  bool taking = false;
  to.on_bytes = [&](std::size_t) {
    if (std::exchange(taking, !taking)) return http::flow::proceed;
    ++pauses;
    EXPECT_LE(served, to.body.size() + 200'000);
    return http::flow::pause;
  };
  f.c.async_exchange(get(), to, to.completion());
  f.w.run_for(10s);
  EXPECT_FALSE(to.over);
  EXPECT_EQ(pauses, 1);
  EXPECT_TRUE(to.body.empty());
  f.w.run_for(10min);  // paused time does not count as idle
  ASSERT_FALSE(to.over);
  while (!to.over) {
    to.control->resume();
    f.w.run_for(100ms);
  }
  EXPECT_FALSE(to.ec) << to.ec.message();
  EXPECT_EQ(to.body, pattern(2'000'000));
  to.control->resume();
  f.w.run_until_idle();
}

TEST(network, resume_from_within_the_handler_is_not_lost) {
  fixture f;
  f.server.start(file_handler(1000));
  collector to;
  bool first = true;
  to.on_bytes = [&](std::size_t) {
    if (!std::exchange(first, false)) return http::flow::proceed;
    to.control->resume();
    return http::flow::pause;
  };
  f.run(to, get());
  EXPECT_EQ(to.body, pattern(1000));
}

TEST(network, stops_and_cancels_at_any_moment) {
  int ended_early = 0;
  for (int ms = 0; ms < 60; ++ms) {
    fixture f;
    f.server.start(file_handler(2'000'000));
    collector to;
    asio::cancellation_signal stop;
    f.c.async_exchange(get(), to, asio::bind_cancellation_slot(stop.slot(), to.completion()));
    f.w.run_for(std::chrono::milliseconds(ms));
    stop.emit(asio::cancellation_type::terminal);
    f.w.run_until_idle();
    EXPECT_TRUE(to.over);
    if (to.ec) {
      EXPECT_EQ(to.ec, asio::error::operation_aborted);
      ++ended_early;
    }
    EXPECT_EQ(f.c.exchanges(), 0u);
  }
  EXPECT_GT(ended_early, 10);
  for (auto at : {0, 1}) {
    fixture f;
    f.server.start(file_handler(200'000));
    collector to;
    if (at == 0)
      to.head_flow = http::flow::stop;
    else
      to.on_bytes = [](std::size_t) { return http::flow::stop; };
    f.run(to, get());
    EXPECT_EQ(to.ec, http::errc::stopped_by_handler);
  }
}

TEST(network, client_stop_completes_after_all_handlers) {
  fixture f;
  f.server.start(file_handler(5'000'000));
  collector a, b, late;
  f.c.async_exchange(get(), a, a.completion());
  f.c.async_exchange(get(), b, b.completion());
  f.w.run_for(15ms);
  bool stopped = false;
  f.c.stop([&] {
    EXPECT_TRUE(a.over && b.over);
    stopped = true;
  });
  EXPECT_FALSE(stopped);
  f.w.run_until_idle();
  EXPECT_TRUE(stopped);
  EXPECT_EQ(a.ec, asio::error::operation_aborted);
  f.c.async_exchange(get(), late, late.completion());
  f.w.run_until_idle();
  EXPECT_EQ(late.ec, errc::stopped);
}

TEST(network, limits_hold) {
  fixture f;
  f.server.start([](server::request&) -> asio::awaitable<server::response> {
    server::response r;
    r.headers.add("X-Big", std::string(5000, 'x'));
    co_return r;
  });
  collector big, unknown;
  auto r = get();
  r.limits.head_bytes = 4096;
  f.run(big, std::move(r));
  EXPECT_EQ(big.ec, http::errc::limit_exceeded);
  f.run(unknown, http::request(*http::url::parse("http://nowhere:80/")));
  EXPECT_EQ(unknown.ec, http::errc::resolve_failed);
}

TEST(network, connections_per_host_are_bounded) {
  client_options o;
  o.max_connections_per_host = 2;
  fixture f(1, {}, o);
  int running = 0, most = 0;
  f.server.start([&](server::request&) -> asio::awaitable<server::response> {
    most = std::max(most, ++running);
    timer t(co_await asio::this_coro::executor);
    t.expires_after(1s);
    co_await t.async_wait();
    --running;
    server::response r;
    co_return r;
  });
  collector all[7];
  for (auto& to : all) f.c.async_exchange(get(), to, to.completion());
  f.w.run_until_idle();
  for (auto& to : all) EXPECT_TRUE(to.over && !to.ec);
  EXPECT_EQ(most, 2);
}

TEST(network, a_kept_connection_that_died_is_replaced_silently) {
  fixture f(1, only(network_fault::stale_reset));
  f.server.start(file_handler(100));
  collector first, second;
  f.run(first, get());
  f.run(second, get());
  EXPECT_FALSE(second.ec);
  EXPECT_FALSE(second.summary.reused_connection);
  EXPECT_EQ(f.plan.recorded().size(), 1u);
  EXPECT_EQ(f.server.handled(), 2u);
}

TEST(network, a_crash_takes_handlers_and_connections_along) {
  for (bool silent : {false, true}) {
    fixture f;
    int begun = 0, ended = 0;
    auto slow = [&](server::request&) -> asio::awaitable<server::response> {
      ++begun;
      timer t(co_await asio::this_coro::executor);
      t.expires_after(1s);
      co_await t.async_wait();
      ++ended;
      server::response r;
      co_return r;
    };
    f.server.start(slow);
    collector to, down, again;
    f.c.async_exchange(get(), to, to.completion());
    f.w.run_for(200ms);
    EXPECT_EQ(begun, 1);
    f.server.crash(silent);
    EXPECT_FALSE(f.server.up());
    f.w.run_until_idle();
    EXPECT_EQ(to.ec, silent ? http::errc::head_timeout : http::errc::receive_failed);
    EXPECT_EQ(ended, 0);
    f.run(down, get());
    EXPECT_EQ(down.ec, http::errc::connect_failed);
    f.server.restart(file_handler(10));
    f.run(again, get());
    EXPECT_FALSE(again.ec);
    EXPECT_EQ(again.body, pattern(10));
  }
}

TEST(network, partitions_delay_or_defeat) {
  for (auto way : {direction::both, direction::to_server, direction::to_client}) {
    fixture f;
    f.server.start(file_handler(100'000));
    collector late;
    auto begin = f.w.now();
    f.net.partition(origin, {}, way, begin, begin + 3s);
    f.run(late, get());
    EXPECT_FALSE(late.ec);
    EXPECT_GE(f.w.now() - begin, 3s);

    fixture g;
    g.server.start(file_handler(100'000));
    collector never, other, healed;
    g.c.async_exchange(get(), never, never.completion());
    g.w.run_for(1ms);
    g.net.partition(origin, way);
    g.w.run_until_idle();
    EXPECT_EQ(never.ec, http::errc::connect_failed);
    g.c.async_exchange(get(), healed, healed.completion());
    g.w.run_for(2s);
    EXPECT_FALSE(healed.over);
    g.net.heal();
    g.w.run_until_idle();
    EXPECT_FALSE(healed.ec) << healed.ec.message();
  }
}

TEST(network, works_on_a_strand_and_ends_cleanly_in_mid_flight) {
  for (int ms = 0; ms < 40; ms += 3) {
    world w(5);
    fault_plan plan(w);
    network net(w, plan);
    net.add_host(origin).start(file_handler(3'000'000));
    process p(w);
    executor strand = asio::make_strand(executor(p.get_executor()));
    client c(net, strand);
    int finished = 0;
    auto job = [&]() -> asio::awaitable<void> {
      collector to;
      auto r = get();
      auto op = c.async_exchange(std::move(r), to, asio::as_tuple(asio::use_awaitable));
      auto [ec, summary] = co_await std::move(op);
      EXPECT_FALSE(ec);
      EXPECT_EQ(to.body.size(), 3'000'000u);
      ++finished;
    };
    asio::co_spawn(strand, job(), asio::detached);
    w.run_for(std::chrono::milliseconds(ms));
    if (ms % 2) p.kill();
    if (ms == 36) {
      w.run_until_idle();
      EXPECT_EQ(finished, 1);
    }
  }
}

// Many exchanges in a harsh network; what they came to, and the plan's record.
struct storm_result {
  std::uint64_t hash, events;
  std::vector<fault_event> faults;
  std::map<std::string, std::uint64_t> counts;
  int failed = 0, succeeded = 0;
};

storm_result storm(std::uint64_t seed, const std::vector<fault_event>* replay = nullptr) {
  world w(seed);
  auto plan = replay ? std::make_unique<fault_plan>(w, *replay) : std::make_unique<fault_plan>(w);
  network net(w, *plan);
  auto faults = link_faults::lying(30'000, 30'000);
  faults[network_fault::corrupt] = 30'000;
  net.set_faults(faults);
  auto h = net.add_host(origin);
  h.start(file_handler(40'000));
  client c(net, w.get_executor());
  storm_result out{};
  std::vector<std::unique_ptr<collector>> all;
  for (int i = 0; i < 200; ++i) {
    all.push_back(std::make_unique<collector>());
    auto r = get();
    if (i % 2) r.headers.add("Range", "bytes=2000-30000");
    c.async_exchange(std::move(r), *all.back(), all.back()->completion());
    if (i % 10 == 0) w.run_for(1s);
  }
  w.run_until_idle();
  for (auto& to : all) {
    EXPECT_TRUE(to->over);
    (to->ec ? out.failed : out.succeeded)++;
  }
  out.hash = w.trace_hash();
  out.events = net.events();
  out.faults = plan->recorded();
  out.counts = plan->counts();
  return out;
}

TEST(network, the_same_seed_gives_the_same_run_and_a_record_replays_it) {
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

TEST(network, is_unkind_enough) {
  std::map<std::string, std::uint64_t> seen;
  std::uint64_t events = 0, faults = 0;
  int failed = 0, succeeded = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    auto s = storm(seed);
    for (auto& [name, n] : s.counts) seen[name] += n;
    events += s.events;
    faults += s.faults.size();
    failed += s.failed;
    succeeded += s.succeeded;
  }
  EXPECT_EQ(seen.size(), network_fault_count);
  for (auto& [name, n] : seen) {
    bool of_sockets = name.starts_with("net.socket_");  // see websocket_client_test.cpp
    EXPECT_EQ(n > 0, !of_sockets) << name;
  }
  EXPECT_GT(faults * 100, events);  // one in a hundred at least
  EXPECT_GT(failed, 400);
  EXPECT_GT(succeeded, 400);
}

}  // namespace
}  // namespace tidewire::lab
