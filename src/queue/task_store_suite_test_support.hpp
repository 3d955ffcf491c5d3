#pragma once

#include <tidewire/core/error.hpp>
#include <tidewire/queue/task_store.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

// What every task store must pass: include it in one test file, and instantiate it there:
//   INSTANTIATE_TEST_SUITE_P(memory, task_store_suite, testing::Values(factory), task_store_name);
// Time is an argument. Where the store has a clock of its own, `pass` really waits, and leases and
// delays are short.
namespace tidewire::queue::test {

using namespace std::chrono_literals;

struct store_under_test {
  std::shared_ptr<task_store> store;
  // Another door to the same tasks, as another process would have; null: there is none.
  std::function<std::shared_ptr<task_store>()> another;
  std::function<void(milliseconds)> pass;  // only where the clock is not virtual
  bool clock_is_virtual = true;
};

struct store_factory {
  std::string name;
  std::function<store_under_test()> make;
};

inline std::ostream& operator<<(std::ostream& out, const store_factory& f) {
  return out << f.name;
}

inline std::string task_store_name(const testing::TestParamInfo<store_factory>& info) {
  return info.param.name;
}

class task_store_suite : public testing::TestWithParam<store_factory> {
 protected:
  void SetUp() override {
    subject = GetParam().make();
    store = subject.store;
    ASSERT_NE(store, nullptr);
  }

  // A lease, or a delay, that is long enough for the calls that come before its end.
  milliseconds span() const {
    return subject.clock_is_virtual ? milliseconds(1h) : milliseconds(400);
  }
  void pass(milliseconds d) {
    now += d;
    if (!subject.clock_is_virtual) subject.pass(d + 50ms);
  }

  store_answer apply(store_work work) {
    auto answer = store->apply(std::move(work), now);
    EXPECT_TRUE(answer) << answer.error().message();
    return answer ? std::move(*answer) : store_answer();
  }
  insert_outcome insert(new_task t) {
    store_work work;
    work.inserts.push_back(std::move(t));
    return apply(std::move(work)).inserts.at(0);
  }
  task_id add(std::string name = {}, priority p = priority::medium) {
    new_task t("work");
    t.name = std::move(name);
    t.priority = p;
    auto out = insert(std::move(t));
    EXPECT_FALSE(out.error) << out.error.message();
    return out.id;
  }
  claim_request wish(std::size_t n, std::vector<std::string> kinds = {"work"}) {
    claim_request out;
    out.worker = "w";
    out.kinds = std::move(kinds);
    out.count = n;
    out.lease = span();
    return out;
  }
  std::vector<claimed_task> claim(claim_request request) {
    store_work work;
    work.claim = std::move(request);
    return apply(std::move(work)).claimed;
  }
  std::vector<claimed_task> claim(std::size_t n) { return claim(wish(n)); }
  claimed_task claim_one() {
    auto all = claim(1);
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? claimed_task() : all[0];
  }
  settle_outcome settle(const claimed_task& t, outcome how) {
    store_work work;
    work.settlements.push_back({t.id, t.fence, std::move(how)});
    return apply(std::move(work)).settlements.at(0);
  }
  task_record find(task_id id) {
    auto found = store->find(id);
    EXPECT_TRUE(found && *found) << id;
    return found && *found ? **found : task_record();
  }
  template <class Id>
  bool is_there(Id id) {
    auto found = [&] {
      if constexpr (std::is_integral_v<Id>)
        return store->find(task_id(id));
      else
        return store->find(std::string(id));
    }();
    EXPECT_TRUE(found) << found.error().message();
    return found && found->has_value();
  }
  task_state state(task_id id) { return find(id).state; }
  std::vector<rescued_task> reap() {
    auto out = store->reap(1000, now);
    EXPECT_TRUE(out) << out.error().message();
    return out ? *out : std::vector<rescued_task>();
  }
  due_answer due(std::vector<std::string> kinds = {"work"}) {
    auto out = store->next_due(kinds, now);
    EXPECT_TRUE(out) << out.error().message();
    return out ? *out : due_answer();
  }
  // The states of a final task don't change, whatever is tried (T2).
  void expect_final(task_id id, const claimed_task& by) {
    auto before = state(id);
    EXPECT_TRUE(is_final(before));
    EXPECT_EQ(settle(by, outcome::done("\"again\"")).what, settle_outcome::kind::repeated);
    EXPECT_EQ(settle(by, outcome::retry("again")).what, settle_outcome::kind::repeated);
    EXPECT_EQ(*store->cancel(id, now), cancel_answer::already_final);
    EXPECT_EQ(state(id), before);
  }

