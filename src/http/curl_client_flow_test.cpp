// Back-pressure, cancellation and stop of the client.
#include "http/curl_client_test_support.hpp"

#include <tidewire/core/timer.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/thread_pool.hpp>

#include <poll.h>

#include <cerrno>
#include <future>

namespace tidewire::http {
namespace {

using namespace std::chrono_literals;
using testing::raw_connection;
using testing::raw_server;
using testing::recorder;

class curl_client_flow : public testing::curl_client_fixture {
 protected:
  // Runs until the condition holds; each step of the loop is an event, not a moment.
  template <class Condition>
  void run_until(Condition holds) {
    io.restart();
    while (!holds() && io.run_one_for(10s) > 0) {
    }
    ASSERT_TRUE(holds());
  }
  template <class Done>
  void after(std::chrono::nanoseconds delay, Done done) {
    auto wait = std::make_shared<timer>(io.get_executor());
    wait->expires_after(delay);
    wait->async_wait([wait, done](error_code) { done(); });
  }
};

// Writes body bytes for as long as the client takes them; says how many fitted when it stalls.
raw_server::script endless(std::size_t total, std::promise<std::size_t>& stalled) {
  return [total, &stalled](raw_connection& c) {
    c.read_head();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(total) + "\r\n\r\n");
    std::string piece(64 * 1024, 'x');
    std::size_t sent = 0;
    bool told = false;
    int full = 0;
    while (sent < total) {
      auto n = c.try_write(std::string_view(piece).substr(0, std::min(piece.size(), total - sent)));
      if (n > 0) {
        sent += static_cast<std::size_t>(n);
        full = 0;
        continue;
      }
      if (n < 0 && errno != EAGAIN) break;
      // Full for a while: nobody reads.
      pollfd p{c.socket().native_handle(), POLLOUT, 0};
      if (::poll(&p, 1, 100) == 0 && ++full == 2 && !told) {
        told = true;
        stalled.set_value(sent);
      }
    }
    c.wait_closed();
  };
}

TEST_F(curl_client_flow, pause_stops_the_server_and_is_no_idle_time) {
  constexpr std::size_t total = 64 << 20;
  std::promise<std::size_t> stalled;
  raw_server server(endless(total, stalled));
  recorder r;
  int pauses = 0;
  r.body_hook = [&] {
    if (pauses > 0) return flow::proceed;
    ++pauses;
    return flow::pause;
  };
  auto req = get(server.url());
  req.limits.idle = 100ms;  // less than the server needs to see that nobody reads
  start(std::move(req), r);
  std::size_t at_stall = 0;
  std::thread waiter([&] {
    at_stall = stalled.get_future().get();
    asio::post(io, [&] {
      EXPECT_FALSE(r.ended) << r.error.message();
      EXPECT_EQ(r.body, "");
      r.control->resume();
      r.control->resume();
    });
  });
  run();
  waiter.join();
  EXPECT_FALSE(r.error) << r.error.message() << r.summary.detail;
  EXPECT_EQ(r.body.size(), total);
  EXPECT_EQ(r.body.find_first_not_of('x'), std::string::npos);
  EXPECT_LT(at_stall, total / 2);
  EXPECT_EQ(r.summary.body_bytes, total);
  r.control->resume();  // over: nothing happens
  run();
}

TEST_F(curl_client_flow, pause_in_the_head_and_at_every_piece) {
  raw_server server([](raw_connection& c) {
    c.read_head();
    c.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 50; ++i) c.write("4\r\n" + std::to_string(1000 + i) + "\r\n");
    c.write("0\r\n\r\n");
  });
  recorder r;
  bool pause_next = true;
  auto resume_later = [&] { asio::post(io, [&] { r.control->resume(); }); };
  r.head_hook = [&] {
    resume_later();
    return flow::pause;
  };
  r.body_hook = [&] {
    pause_next = !pause_next;
    if (!pause_next) return flow::proceed;
    // Even a resume that comes before the pause itself must not be lost.
    r.control->resume();
    return flow::pause;
  };
  fetch(get(server.url()), r);
  EXPECT_FALSE(r.error) << r.error.message();
  std::string expected;
  for (int i = 0; i < 50; ++i) expected += std::to_string(1000 + i);
  EXPECT_EQ(r.body, expected);
}

