// Laws R8 to R10 and R12, and the lesson's rules of fallback, without a network.
#include "realtime/connection_fsm.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <set>

namespace tidewire::realtime {
namespace {

using namespace std::chrono_literals;
using kind = fsm_action::kind;
using phase = connection_fsm::phase;

clock::time_point at(clock::duration d) {
  return clock::time_point() + d;
}

// "open connected(websocket) …": what a driver is told to do.
std::string text(const connection_fsm::actions& all) {
  std::string out;
  for (auto& a : all) {
    if (!out.empty()) out += ' ';
    switch (a.what) {
      case kind::open_socket:
        out += a.refresh ? "open(refresh)" : "open";
        break;
      case kind::drop_socket:
        out += "drop";
        break;
      case kind::start_polling:
        out += "poll";
        break;
      case kind::stop_polling:
        out += "no-poll";
        break;
      case kind::connected:
        out += std::string("connected(") + name_of(a.mode) + ")";
        break;
      case kind::disconnected:
        out += a.intentional ? "disconnected(intentional)" : "disconnected";
        break;
      case kind::finish_connect:
        out += "answer" + std::to_string(static_cast<int>(a.outcome));
    }
  }
  return out;
}

const std::string answer_connected = "answer0", answer_unauthorized = "answer1",
                  answer_unreachable = "answer2", answer_stopped = "answer3";

struct machine {
  explicit machine(fsm_options options = {}) : fsm(options, rng(7)) {}

  std::string connect() { return text(fsm.connect(now)); }
  std::string welcomed() { return text(fsm.welcomed(fsm.generation(), now)); }
  std::string proved() { return text(fsm.proved(fsm.generation())); }
  std::string failed() { return text(fsm.failed(fsm.generation(), {"x"}, now)); }
  std::string refused() { return text(fsm.failed(fsm.generation(), {"401", true}, now)); }
  // Time goes on to the deadline.
  std::string timer() {
    now = std::max(now, fsm.deadline().value());
    return text(fsm.timer(now));
  }
  clock::duration left() const { return fsm.deadline().value() - now; }
  void establish() {
    connect();
    welcomed();
    proved();
    now += 10s;
  }