  store_under_test subject;
  std::shared_ptr<task_store> store;
  queue_time now{std::chrono::sys_days(std::chrono::year(2024) / 1 / 1)};
};

TEST_P(task_store_suite, keeps_what_was_given) {
  new_task t("work", R"({"a":[1,"ä"]})");
  t.name = "first";
  t.unique_key = "u";
  t.metadata = R"({"to":"ann"})";
  t.batch = "b";
  t.priority = priority::low;
  t.max_attempts = 7;
  t.timeout = 5s;
  t.retry_delay = 2s;
  task_limit limit;
  limit.key = "host";
  limit.max_running = 2;
  t.limit = limit;
  auto out = insert(t);
  ASSERT_FALSE(out.error) << out.error.message();
  auto r = find(out.id);
  EXPECT_EQ(r.kind, "work");
  EXPECT_EQ(r.payload, t.payload);
  EXPECT_EQ(r.name, "first");
  EXPECT_EQ(r.unique_key, "u");
  EXPECT_EQ(r.metadata, t.metadata);
  EXPECT_EQ(r.batch, "b");
  EXPECT_EQ(r.priority, priority::low);
  EXPECT_EQ(r.state, task_state::ready);
  EXPECT_EQ(r.max_attempts, 7u);
  EXPECT_EQ(r.timeout, 5s);
  EXPECT_EQ(r.retry_delay, 2s);
  EXPECT_EQ(r.limit_key, "host");
  auto by_name = store->find(std::string("first"));
  ASSERT_TRUE(by_name && *by_name);
  EXPECT_EQ((*by_name)->id, out.id);
  EXPECT_FALSE(is_there("other"));
  EXPECT_FALSE(is_there(12345));
  auto c = claim_one();
  EXPECT_EQ(c.id, out.id);
  EXPECT_EQ(c.payload, t.payload);
  EXPECT_EQ(c.metadata, t.metadata);
  EXPECT_EQ(c.name, "first");
  EXPECT_EQ(c.kind, "work");
  EXPECT_EQ(c.attempt, 1u);
  EXPECT_EQ(c.max_attempts, 7u);
  EXPECT_EQ(c.timeout, 5s);
  EXPECT_EQ(c.retry_delay, 2s);
  EXPECT_EQ(find(out.id).worker, "w");
}

TEST_P(task_store_suite, refuses_bad_input_and_takes_the_rest) {
  store_work work;
  auto bad = [&](auto change, errc) {
    new_task t("work");
    change(t);
    work.inserts.push_back(std::move(t));
  };
  std::vector<std::pair<std::function<void(new_task&)>, errc>> cases{
      {[](new_task& t) { t.payload = "{"; }, errc::bad_payload},
      {[](new_task& t) { t.payload = "\"\xff\""; }, errc::bad_payload},
      {[](new_task& t) { t.payload = '"' + std::string(task_bounds::payload_bytes, 'x') + '"'; },
       errc::payload_too_large},
      {[](new_task& t) { t.metadata = "[1]"; }, errc::bad_metadata},
      {[](new_task& t) { t.metadata = "no"; }, errc::bad_metadata},
      {[](new_task& t) { t.name = std::string(201, 'n'); }, errc::bad_name},
      {[](new_task& t) { t.name = "a\nb"; }, errc::bad_name},
      {[](new_task& t) { t.kind = "\xc3"; }, errc::bad_name},
      {[](new_task& t) { t.delay = -1ms; }, errc::bad_delay},
      {[](new_task& t) { t.delay = milliseconds::max(); }, errc::bad_delay},
      {[](new_task& t) { t.retry_delay = -1ms; }, errc::bad_delay},
      {[](new_task& t) { t.max_attempts = 0; }, errc::bad_option},
      {[](new_task& t) { t.max_attempts = 1'000'000; }, errc::bad_option},
      {[](new_task& t) { t.timeout = 0ms; }, errc::bad_option},
      {[](new_task& t) { t.limit = task_limit(); }, errc::bad_name},
      {[](new_task& t) { t.depends_on = {999}; }, errc::unknown_dependency},
      {[](new_task& t) { t.depends_on_names = {"nobody"}; }, errc::unknown_dependency}};
  for (auto& [change, code] : cases) bad(change, code);
  work.inserts.emplace_back("work", "null");
  auto answer = apply(std::move(work));
  ASSERT_EQ(answer.inserts.size(), cases.size() + 1);
  for (std::size_t i = 0; i < cases.size(); ++i)
    EXPECT_EQ(answer.inserts[i].error, cases[i].second) << i;
  EXPECT_FALSE(answer.inserts.back().error);
  EXPECT_EQ(claim(100).size(), 1u);
}

TEST_P(task_store_suite, a_name_is_taken_once_and_a_unique_key_while_the_task_lives) {
  auto first = add("n");
  auto again = insert([] {
    new_task t("work");
    t.name = "n";
    return t;
  }());
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.id, first);
  auto keyed = [] {
    new_task t("work");
    t.unique_key = "k";
    return t;
  };
  auto one = insert(keyed());
  EXPECT_FALSE(one.duplicate);
  auto two = insert(keyed());
  EXPECT_TRUE(two.duplicate);
  EXPECT_EQ(two.id, one.id);
  for (auto& c : claim(10)) settle(c, outcome::done());
  EXPECT_TRUE(insert([] {
                new_task t("work");
                t.name = "n";
                return t;
              }())
                  .duplicate);
  auto three = insert(keyed());
  EXPECT_FALSE(three.duplicate);
  EXPECT_NE(three.id, one.id);
}