TEST_F(curl_client_flow, idle_time_starts_again_after_a_pause) {
  raw_server server([](raw_connection& c) {
    c.read_head();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
    c.wait_closed();
  });
  recorder r;
  bool first = true;
  r.body_hook = [&] {
    if (!std::exchange(first, false)) return flow::proceed;
    after(200ms, [&] {
      EXPECT_FALSE(r.ended);
      r.control->resume();
    });
    return flow::pause;
  };
  auto req = get(server.url());
  req.limits.idle = 50ms;
  fetch(std::move(req), r);
  EXPECT_EQ(r.error, errc::idle_timeout);
  EXPECT_EQ(r.body, "hello");
}

// libcurl names a far time-out first and an immediate one for the resume, and takes back neither.
TEST_F(curl_client_flow, leaves_no_timer_behind_that_keeps_the_context_running) {
  raw_server server([](raw_connection& c) {
    c.read_head();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    c.wait_closed();
  });
  recorder r;
  bool first = true;
  r.body_hook = [&] {
    if (!std::exchange(first, false)) return flow::proceed;
    after(300ms, [&] { r.control->resume(); });  // longer than libcurl waits for a second address
    return flow::pause;
  };
  start(get(server.url()), r);
  io.restart();
  io.run_for(5s);
  EXPECT_TRUE(io.stopped());
  EXPECT_EQ(r.body, "hello");
}

TEST_F(curl_client_flow, cancel_before_anything) {
  raw_server server([](raw_connection& c) { c.wait_closed(); });
  recorder r;
  asio::cancellation_signal signal;
  start(get(server.url()), r, signal);
  signal.emit(asio::cancellation_type::terminal);
  EXPECT_FALSE(r.ended);
  run();
  EXPECT_EQ(r.error, asio::error::operation_aborted);
  EXPECT_EQ(r.summary.status, 0u);
  signal.emit(asio::cancellation_type::terminal);  // the slot is clear
}

TEST_F(curl_client_flow, cancel_while_a_name_is_resolved) {
  recorder r;
  asio::cancellation_signal signal;
  start(get("http://no-such-host.invalid/"), r, signal);
  run_until([&] { return r.control != nullptr; });
  signal.emit(asio::cancellation_type::total);
  run();
  EXPECT_EQ(r.error, asio::error::operation_aborted);
}

TEST_F(curl_client_flow, cancel_while_waiting_for_the_head) {
  std::promise<void> asked;
  std::promise<void> closed;
  raw_server server([&](raw_connection& c) {
    c.read_head();
    asked.set_value();
    c.wait_closed();
    closed.set_value();
  });
  recorder r;
  asio::cancellation_signal signal;
  start(get(server.url()), r, signal);
  auto seen = asked.get_future();
  io.restart();
  while (seen.wait_for(0s) != std::future_status::ready) io.run_one_for(1ms);
  signal.emit(asio::cancellation_type::terminal);
  run();
  EXPECT_EQ(r.error, asio::error::operation_aborted);
  EXPECT_EQ(closed.get_future().wait_for(10s), std::future_status::ready);
}

TEST_F(curl_client_flow, cancel_in_the_body_and_while_paused) {
  raw_server server([](raw_connection& c) {
    c.read_head();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
    c.wait_closed();
  });
  for (auto next : {flow::proceed, flow::pause}) {
    recorder r;
    asio::cancellation_signal signal;
    r.body_hook = [&] {
      signal.emit(asio::cancellation_type::partial);  // from inside the callback
      return next;
    };
    start(get(server.url()), r, signal);
    run();
    EXPECT_EQ(r.error, asio::error::operation_aborted);
    EXPECT_EQ(r.summary.status, 200u);
    EXPECT_EQ(r.body, next == flow::proceed ? "hello" : "");
    r.control->resume();
  }
}

