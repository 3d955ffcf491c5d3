// The queue of messages in virtual time, on a memory store, with a server that does what a test
// says.
#include "email/fake_client_test_support.hpp"

#include <tidewire/email/email_queue.hpp>
#include <tidewire/lab/world.hpp>
#include <tidewire/mail/error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::email {
namespace {

using namespace std::chrono_literals;
using mail::outcome;
using testing::fake_client;

struct email_queue_test : ::testing::Test {
  email_queue_test() {
    world.set_step_limit(5'000'000);
    options.per_domain = {0, 0, 1s};
    options.queue.store_executor = options.queue.handler_executor = world.get_executor();
    make();
  }
  ~email_queue_test() override { leave(); }

  void make() {
    leave();
    context ctx(world.get_executor(), world.random("queue"));
    q.emplace(ctx, store, client, options);
    auto& e = q->events();
    keep(e.sent,
         [this](const email_sent& s) { diary.push_back("sent " + s.to + " " + s.subject); });
    keep(e.failed, [this](const email_failed& f) {
      diary.push_back("failed " + f.to + " " + std::string(to_string(f.state)));
      errors.push_back(f.error);
    });
    keep(e.held_up, [this](const email_held_up& h) { diary.push_back("held up: " + h.why.text); });
    keep(e.processed, [this](const all_processed&) { diary.push_back("all"); });
  }
  template <class Event>
  void keep(signal<Event>& from, std::function<void(const Event&)> call) {
    auto c = from.connect(std::move(call));
    connections.push_back(std::make_shared<typename signal<Event>::connection>(std::move(*c)));
  }
  template <class Event, class F>
  void keep(signal<Event>& from, F call) {
    keep<Event>(from, std::function<void(const Event&)>(std::move(call)));
  }
  void leave() {
    if (!q) return;
    bool stopped = false;
    q->async_stop([&](error_code) { stopped = true; });
    world.run_while([&] { return !stopped; });
    q.reset();
  }

  static mail::message letter(const std::string& to, const std::string& id = {}) {
    mail::message m;
    m.id = id;
    m.from = "shop@a.example";
    m.to = to;
    m.subject = "hello";
    m.text = "hi";
    return m;
  }
  queue::task_handle send(mail::message m, send_options o = {}) {
    queue::task_handle out;
    error_code failed = mail::errc::invalid_message;
    q->async_send(std::move(m), std::move(o), [&](error_code ec, queue::task_handle h) {
      failed = ec;
      out = h;
    });
    world.run_for(1ms);
    EXPECT_FALSE(failed) << failed.message();
    return out;
  }
  queue::task_record record(const queue::task_handle& h) {
    auto found = store->find(h.id());
    return found && *found ? **found : queue::task_record();
  }
  std::vector<std::string> recipients() const {
    std::vector<std::string> out;
    for (auto& m : client.arrived) out.push_back(m.to.email);
    return out;
  }