TEST_P(task_store_suite, claims_in_order_and_by_kind) {
  new_task other("other");
  auto o = insert(other).id;
  auto a = add(), b = add(), c = add();
  auto two = claim(2);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0].id, a);
  EXPECT_EQ(two[1].id, b);
  EXPECT_EQ(claim(5).at(0).id, c);
  EXPECT_TRUE(claim(5).empty());
  EXPECT_EQ(claim(wish(5, {"none", "other"})).at(0).id, o);
}

// T6
TEST_P(task_store_suite, weighted_lanes_serve_low_within_ten_claims) {
  for (int i = 0; i < 40; ++i) add("", priority::high), add("", priority::medium);
  std::vector<task_id> low;
  for (int i = 0; i < 4; ++i) low.push_back(add("", priority::low));
  std::map<priority, int> count;
  std::size_t served = 0;
  for (int i = 0; i < 40; ++i) {
    auto c = claim_one();
    ++count[c.priority];
    if (c.priority == priority::low) {
      EXPECT_EQ(c.id, low[served++]);
    }
    EXPECT_GE(served, static_cast<std::size_t>((i + 1) / 10)) << "after " << i + 1;
  }
  EXPECT_EQ(count[priority::high], 24);
  EXPECT_EQ(count[priority::medium], 12);
  EXPECT_EQ(count[priority::low], 4);
  EXPECT_EQ(claim(100).size(), 44u) << "work-conserving";
}