TEST_F(curl_client_flow, next_exchange_from_inside_a_callback_and_from_a_completion) {
  raw_server server([](raw_connection& c) {
    while (!c.read_head().empty()) c.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  recorder first, second, third;
  first.body_hook = [&] {
    start(get(server.url()), second);
    return flow::proceed;
  };
  http->async_exchange(get(server.url()), first, [&](error_code ec, exchange_summary) {
    EXPECT_FALSE(ec);
    start(get(server.url()), third);
  });
  run();
  EXPECT_EQ(first.body + second.body + third.body, "okokok");
  EXPECT_FALSE(second.error || third.error);
}

TEST_F(curl_client_flow, completes_on_the_handlers_executor_with_a_clear_slot) {
  raw_server server([](raw_connection& c) {
    c.read_head();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  asio::thread_pool other(1);
  recorder r;
  asio::cancellation_signal signal;
  std::promise<bool> right;
  http->async_exchange(
      get(server.url()), r,
      asio::bind_executor(
          other, asio::bind_cancellation_slot(signal.slot(), [&](error_code ec, exchange_summary) {
            EXPECT_FALSE(ec);
            signal.emit(asio::cancellation_type::terminal);  // too late for any effect
            right.set_value(other.get_executor().running_in_this_thread());
          })));
  run();
  EXPECT_TRUE(right.get_future().get());
  other.join();
}

TEST_F(curl_client_flow, cancel_from_another_thread_at_any_moment) {
  raw_server server([](raw_connection& c) {
    while (!c.read_head().empty())
      c.write("HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n" + std::string(40, 'x'));
  });
  int aborted = 0, whole = 0;
  asio::thread_pool other(1);
  rng random(11);
  for (int round = 0; round < 2000; ++round) {
    recorder r;
    // The signal belongs to the handler's executor, as Asio asks; the exchange runs on another one.
    auto signal = std::make_unique<asio::cancellation_signal>();
    std::promise<void> done;
    auto steps = random.between(0, 12);
    asio::post(other, [&] {
      auto handler = [&](error_code ec, exchange_summary s) {
        testing::curl_client_fixture::note(r)(ec, s);
        done.set_value();
      };
      auto bound = asio::bind_executor(
          other, asio::bind_cancellation_slot(signal->slot(), std::move(handler)));
      asio::post(io, [&, bound = std::move(bound)]() mutable {
        http->async_exchange(get(server.url()), r, std::move(bound));
        asio::post(other, [&] { signal->emit(asio::cancellation_type::terminal); });
      });
    });
    auto work = asio::make_work_guard(io);
    io.restart();
    auto finished = done.get_future();
    for (auto i = steps; i > 0; --i) io.poll_one();
    while (finished.wait_for(0s) != std::future_status::ready) io.run_one_for(1ms);
    // Until the emit, too, has happened: it uses this round's signal.
    std::promise<void> drained;
    asio::post(other, [&] { drained.set_value(); });
    drained.get_future().wait();
    (r.error ? aborted : whole) += 1;
    if (r.error) {
      EXPECT_EQ(r.error, asio::error::operation_aborted);
    }
  }
  other.join();
  EXPECT_GT(aborted, 0);
}

TEST_F(curl_client_flow, stop_aborts_everything_first) {
  raw_server server([](raw_connection& c) {
    c.read_head();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
    c.wait_closed();
  });
  std::vector<recorder> all(10);
  for (auto& r : all) {
    r.body_hook = [] { return flow::pause; };
    start(get(server.url()), r);
  }
  run_until([&] { return all[9].head.has_value(); });
  int stops = 0;
  for (int i = 0; i < 2; ++i)
    http->stop([&] {
      for (auto& r : all) EXPECT_TRUE(r.ended);
      ++stops;
    });
  run();
  EXPECT_EQ(stops, 2);
  for (auto& r : all) EXPECT_EQ(r.error, asio::error::operation_aborted);
  recorder late;
  fetch(get(server.url()), late);
  EXPECT_EQ(late.error, asio::error::operation_aborted);
}

TEST_F(curl_client_flow, stop_waits_for_handlers_elsewhere) {
  raw_server server([](raw_connection& c) { c.wait_closed(); });
  asio::thread_pool other(1);
  recorder r;
  std::atomic<bool> handler_done = false;
  http->async_exchange(get(server.url()), r,
                       asio::bind_executor(other, [&](error_code, exchange_summary) {
                         std::promise<void>().get_future().wait_for(20ms);
                         handler_done = true;
                       }));
  run_until([&] { return r.control != nullptr; });
  bool stopped = false;
  http->stop([&] {
    EXPECT_TRUE(handler_done);
    stopped = true;
  });
  while (!stopped) {
    io.restart();
    io.run_one_for(10ms);
  }
  other.join();
}

TEST_F(curl_client_flow, stop_before_start_and_destruction_in_flight) {
  stop();
  stop();
  make(direct());
  raw_server server([](raw_connection& c) { c.wait_closed(); });
  recorder r;
  start(get(server.url()), r);
  run_until([&] { return r.control != nullptr; });
  http.reset();
  run();
  EXPECT_FALSE(r.ended);
  r.control->resume();
}

}  // namespace
}  // namespace tidewire::http