  connection_fsm fsm;
  clock::time_point now = at(1h);
};

TEST(connection_fsm, connects) {
  machine m;
  EXPECT_EQ(m.connect(), "open");
  EXPECT_TRUE(m.fsm.connecting());
  EXPECT_EQ(m.left(), 5s);
  EXPECT_EQ(m.welcomed(), "connected(websocket) " + answer_connected);
  EXPECT_EQ(m.fsm.mode(), mode::websocket);
  EXPECT_FALSE(m.fsm.deadline()) << "an open socket needs no timer here";
  EXPECT_EQ(m.connect(), answer_connected) << "who asks later is told at once";
}

TEST(connection_fsm, concurrent_connects_make_one_attempt) {
  machine m;
  EXPECT_EQ(m.connect(), "open");
  EXPECT_EQ(m.connect(), "");
  EXPECT_EQ(m.fsm.generation(), 1U);
  EXPECT_EQ(m.failed(), "poll connected(polling) " + answer_connected);
}

TEST(connection_fsm, a_first_connect_that_fails_polls_at_once) {
  machine m;
  m.connect();
  EXPECT_EQ(m.failed(), "poll connected(polling) " + answer_connected);
  EXPECT_EQ(m.fsm.mode(), mode::polling);
  EXPECT_TRUE(m.fsm.deadline()) << "polling is never where it ends";
}

TEST(connection_fsm, a_first_connect_that_says_nothing_polls_after_the_time_out) {
  machine m;
  m.connect();
  EXPECT_EQ(m.timer(), "drop poll connected(polling) " + answer_connected);
  EXPECT_EQ(m.now, at(1h + 5s));
}

TEST(connection_fsm, a_lost_socket_is_polled_for_at_once_and_opened_again) {
  machine m;
  m.establish();
  EXPECT_EQ(m.failed(), "disconnected poll");
  EXPECT_EQ(m.fsm.mode(), mode::disconnected);
  EXPECT_LE(m.left(), 1s);
  EXPECT_EQ(m.timer(), "open");
  EXPECT_EQ(m.welcomed(), "connected(websocket)");
  EXPECT_TRUE(m.fsm.polling()) << "until bytes came";
  EXPECT_EQ(m.proved(), "no-poll");
}

TEST(connection_fsm, falls_back_after_the_maximum_of_attempts_and_no_later) {
  machine m;
  m.establish();
  m.failed();
  for (unsigned i = 1; i <= 5; ++i) {
    EXPECT_EQ(m.fsm.reconnect_attempts(), i - 1);
    EXPECT_LE(m.left(), 1s * (1 << (i - 1)));
    EXPECT_EQ(m.timer(), "open");
    if (i < 5) {
      EXPECT_EQ(m.failed(), "");
    }
  }
  EXPECT_EQ(m.failed(), "connected(polling)");
  EXPECT_EQ(m.fsm.mode(), mode::polling);
}

TEST(connection_fsm, probes_while_polling_and_returns) {
  machine m;
  m.connect();
  m.failed();
  for (int i = 0; i < 50; ++i) {
    EXPECT_GE(m.left(), 1s);
    EXPECT_LE(m.left(), 30s);
    EXPECT_EQ(m.timer(), "open");
    EXPECT_EQ(m.failed(), "");
  }
  EXPECT_EQ(m.timer(), "open");
  EXPECT_EQ(m.welcomed(), "connected(websocket)");
  EXPECT_EQ(m.proved(), "no-poll");
}

TEST(connection_fsm, jitter_is_kept_at_the_cap) {
  std::set<clock::duration> delays;
  machine m;
  m.connect();
  m.failed();
  for (int i = 0; i < 100; ++i) {
    m.timer();
    m.failed();
    if (i >= 10) delays.insert(m.left());
  }
  EXPECT_GT(delays.size(), 80U);
  EXPECT_LT(*delays.begin(), 10s);
  EXPECT_GT(*delays.rbegin(), 20s);
}

TEST(connection_fsm, clients_that_lost_the_server_together_come_back_spread) {
  std::array<int, 10> per_100_ms{};
  for (std::uint64_t client = 0; client < 2000; ++client) {
    connection_fsm fsm({}, rng(client));
    auto now = at(1h);
    fsm.connect(now);
    fsm.welcomed(1, now);
    now += 1min;
    fsm.failed(1, {"lost"}, now);
    auto slot = static_cast<std::size_t>((*fsm.deadline() - now) / 100ms);
    ++per_100_ms[std::min<std::size_t>(slot, 9)];
  }
  for (auto n : per_100_ms) {
    EXPECT_GT(n, 100);
    EXPECT_LT(n, 300);
  }
}

TEST(connection_fsm, sockets_that_die_at_once_are_not_opened_without_end) {
  machine m;
  m.connect();
  m.welcomed();
  std::string last;
  int opened = 1;
  for (last = m.failed(); opened < 100 && (last == "disconnected poll" || last == "disconnected");
       ++opened) {
    m.timer();
    m.welcomed();
    last = m.failed();
  }
  EXPECT_EQ(last, "disconnected connected(polling)");
  EXPECT_EQ(opened, 5);
}

TEST(connection_fsm, old_generations_are_not_heard) {
  machine m;
  m.establish();
  m.failed();
  m.timer();
  EXPECT_EQ(m.fsm.generation(), 2U);
  EXPECT_EQ(text(m.fsm.welcomed(1, m.now)), "");
  EXPECT_EQ(text(m.fsm.failed(1, {"late"}, m.now)), "");
  EXPECT_EQ(text(m.fsm.proved(1)), "");
  EXPECT_TRUE(m.fsm.connecting());
  m.failed();
  EXPECT_EQ(m.failed(), "") << "a failure counts once";
  EXPECT_EQ(m.fsm.reconnect_attempts(), 1U);
}

TEST(connection_fsm, a_401_refreshes_the_token_without_using_an_attempt) {
  machine m;
  m.establish();
  m.failed();
  m.timer();
  EXPECT_EQ(m.refused(), "open(refresh)");
  EXPECT_EQ(m.fsm.reconnect_attempts(), 0U);
  EXPECT_EQ(m.refused(), "") << "once: then it is a failure like any other";
  EXPECT_EQ(m.fsm.reconnect_attempts(), 1U);
  EXPECT_EQ(m.timer(), "open");
  EXPECT_EQ(m.refused(), "open(refresh)") << "the next attempt may try again";
}

TEST(connection_fsm, a_first_connect_that_stays_refused_says_so_and_polls) {
  machine m;
  m.connect();
  EXPECT_EQ(m.refused(), "open(refresh)");
  EXPECT_EQ(m.refused(), "poll connected(polling) " + answer_unauthorized);
}

TEST(connection_fsm, an_open_socket_whose_token_ran_out_is_opened_again_at_once) {
  machine m;
  m.establish();
  EXPECT_EQ(m.refused(), "disconnected poll open(refresh)");
}

TEST(connection_fsm, waits_as_the_server_asked_within_bounds) {
  machine m;
  m.establish();
  socket_failure failure{"drain"};
  failure.retry_after = 20s;
  m.fsm.failed(1, failure, m.now);
  EXPECT_GE(m.left(), 20s);
  EXPECT_LE(m.left(), 21s);
  m.timer();
  failure.retry_after = 1000h;
  m.fsm.failed(2, failure, m.now);
  EXPECT_LE(m.left(), 10min + 2s);
  m.timer();
  failure.retry_after = -5s;
  m.fsm.failed(3, failure, m.now);
  EXPECT_GE(m.left(), 0s);
}

TEST(connection_fsm, without_polling_it_goes_on_trying) {
  fsm_options options;
  options.polling = false;
  machine m(options);
  m.connect();
  EXPECT_EQ(m.failed(), answer_unreachable);
  EXPECT_EQ(m.fsm.mode(), mode::disconnected);
  EXPECT_EQ(m.connect(), "") << "joins what is under way";
  EXPECT_EQ(m.timer(), "open");
  EXPECT_EQ(m.failed(), answer_unreachable);
  EXPECT_EQ(m.timer(), "open");
  EXPECT_EQ(m.welcomed(), "connected(websocket)");
}

TEST(connection_fsm, without_sockets_it_polls) {
  fsm_options options;
  options.websocket = false;
  machine m(options);
  EXPECT_EQ(m.connect(), "poll connected(polling) " + answer_connected);
  EXPECT_FALSE(m.fsm.deadline());
}

TEST(connection_fsm, offline_nothing_is_tried_and_online_everything_at_once) {
  machine m;
  m.establish();
  m.fsm.network(false, m.now);
  EXPECT_EQ(m.failed(), "disconnected poll");
  EXPECT_FALSE(m.fsm.deadline());
  m.now += 24h;
  EXPECT_EQ(text(m.fsm.network(true, m.now)), "open");
  EXPECT_EQ(m.fsm.reconnect_attempts(), 0U);
  EXPECT_EQ(text(m.fsm.network(true, m.now)), "");
}

TEST(connection_fsm, a_first_connect_while_offline_waits_for_the_network) {
  machine m;
  m.fsm.network(false, m.now);
  EXPECT_EQ(m.connect(), "");
  EXPECT_EQ(text(m.fsm.network(true, m.now)), "open");
}

TEST(connection_fsm, stops_from_any_state) {
  machine idle;
  EXPECT_EQ(text(idle.fsm.stop()), "");
  EXPECT_EQ(idle.connect(), answer_stopped);
  machine connecting;
  connecting.connect();
  EXPECT_EQ(text(connecting.fsm.stop()), "drop disconnected(intentional) " + answer_stopped);
  machine open;
  open.establish();
  EXPECT_EQ(text(open.fsm.stop()), "drop disconnected(intentional)");
  EXPECT_EQ(text(open.fsm.stop()), "");
  machine polling;
  polling.connect();
  polling.failed();
  EXPECT_EQ(text(polling.fsm.stop()), "no-poll disconnected(intentional)");
  EXPECT_FALSE(polling.fsm.deadline());
}

// A driver in the small: does what it is told, and checks that it makes sense.
class obedient_driver {
 public:
  void obey(const connection_fsm::actions& all) {
    for (auto& a : all) obey(a);
  }
  void obey(const fsm_action& a) {
    switch (a.what) {
      case kind::open_socket:
        RC_ASSERT(!socket);
        RC_ASSERT(a.generation > newest);
        socket = newest = a.generation;
        break;
      case kind::drop_socket:
        RC_ASSERT(socket == a.generation);
        socket = 0;
        break;
      case kind::start_polling:
        RC_ASSERT(!polling);
        polling = true;
        break;
      case kind::stop_polling:
        RC_ASSERT(polling);
        polling = false;
        break;
      case kind::connected:
        RC_ASSERT(a.mode != told);
        told = a.mode;
        ever = true;
        break;
      case kind::disconnected:
        told = mode::disconnected;
        break;
      case kind::finish_connect:
        RC_ASSERT(callers > 0);
        callers = 0;
    }
  }