TEST_P(task_store_suite, strict_lanes_have_no_inversion) {
  auto l = add("", priority::low), m = add("", priority::medium), h = add("", priority::high);
  auto request = wish(3);
  request.lanes = lane_policy::strict;
  auto all = claim(request);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].id, h);
  EXPECT_EQ(all[1].id, m);
  EXPECT_EQ(all[2].id, l);
}

TEST_P(task_store_suite, a_retried_task_goes_before_newer_ones) {
  auto a = add();
  auto first = claim_one();
  add();
  EXPECT_EQ(settle(first, outcome::retry("no", 0ms)).what, settle_outcome::kind::applied);
  pass(1ms);
  EXPECT_EQ(claim_one().id, a);
}

// T2, T5
TEST_P(task_store_suite, attempts_end_after_the_last) {
  new_task t("work");
  t.max_attempts = 2;
  auto id = insert(t).id;
  auto c = claim_one();
  auto s = settle(c, outcome::retry("first", span()));
  EXPECT_EQ(s.state, task_state::retrying);
  EXPECT_EQ(s.next_attempt, span());
  EXPECT_EQ(find(id).error, "first");
  EXPECT_TRUE(claim(1).empty()) << "its time has not come";
  ASSERT_TRUE(due().ready_after);
  EXPECT_LE(*due().ready_after, span());
  EXPECT_GT(*due().ready_after, 0ms);
  pass(span());
  auto second = claim_one();
  EXPECT_EQ(second.attempt, 2u);
  EXPECT_GT(second.fence, c.fence);
  EXPECT_EQ(settle(second, outcome::retry("second")).state, task_state::failed);
  auto r = find(id);
  EXPECT_EQ(r.error, "second");
  EXPECT_TRUE(r.finished);
  expect_final(id, second);
  EXPECT_EQ(settle(c, outcome::done()).what, settle_outcome::kind::lost) << "T3";
}

TEST_P(task_store_suite, outcomes_are_states) {
  std::vector<std::pair<outcome, task_state>> all{
      {outcome::done("{\"n\":1}"), task_state::done},
      {outcome::discard("bad"), task_state::discarded},
      {outcome::cancelled("asked"), task_state::cancelled},
      {outcome::unknown("cut"), task_state::unknown}};
  for (auto& [how, state_then] : all) {
    auto id = add();
    auto c = claim_one();
    EXPECT_EQ(settle(c, how).state, state_then);
    auto r = find(id);
    EXPECT_EQ(r.state, state_then);
    EXPECT_EQ(state_then == task_state::done ? r.result : r.error, how.text());
    expect_final(id, c);
  }
}

TEST_P(task_store_suite, a_snooze_does_not_count) {
  auto id = add();
  auto c = claim_one();
  EXPECT_EQ(settle(c, outcome::snooze(span())).state, task_state::scheduled);
  EXPECT_TRUE(claim(1).empty());
  pass(span());
  auto again = claim_one();
  EXPECT_EQ(again.attempt, 1u);
  EXPECT_GT(again.fence, c.fence);
  EXPECT_EQ(settle(again, outcome::release()).state, task_state::ready);
  EXPECT_EQ(find(id).attempt, 0u);
}

TEST_P(task_store_suite, delayed_tasks_wait_for_their_time) {
  new_task t("work");
  t.delay = span();
  auto id = insert(t).id;
  EXPECT_EQ(state(id), task_state::scheduled);
  EXPECT_TRUE(claim(1).empty());
  EXPECT_FALSE(due().idle);
  pass(span());
  EXPECT_EQ(claim_one().id, id);
  auto other = insert(t).id;
  EXPECT_TRUE(*store->hasten(other, now));
  EXPECT_FALSE(*store->hasten(other, now));
  EXPECT_EQ(claim_one().id, other);
  EXPECT_EQ(store->hasten(9999, now).error(), errc::not_found);
}