  lab::world world;
  std::shared_ptr<queue::task_store> store = queue::make_memory_task_store();
  fake_client client{world.get_executor()};
  email_queue_options options;
  std::vector<std::string> diary, errors;
  std::vector<std::shared_ptr<void>> connections;
  std::optional<email_queue> q;
};

TEST_F(email_queue_test, sends_and_tells) {
  auto h = send(letter("ann@b.example", "one"));
  world.run_for(10s);
  EXPECT_EQ(diary, (std::vector<std::string>{"sent ann@b.example hello", "all"}));
  auto r = record(h);
  EXPECT_EQ(r.state, queue::task_state::done);
  EXPECT_EQ(r.metadata, R"({"type":"email","to":"ann@b.example","subject":"hello"})");
  EXPECT_NE(r.result.find("<one@a.example>"), r.result.npos);
  ASSERT_EQ(client.arrived.size(), 1u);
  EXPECT_TRUE(client.arrived[0].date) << "a copy must have the same date";
}

TEST_F(email_queue_test, two_at_once) {
  for (int i = 0; i < 10; ++i) send(letter("p" + std::to_string(i) + "@b.example"));
  world.run_for(20s);
  EXPECT_EQ(client.most, 2);
  EXPECT_EQ(client.arrived.size(), 10u);
}

TEST_F(email_queue_test, bulk_is_low_and_each_message_has_its_own_answer) {
  options.max_concurrency = 1;
  options.queue.lanes = queue::lane_policy::strict;
  make();
  std::vector<mail::message> all;
  for (int i = 0; i < 5; ++i) all.push_back(letter("bulk@b.example"));
  all[2].to.email = "nobody";
  std::vector<queue::insert_outcome> answer;
  q->async_send_bulk(all, email_queue::bulk(), [&](error_code ec, auto outcomes) {
    EXPECT_FALSE(ec);
    answer = std::move(outcomes);
  });
  world.run_for(100ms);
  ASSERT_EQ(answer.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_EQ(answer[i].error,
              i == 2 ? mail::make_error_code(mail::errc::invalid_message) : error_code());
  send(letter("first@b.example"));
  world.run_for(20s);
  EXPECT_EQ(recipients(),
            (std::vector<std::string>{"bulk@b.example", "first@b.example", "bulk@b.example",
                                      "bulk@b.example", "bulk@b.example"}));
}

TEST_F(email_queue_test, what_can_not_be_sent_is_never_taken) {
  error_code said;
  q->async_send(letter("nobody"), {}, [&](error_code ec, queue::task_handle) { said = ec; });
  world.run_for(10s);
  EXPECT_EQ(said, mail::errc::invalid_message);
  EXPECT_TRUE(client.started.empty());
}

TEST_F(email_queue_test, an_id_is_taken_once) {
  auto first = send(letter("a@b.example", "invoice-7"));
  auto second = send(letter("a@b.example", "invoice-7"));
  EXPECT_TRUE(second.duplicate());
  EXPECT_EQ(first.id(), second.id());
  world.run_for(10s);
  EXPECT_EQ(client.arrived.size(), 1u);
}

TEST_F(email_queue_test, a_temporary_no_is_tried_again_and_a_final_one_is_not) {
  client.plans = {{outcome::retry, false, 450}, {outcome::discard, false, 550}};
  auto a = send(letter("a@b.example"));
  auto b = send(letter("b@b.example"));
  world.run_for(1h);
  EXPECT_EQ(record(a).state, queue::task_state::done);
  EXPECT_EQ(record(a).attempt, 2u);
  EXPECT_EQ(record(b).state, queue::task_state::discarded);
  EXPECT_EQ(record(b).attempt, 1u);
  EXPECT_NE(errors.at(0).find("550"), std::string::npos) << errors[0];
  EXPECT_EQ(recipients(), std::vector<std::string>{"a@b.example"});
}

TEST_F(email_queue_test, three_tries_then_it_is_told) {
  client.plans.assign(3, {outcome::retry, false, 450});
  auto h = send(letter("a@b.example"));
  world.run_for(1h);
  EXPECT_EQ(client.started.size(), 3u);
  EXPECT_EQ(diary, (std::vector<std::string>{"failed a@b.example failed", "all"}));
  // It is kept, and can be sent after all.
  EXPECT_TRUE(store->replay(h.id(), record(h).created + 24h));
  world.run_for(2min);
  EXPECT_EQ(client.arrived.size(), 1u);
}

TEST_F(email_queue_test, unknown_is_sent_again_with_the_same_message_id) {
  client.plans = {{outcome::unknown, true, 0}};
  auto h = send(letter("a@b.example"));
  world.run_for(1h);
  EXPECT_EQ(record(h).state, queue::task_state::done);
  ASSERT_EQ(client.arrived.size(), 2u);
  auto text = [](const mail::message& m) { return mail::compose(m, {}).text; };
  EXPECT_EQ(text(client.arrived[0]), text(client.arrived[1]));
}

TEST_F(email_queue_test, unknown_at_the_last_attempt_is_parked) {
  client.plans.assign(3, {outcome::unknown, false, 0});
  auto h = send(letter("a@b.example"));
  world.run_for(1h);
  EXPECT_EQ(record(h).state, queue::task_state::unknown);
  EXPECT_EQ(diary.at(0), "failed a@b.example unknown");
}

TEST_F(email_queue_test, unknown_is_parked_where_no_copy_may_arrive) {
  options.policy.on_unknown = unknown_policy::park;
  make();
  client.plans = {{outcome::unknown, true, 0}};
  auto h = send(letter("a@b.example"));
  world.run_for(1h);
  EXPECT_EQ(record(h).state, queue::task_state::unknown);
  EXPECT_EQ(client.arrived.size(), 1u);
}

TEST_F(email_queue_test, a_server_that_refuses_us_costs_no_message) {
  client.plans.assign(20, {outcome::refused, false, 535});
  auto h = send(letter("a@b.example"));
  world.run_for(10h);
  EXPECT_EQ(record(h).state, queue::task_state::done);
  EXPECT_EQ(client.started.size(), 21u);
  EXPECT_EQ(std::count(diary.begin(), diary.end(), "held up: as planned"), 20);
  for (std::size_t i = 1; i < client.started.size(); ++i)
    EXPECT_GE(client.started[i] - client.started[i - 1], 5min);
}

TEST_F(email_queue_test, one_domain_at_its_own_pace) {
  options.max_concurrency = 20;
  options.per_domain = {2, 3, 10s};
  make();
  for (int i = 0; i < 9; ++i) send(letter("p" + std::to_string(i) + "@Slow.example"));
  for (int i = 0; i < 2; ++i) send(letter("p" + std::to_string(i) + "@other.example"));
  auto slow = [&] {
    auto all = recipients();
    auto is_slow = [](auto& r) { return r.ends_with("Slow.example"); };
    return std::count_if(all.begin(), all.end(), is_slow);
  };
  world.run_for(3s);
  EXPECT_EQ(slow(), 3);
  EXPECT_EQ(recipients().size(), 5u) << "the others don't wait";
  // Three at once, and from then on three in ten seconds.
  world.run_for(10s);
  EXPECT_GE(slow(), 5);
  EXPECT_LE(slow(), 7);
  world.run_for(1min);
  EXPECT_EQ(slow(), 9);
}

TEST_F(email_queue_test, a_message_that_takes_too_long_says_itself_how_far_it_came) {
  options.timeout = 20s;
  options.policy.on_unknown = unknown_policy::park;
  make();
  client.takes = 1h;
  auto h = send(letter("a@b.example"));
  world.run_for(1min);
  EXPECT_EQ(record(h).state, queue::task_state::unknown);
  client.dot_after = 30min;
  client.takes = 1h;
  auto other = send(letter("b@b.example"));
  world.run_for(1h);
  EXPECT_EQ(record(other).state, queue::task_state::failed)
      << "three tries that never got that far";
  EXPECT_EQ(client.arrived.size(), 1u);
}

TEST_F(email_queue_test, cancelled_and_stopped_in_the_middle) {
  options.policy.on_unknown = unknown_policy::park;
  options.queue.stop_grace = 1s;
  make();
  client.takes = 1h;
  auto sent = send(letter("a@b.example"));
  world.run_for(5s);  // the final dot is out
  q->tasks().async_cancel(sent.id(), [](error_code, queue::cancel_answer a) {
    EXPECT_EQ(a, queue::cancel_answer::requested);
  });
  world.run_for(30s);
  EXPECT_EQ(record(sent).state, queue::task_state::unknown);
  client.dot_after = 30min;
  auto early = send(letter("b@b.example"));
  world.run_for(5s);
  leave();
  EXPECT_EQ(record(early).state, queue::task_state::ready) << "nothing was sent: it waits";
  EXPECT_EQ(record(early).attempt, 0u);
}

TEST_F(email_queue_test, payloads_of_others_that_are_no_message_are_discarded) {
  queue::task_handle bad, good;
  q->tasks().async_enqueue(queue::new_task("email", R"({"to":"x"})"),
                           [&](error_code, queue::task_handle h) { bad = h; });
  q->tasks().async_enqueue(
      queue::new_task("email", R"({"from":"a@a","to":"b@b","text":"without an id"})"),
      [&](error_code, queue::task_handle h) { good = h; });
  client.plans = {{outcome::retry, true, 0}, {outcome::retry, true, 0}};
  world.run_for(1h);
  ASSERT_GE(client.arrived.size(), 2u);
  std::map<std::string, int> ids;
  for (auto& m : client.arrived) ++ids[m.to.email + m.id];
  EXPECT_EQ(ids.size(), 2u) << "each attempt has the same id";
  EXPECT_EQ(record(good).state, queue::task_state::done);
}

TEST(email_outcomes, of_every_result) {
  using kind = queue::outcome::kind;
  for (auto policy : {unknown_policy::resend, unknown_policy::park})
    for (bool last : {false, true}) {
      email_policy p;
      p.on_unknown = policy;
      auto of = [&](outcome o) {
        mail::send_result r;
        r.outcome = o;
        r.text = "x\xff";
        return settle(r, last, p).what();
      };
      EXPECT_EQ(of(outcome::accepted), kind::done);
      EXPECT_EQ(of(outcome::retry), kind::retry);
      EXPECT_EQ(of(outcome::discard), kind::discard);
      EXPECT_EQ(of(outcome::refused), kind::snooze);
      bool again = policy == unknown_policy::resend && !last;
      EXPECT_EQ(of(outcome::unknown), again ? kind::retry : kind::unknown);
    }
}

// A worker that dies with messages under way: its context goes, the store stays.
TEST(email_crash, a_dead_workers_message_is_resent_or_parked_by_the_policy) {
  for (auto policy : {unknown_policy::resend, unknown_policy::park}) {
    lab::world world;
    std::shared_ptr<queue::task_store> store = queue::make_memory_task_store();
    // Claimed by somebody who is never heard of again.
    mail::message m;
    m.id = "one";
    m.from = "a@a.example";
    m.to = "b@b.example";
    m.text = "x";
    email_queue_options options;
    options.policy.on_unknown = policy;
    options.queue.store_executor = options.queue.handler_executor = world.get_executor();
    queue::store_work work;
    work.inserts.push_back(make_email_task(m, options));
    queue::claim_request claim;
    claim.kinds = {"email"};
    claim.worker = "dead";
    work.claim = claim;
    auto now = queue::queue_time(std::chrono::hours(24 * 365 * 40));
    auto answer = store->apply(std::move(work), now);
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->claimed.size(), 1u);

    fake_client client(world.get_executor());
    email_queue q(context(world.get_executor(), world.random("q")), store, client, options);
    world.run_for(24h);
    auto record = store->find(answer->claimed[0].id);
    ASSERT_TRUE(record && *record);
    bool resent = policy == unknown_policy::resend;
    EXPECT_EQ((*record)->state, resent ? queue::task_state::done : queue::task_state::unknown)
        << (*record)->error;
    EXPECT_EQ(client.arrived.size(), resent ? 1u : 0u);
    bool stopped = false;
    q.async_stop([&](error_code) { stopped = true; });
    world.run_while([&] { return !stopped; });
  }
}

}  // namespace
}  // namespace tidewire::email