  std::uint64_t socket = 0, newest = 0;
  bool polling = false, ever = false;
  mode told = mode::disconnected;
  int callers = 0;
};

RC_GTEST_PROP(connection_fsm_property, always_has_a_way_forward, (std::uint64_t seed)) {
  rng random(seed);
  fsm_options options;
  options.polling = !random.chance_ppm(200'000);
  connection_fsm fsm(options, rng(seed + 1));
  obedient_driver driver;
  auto now = at(1h);
  bool online = true;
  for (int i = 0; i < 300; ++i) {
    now += clock::duration(random.between(0, 2'000'000'000));
    auto generation = random.chance_ppm(900'000) ? driver.newest : driver.newest - 1;
    switch (random.between(0, 7)) {
      case 0:
        ++driver.callers;
        driver.obey(fsm.connect(now));
        break;
      case 1:
        driver.obey(fsm.welcomed(generation, now));
        break;
      case 2:
        driver.obey(fsm.proved(generation));
        break;
      case 3:
      case 4: {
        socket_failure failure{"x"};
        failure.unauthorized = random.chance_ppm(200'000);
        if (random.chance_ppm(200'000))
          failure.retry_after = clock::duration(random.between(0, 1'000'000'000'000));
        if (generation == driver.socket) driver.socket = 0;
        driver.obey(fsm.failed(generation, failure, now));
        break;
      }
      case 5:
        if (random.chance_ppm(100'000)) {
          online = !online;
          driver.obey(fsm.network(online, now));
        }
        break;
      default:
        if (fsm.deadline()) now = std::max(now, *fsm.deadline());
        driver.obey(fsm.timer(now));
    }
    auto p = fsm.now_in();
    RC_ASSERT(driver.told == fsm.mode());
    RC_ASSERT(driver.polling == fsm.polling());
    RC_ASSERT((driver.socket != 0) == (p == phase::connecting || p == phase::open));
    RC_ASSERT(fsm.deadline().has_value() == (p == phase::connecting || p == phase::waiting));
    RC_ASSERT(p != phase::parked || !online);
    RC_ASSERT(fsm.reconnect_attempts() <= options.max_reconnect_attempts);
    if (fsm.mode() == mode::polling) RC_ASSERT(driver.polling);
    // Once data flowed, it flows by some transport whatever happens (law R8).
    if (options.polling && driver.ever) RC_ASSERT(driver.polling || p == phase::open);
    if (p == phase::waiting)
      RC_ASSERT(*fsm.deadline() - now <= options.max_retry_after + options.probe.cap);
  }
  driver.obey(fsm.stop());
  RC_ASSERT(driver.socket == 0U);
  RC_ASSERT(!driver.polling);
  RC_ASSERT(driver.callers == 0);
  RC_ASSERT(!fsm.deadline());
}

}  // namespace
}  // namespace tidewire::realtime