// T3, T11
TEST_P(task_store_suite, an_expired_lease_is_taken_over_and_its_fence_is_stale) {
  auto id = add();
  auto zombie = claim_one();
  EXPECT_TRUE(reap().empty());
  ASSERT_TRUE(due().lease_ends);
  pass(span() + 1ms);
  auto rescued = reap();
  ASSERT_EQ(rescued.size(), 1u);
  EXPECT_EQ(rescued[0].id, id);
  EXPECT_EQ(rescued[0].fence, zombie.fence);
  EXPECT_EQ(rescued[0].state, task_state::ready);
  EXPECT_TRUE(reap().empty());
  auto heir = claim_one();
  EXPECT_EQ(heir.id, id);
  EXPECT_EQ(heir.attempt, 2u);
  for (auto& how : {outcome::done("\"zombie\""), outcome::retry("zombie"), outcome::discard("z")})
    EXPECT_EQ(settle(zombie, how).what, settle_outcome::kind::lost);
  held_lease old{zombie.id, zombie.fence}, mine{heir.id, heir.fence};
  std::vector<held_lease> both{old, mine};
  auto renewed = store->renew(both, span(), now);
  ASSERT_TRUE(renewed);
  ASSERT_EQ(renewed->lost.size(), 1u);
  EXPECT_EQ(renewed->lost[0].fence, zombie.fence);
  EXPECT_EQ(state(id), task_state::running);
  EXPECT_EQ(settle(heir, outcome::done("\"heir\"")).what, settle_outcome::kind::applied);
  EXPECT_EQ(find(id).result, "\"heir\"");
  EXPECT_EQ(settle(zombie, outcome::done("\"zombie\"")).what, settle_outcome::kind::lost);
  EXPECT_EQ(find(id).result, "\"heir\"");
}

TEST_P(task_store_suite, a_renewed_lease_is_kept) {
  add();
  auto c = claim_one();
  held_lease mine{c.id, c.fence};
  pass(span() / 2);
  auto renewed = store->renew(std::span(&mine, 1), span(), now);
  ASSERT_TRUE(renewed);
  EXPECT_TRUE(renewed->lost.empty());
  pass(span() * 3 / 4);
  EXPECT_TRUE(reap().empty());
  EXPECT_EQ(settle(c, outcome::done()).what, settle_outcome::kind::applied);
}

TEST_P(task_store_suite, silence_uses_attempts_up) {
  new_task t("work");
  t.max_attempts = 1;
  auto id = insert(t).id;
  auto c = claim_one();
  pass(span() + 1ms);
  EXPECT_EQ(reap().at(0).state, task_state::failed);
  EXPECT_FALSE(find(id).error.empty());
  expect_final(id, c);
}

// T9
TEST_P(task_store_suite, cancel_says_what_it_did) {
  auto ready = add(), running = add();
  new_task late("work");
  late.delay = span();
  auto scheduled = insert(late).id;
  EXPECT_EQ(*store->cancel(12345, now), cancel_answer::not_found);
  EXPECT_EQ(*store->cancel(ready, now), cancel_answer::cancelled);
  EXPECT_EQ(*store->cancel(ready, now), cancel_answer::already_final);
  EXPECT_EQ(*store->cancel(scheduled, now), cancel_answer::cancelled);
  auto c = claim_one();
  EXPECT_EQ(c.id, running);
  EXPECT_EQ(*store->cancel(running, now), cancel_answer::requested);
  held_lease mine{c.id, c.fence};
  auto renewed = store->renew(std::span(&mine, 1), span(), now);
  ASSERT_TRUE(renewed);
  EXPECT_EQ(renewed->cancel_requested, std::vector<task_id>{running});
  EXPECT_EQ(settle(c, outcome::retry("stopped", 0ms)).state, task_state::cancelled);
  pass(1ms);
  EXPECT_TRUE(claim(10).empty());
  EXPECT_TRUE(due().idle);
}

TEST_P(task_store_suite, done_wins_over_a_cancel_that_came_late) {
  auto id = add();
  auto c = claim_one();
  EXPECT_EQ(*store->cancel(id, now), cancel_answer::requested);
  EXPECT_EQ(settle(c, outcome::done()).state, task_state::done);
}

// T8
TEST_P(task_store_suite, pausing_stops_claims_and_is_seen_by_all) {
  add();
  auto c = claim_one();
  add();
  ASSERT_TRUE(store->set_paused(true));
  EXPECT_TRUE(claim(5).empty());
  EXPECT_TRUE(due().paused);
  held_lease mine{c.id, c.fence};
  EXPECT_TRUE(store->renew(std::span(&mine, 1), span(), now)->paused);
  EXPECT_TRUE(store->stats({}, now)->paused);
  if (subject.another) {
    auto other = subject.another();
    store_work work;
    work.claim = wish(5);
    EXPECT_TRUE(other->apply(std::move(work), now)->claimed.empty());
  }
  ASSERT_TRUE(store->set_paused(false));
  EXPECT_FALSE(due().paused);
  EXPECT_EQ(claim(5).size(), 1u);
}

// T10
TEST_P(task_store_suite, idle_means_that_nothing_lives) {
  EXPECT_TRUE(due().idle);
  new_task late("other");
  late.delay = span();
  auto id = insert(late).id;
  EXPECT_FALSE(due().idle) << "scheduled, of another kind";
  EXPECT_TRUE(*store->hasten(id, now));
  EXPECT_FALSE(due().idle) << "ready";
  auto c = claim(wish(1, {"other"})).at(0);
  EXPECT_FALSE(due().idle) << "running";
  settle(c, outcome::retry("no", span()));
  EXPECT_FALSE(due().idle) << "retrying";
  EXPECT_TRUE(*store->hasten(id, now));
  settle(claim(wish(1, {"other"})).at(0), outcome::done());
  EXPECT_TRUE(due().idle);
}

TEST_P(task_store_suite, dependants_wait_and_go_on) {
  auto a = add("a"), b = add("b");
  new_task t("work");
  t.depends_on = {a};
  t.depends_on_names = {"b"};
  auto id = insert(t).id;
  EXPECT_EQ(state(id), task_state::waiting);
  auto both = claim(10);
  ASSERT_EQ(both.size(), 2u);
  settle(both[0], outcome::done());
  EXPECT_EQ(state(id), task_state::waiting);
  settle(both[1], outcome::done());
  EXPECT_EQ(state(id), task_state::ready);
  EXPECT_EQ(claim_one().id, id);
  EXPECT_EQ(b, both[1].id);
  new_task late("work");
  late.depends_on = {a};
  EXPECT_EQ(state(insert(late).id), task_state::ready) << "what it needs is done already";
}

TEST_P(task_store_suite, dependants_of_a_failure_are_discarded) {
  auto a = add("a");
  auto after = [&](std::string name, std::string needs) {
    new_task t("work");
    t.name = std::move(name);
    t.depends_on_names = {std::move(needs)};
    return insert(t).id;
  };
  auto b = after("b", "a"), c = after("c", "b");
  settle(claim_one(), outcome::discard("bad"));
  EXPECT_EQ(state(a), task_state::discarded);
  EXPECT_EQ(state(b), task_state::discarded);
  EXPECT_EQ(state(c), task_state::discarded);
  EXPECT_NE(find(b).error.find(std::to_string(a)), std::string::npos);
  EXPECT_TRUE(due().idle);
  new_task t("work");
  t.depends_on = {b};
  EXPECT_EQ(insert(t).error, errc::dependency_failed);
}

TEST_P(task_store_suite, a_limit_lets_so_many_run) {
  auto limited = [&](priority p = priority::medium) {
    new_task t("work");
    t.priority = p;
    task_limit l;
    l.key = "k";
    l.max_running = 2;
    t.limit = l;
    return insert(t).id;
  };
  for (int i = 0; i < 5; ++i) limited();
  auto free = add();
  auto first = claim(10);
  ASSERT_EQ(first.size(), 3u);
  EXPECT_EQ(first[2].id, free);
  EXPECT_EQ(store->stats({}, now)->of(task_state::held), 3u);
  EXPECT_FALSE(due().ready_after);
  EXPECT_FALSE(due().idle);
  auto urgent = limited(priority::high);
  EXPECT_TRUE(claim(10).empty());
  settle(first[0], outcome::done());
  auto next = claim(10);
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].id, urgent);
  settle(first[1], outcome::retry("x", span()));
  EXPECT_EQ(claim(10).size(), 1u);
  EXPECT_TRUE(claim(10).empty());
}

TEST_P(task_store_suite, a_limit_lets_so_many_start_in_a_period) {
  for (int i = 0; i < 6; ++i) {
    new_task t("work");
    task_limit l;
    l.key = "k";
    l.max_starts = 2;
    l.period = span();
    t.limit = l;
    insert(t);
  }
  auto first = claim(10);
  EXPECT_EQ(first.size(), 2u);
  for (auto& c : first) settle(c, outcome::done());
  EXPECT_TRUE(claim(10).empty());
  auto d = due();
  ASSERT_TRUE(d.ready_after);
  EXPECT_GT(*d.ready_after, 0ms);
  EXPECT_LE(*d.ready_after, span() / 2 + 1ms);
  pass(span() / 2 + 1ms);
  EXPECT_EQ(claim(10).size(), 1u);
  pass(span() * 2);
  EXPECT_EQ(claim(10).size(), 2u) << "never more at once";
}

TEST_P(task_store_suite, dead_letters_are_replayed) {
  auto id = add("n");
  auto c = claim_one();
  EXPECT_EQ(store->replay(id, now).error(), errc::not_final);
  EXPECT_EQ(store->replay(9999, now).error(), errc::not_found);
  settle(c, outcome::discard("bad"));
  ASSERT_TRUE(store->replay(id, now));
  auto again = claim_one();
  EXPECT_EQ(again.id, id);
  EXPECT_EQ(again.attempt, 1u);
  EXPECT_GT(again.fence, c.fence);
  EXPECT_EQ(settle(c, outcome::done()).what, settle_outcome::kind::lost);
  settle(again, outcome::discard("bad"));
  auto done = add();
  settle(claim_one(), outcome::done());
  task_filter all;
  EXPECT_EQ(*store->replay_all(all, now), 1u);
  EXPECT_EQ(state(id), task_state::ready);
  EXPECT_EQ(state(done), task_state::done);
}

TEST_P(task_store_suite, finished_tasks_are_pruned_by_count_and_age) {
  std::vector<task_id> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(add("n" + std::to_string(i)));
  for (auto& c : claim(5)) settle(c, outcome::done());
  retention keep;
  keep.max_finished = 3;
  while (*store->prune(keep, now) > 0) {
  }
  EXPECT_FALSE(is_there(ids[0]));
  EXPECT_FALSE(is_there(ids[1]));
  EXPECT_TRUE(is_there(ids[2]));
  EXPECT_FALSE(insert([] {
                 new_task t("work");
                 t.name = "n0";
                 return t;
               }())
                   .duplicate);
  keep.finished_age = span() / 2;
  pass(span());
  auto dead = add();
  for (auto& c : claim(10)) settle(c, outcome::discard("x"));
  while (*store->prune(keep, now) > 0) {
  }
  EXPECT_FALSE(is_there(ids[4]));
  EXPECT_TRUE(is_there(ids[5])) << "dead letters have an age of their own";
  EXPECT_TRUE(is_there(dead));
}

TEST_P(task_store_suite, lists_in_pages_by_filter) {
  for (int i = 0; i < 5; ++i) {
    new_task t(i % 2 ? "odd" : "even");
    t.batch = i < 3 ? "x" : "y";
    insert(t);
  }
  task_filter f;
  f.limit = 2;
  auto page = *store->list(f);
  ASSERT_EQ(page.size(), 2u);
  f.after = page.back().id;
  f.limit = 100;
  EXPECT_EQ(store->list(f)->size(), 3u);
  task_filter by;
  by.kind = "even";
  by.batch = "x";
  EXPECT_EQ(store->list(by)->size(), 2u);
  by.state = task_state::running;
  EXPECT_EQ(store->list(by)->size(), 0u);
  task_filter batch;
  batch.batch = "x";
  EXPECT_EQ(store->stats(batch, now)->of(task_state::ready), 3u);
  auto all = *store->stats({}, now);
  EXPECT_EQ(all.of(task_state::ready), 5u);
  EXPECT_EQ(all.ready[1], 5u);
  EXPECT_EQ(all.live(), 5u);
  EXPECT_TRUE(all.oldest_ready);
}

TEST_P(task_store_suite, a_tick_is_taken_once) {
  auto at = [](std::int64_t tick) {
    new_task t("work");
    t.tick = schedule_tick{"nightly", tick};
    return t;
  };
  EXPECT_FALSE(insert(at(100)).duplicate);
  EXPECT_TRUE(insert(at(100)).duplicate);
  EXPECT_TRUE(insert(at(90)).duplicate);
  EXPECT_FALSE(insert(at(160)).duplicate);
  EXPECT_EQ(claim(10).size(), 2u);
}

TEST_P(task_store_suite, progress_is_the_running_attempts) {
  auto id = add();
  auto c = claim_one();
  store_work work;
  work.progress.push_back({id, c.fence, "{\"percent\":10}"});
  work.progress.push_back({id, c.fence + 1, "\"stale\""});
  apply(std::move(work));
  EXPECT_EQ(find(id).progress, "{\"percent\":10}");
}

TEST_P(task_store_suite, one_call_settles_inserts_and_claims) {
  add();
  auto c = claim_one();
  store_work work;
  work.settlements.push_back({c.id, c.fence, outcome::done()});
  work.inserts.emplace_back("work");
  work.claim = wish(5);
  auto answer = apply(std::move(work));
  EXPECT_EQ(answer.settlements.at(0).what, settle_outcome::kind::applied);
  ASSERT_EQ(answer.claimed.size(), 1u);
  EXPECT_EQ(answer.claimed[0].id, answer.inserts.at(0).id);
}

TEST_P(task_store_suite, another_worker_sees_the_same_tasks) {
  if (!subject.another) GTEST_SKIP() << "one door only";
  auto id = add();
  auto other = subject.another();
  store_work work;
  work.claim = wish(5);
  auto theirs = other->apply(std::move(work), now);
  ASSERT_TRUE(theirs);
  ASSERT_EQ(theirs->claimed.size(), 1u);
  EXPECT_EQ(theirs->claimed[0].id, id);
  EXPECT_TRUE(claim(5).empty());
  EXPECT_EQ(state(id), task_state::running);
}

TEST_P(task_store_suite, the_clock_is_one_for_all_and_never_goes_back) {
  if (store->traits().own_clock) GTEST_SKIP() << "the server's";
  machine_moment m{"boot a", 1000s, now};
  auto offset = store->join_clock(m);
  ASSERT_TRUE(offset);
  EXPECT_EQ(queue_time(1000s + *offset), now);
  m.wall += 1h;  // somebody set the clock
  m.monotonic += 10s;
  auto door = subject.another ? subject.another() : store;
  EXPECT_EQ(*door->join_clock(m), *offset);
}

}  // namespace tidewire::queue::test
