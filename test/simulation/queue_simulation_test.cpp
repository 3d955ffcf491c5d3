// Task queues over one store that lasts: several workers crash at calls of the store, come back,
// and lose answers; the wall clock jumps by an hour; a worker without a driver sleeps beyond its
// leases and then settles, twice. The oracles are the laws T1-T3, T5, T7-T11, watched where the
// store is called and where handlers run.
#include <tidewire/core/timer.hpp>
#include <tidewire/lab/fault_plan.hpp>
#include <tidewire/lab/simulation.hpp>
#include <tidewire/lab/world.hpp>
#include <tidewire/queue/sqlite_task_store.hpp>
#include <tidewire/queue/task_queue.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tidewire {
namespace {

using namespace std::chrono_literals;
using namespace queue;

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
constexpr milliseconds lease = 30s;
const std::vector<std::string> kinds{"work", "slow"};

// What is known of each task from what crossed the store's door.
struct ledger {
  struct entry {
    std::uint64_t fence = 0;  // of the last claim
    std::uint32_t starts = 0, given_back = 0, max_attempts = 1;
    bool acknowledged = false, final = false, cancelled = false;
    task_state state = task_state::ready;
  };
  std::map<task_id, entry> tasks;
  bool paused = false;
  clock::time_point paused_since{};
  std::string failure;

  void fail(const std::string& why) {
    if (failure.empty()) failure = why;
  }
  void claimed(const claimed_task& t) {
    auto& e = tasks[t.id];
    auto id = std::to_string(t.id);
    if (paused) fail("T8: task " + id + " was claimed while paused");
    if (e.final) fail("T2: task " + id + " was claimed after its end");
    if (e.cancelled) fail("T9: task " + id + " was claimed after it was cancelled");
    if (t.fence <= e.fence) fail("T3: a fence was given twice for task " + id);
    e.fence = t.fence;
    e.max_attempts = t.max_attempts;
    ++e.starts;
    if (e.starts - e.given_back > t.max_attempts) fail("T5: too many attempts at task " + id);
  }
  void settled(const settlement& s, const settle_outcome& how) {
    auto& e = tasks[s.id];
    auto id = std::to_string(s.id);
    if (how.what != settle_outcome::kind::applied) return;
    if (s.fence != e.fence) fail("T3: a stale fence changed task " + id);
    if (e.final) fail("T2: task " + id + " ended twice");
    auto what = s.outcome.what();
    if (what == outcome::kind::snooze || what == outcome::kind::release) ++e.given_back;
    if (is_final(how.state)) ended(s.id, how.state);
  }
  void ended(task_id id, task_state state) {
    auto& e = tasks[id];
    e.final = true;
    e.state = state;
  }
};

// The door of one process to the store: it may fail before or after the commit, and the process may
// die at either.
class faulty_store final : public task_store {
 public:
  struct faults {
    lab::fault_site &before, &after, &die_before, &die_after;
    std::uint32_t ppm = 0;
  };
  faulty_store(std::shared_ptr<task_store> real, ledger& book, faults f, std::function<void()> die)
      : real_(std::move(real)), book_(book), faults_(f), die_(std::move(die)) {}

  store_traits traits() const override { return real_->traits(); }
  result<milliseconds> join_clock(const machine_moment& m) override {
    auto fixed = m;
    fixed.boot = "the only one";  // the real machine's is another each time
    return real_->join_clock(fixed);
  }
  result<store_answer> apply(store_work work, queue_time now) override {
    if (auto ec = before()) return ec;
    auto settlements = work.settlements;
    auto out = real_->apply(std::move(work), now);
    if (!out) return out;
    for (std::size_t i = 0; i < settlements.size(); ++i)
      book_.settled(settlements[i], out->settlements[i]);
    for (auto& t : out->claimed) book_.claimed(t);
    if (auto ec = after()) return ec;
    for (auto& i : out->inserts)
      if (!i.error) book_.tasks[i.id].acknowledged = true;
    return out;
  }
  result<renewal> renew(std::span<const held_lease> l, milliseconds d, queue_time now) override {
    if (auto ec = before()) return ec;
    return real_->renew(l, d, now);
  }
  result<cancel_answer> cancel(task_id id, queue_time now) override {
    if (auto ec = before()) return ec;
    auto out = real_->cancel(id, now);
    if (out && *out == cancel_answer::cancelled) {
      if (book_.tasks[id].final) book_.fail("T9: a task that had ended was cancelled");
      book_.tasks[id].cancelled = true;
      book_.ended(id, task_state::cancelled);
    }
    if (out && *out == cancel_answer::already_final) {
      auto r = real_->find(id);
      if (!r || !*r || !is_final((*r)->state))
        book_.fail("T9: task " + std::to_string(id) + " is said to have ended");
    }
    if (auto ec = after()) return ec;
    return out;
  }
  result<std::vector<rescued_task>> reap(std::size_t most, queue_time now) override {
    if (auto ec = before()) return ec;
    auto out = real_->reap(most, now);
    if (!out) return out;
    for (auto& r : *out) {
      if (r.fence != book_.tasks[r.id].fence) book_.fail("T11: a newer attempt was given up");
      if (is_final(r.state)) book_.ended(r.id, r.state);
    }
    return out;
  }
  result<due_answer> next_due(std::span<const std::string> k, queue_time now) override {
    return real_->next_due(k, now);
  }
  result<void> set_paused(bool paused) override {
    if (auto ec = before()) return ec;
    auto out = real_->set_paused(paused);
    if (out) book_.paused = paused;
    if (auto ec = after()) return ec;
    return out;
  }
  result<void> replay(task_id id, queue_time now) override { return real_->replay(id, now); }
  result<std::size_t> replay_all(const task_filter& f, queue_time now) override {
    return real_->replay_all(f, now);
  }
  result<bool> hasten(task_id id, queue_time now) override { return real_->hasten(id, now); }
  result<std::size_t> prune(const retention& r, queue_time now) override {
    return real_->prune(r, now);
  }
  result<std::optional<task_record>> find(task_id id) override { return real_->find(id); }
  result<std::optional<task_record>> find(const std::string& n) override { return real_->find(n); }
  result<std::vector<task_record>> list(const task_filter& f) override { return real_->list(f); }
  result<queue_stats> stats(const task_filter& f, queue_time now) override {
    return real_->stats(f, now);
  }
  std::shared_ptr<void> watch(std::function<void()> changed) override {
    return real_->watch(std::move(changed));
  }

 private:
  error_code before() { return fault(faults_.before, faults_.die_before); }
  error_code after() { return fault(faults_.after, faults_.die_after); }
  error_code fault(lab::fault_site& site, lab::fault_site& death) {
    if (death.draw(faults_.ppm / 4)) {
      die_();
      return store_sqlite::make_error_code(store_sqlite::errc::io);
    }
    if (site.draw(faults_.ppm)) return store_sqlite::make_error_code(store_sqlite::errc::io);
    return {};
  }

  std::shared_ptr<task_store> real_;
  ledger& book_;
  faults faults_;
  std::function<void()> die_;
};

class scenario {
 public:
  scenario(std::uint64_t seed, const std::vector<lab::fault_event>* replay)
      : world_(seed),
        plan_(replay ? std::make_unique<lab::fault_plan>(world_, *replay)
                     : std::make_unique<lab::fault_plan>(world_)),
        draw_(world_.random("scenario")),
        ppm_(static_cast<std::uint32_t>(draw_.between(500, 60'000))) {
    world_.set_step_limit(3'000'000);
    if (seed % 8 == 0) open_file();
    if (!store_) store_ = make_memory_task_store();
    for (int i = 0; i < 3; ++i) start_worker(i);
  }

  ~scenario() {
    for (auto& w : workers_) w.stop();
    outsider_.reset();
    store_.reset();
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  lab::simulation_result run() {
    outsider_ = std::make_unique<lab::process>(world_);
    asio::co_spawn(outsider_->get_executor(), sleepwalk(), asio::detached);
    while (going() && world_.now() < trouble_ends_) trouble();
    heal();
    auto patience = world_.now() + 6h;
    while (going() && !settled() && world_.now() < patience) world_.run_for(1s);
    if (world_.step_limit_reached()) book_.fail("somebody runs in circles");
    if (book_.failure.empty()) judge();
    return {book_.failure, world_.trace_hash(), plan_->recorded()};
  }

 private:
  struct worker {
    std::unique_ptr<lab::process> process;
    std::shared_ptr<task_store> door;
    std::unique_ptr<task_queue> queue;
    std::vector<std::shared_ptr<void>> listeners;
    int running = 0;
    bool dead = false, paused = false;

    void stop() {
      if (process) process->kill();
      listeners.clear();
      queue.reset();
      door.reset();
      process.reset();
    }
  };

  bool going() const { return book_.failure.empty() && !world_.step_limit_reached(); }

  void open_file() {
    auto name = ::testing::TempDir() + "tidewire-sim-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    sqlite_store_options options;
    options.survives = store_sqlite::durability::none;
    auto made = open_sqlite_task_store(folder_ + "/tasks.db", options);
    if (made)
      store_ = std::move(*made);
    else
      book_.fail("the store can't be opened: " + made.error().message());
  }

  void start_worker(int i) {
    auto& w = workers_[i];
    w.stop();
    w = worker();
    auto number = std::to_string(i);
    faulty_store::faults f{plan_->site("store.before." + number),
                           plan_->site("store.after." + number),
                           plan_->site("store.die_before." + number),
                           plan_->site("store.die_after." + number), healthy_ ? 0 : ppm_};
    w.process = std::make_unique<lab::process>(world_);
    auto* process = w.process.get();
    w.door = std::make_shared<faulty_store>(store_, book_, f, [this, i, process] {
      process->kill();
      workers_[i].dead = true;
    });
    task_queue_options options;
    options.worker = "worker " + number;
    options.lease = lease;
    options.max_concurrency = limit_;
    options.store_executor = options.handler_executor = process->get_executor();
    context ctx(process->get_executor(), world_.random("worker" + std::to_string(++starts_)));
    w.queue = std::make_unique<task_queue>(ctx, w.door, options);
    auto& e = w.queue->events();
    listen(w, e.processing_completed, [this](auto&) { expect_idle(); });
    listen(w, e.started, [this, i](auto& s) {
      bool all_know = book_.paused && world_.now() - book_.paused_since > lease / 3 + 2s;
      if (workers_[i].paused || all_know)
        book_.fail("T8: task " + std::to_string(s.task.id) + " started after pause()");
    });
    w.queue->on("work", [this, i](task_context c) { return handle(i, c, 2s); });
    w.queue->on("slow", [this, i](task_context c) { return handle(i, c, 90s); });
  }

  template <class Event, class Call>
  void listen(worker& w, signal<Event>& from, Call call) {
    auto c = from.connect(call);
    w.listeners.push_back(std::make_shared<typename signal<Event>::connection>(std::move(*c)));
  }

  // T10. Somebody else may have added a task since the store was asked: that happens at this moment
  // at the earliest, so live tasks must be newer than all that the ledger knows to be final.
  void expect_idle() {
    for (auto& [id, e] : book_.tasks)
      if (e.acknowledged && !e.final && e.starts > 0)
        if (auto r = store_->find(id); r && *r && (*r)->state == task_state::running)
          book_.fail("T10: completed while task " + std::to_string(id) + " runs");
  }

  asio::awaitable<outcome> handle(int i, task_context c, clock::duration longest) {
    auto& w = workers_[i];
    auto* alive = w.process.get();
    if (++w.running > static_cast<int>(limit_)) book_.fail("T7: too many handlers at once");
    auto ex = co_await asio::this_coro::executor;
    timer t(ex);
    t.expires_after(clock::duration(draw_.between(0, longest.count())));
    auto [cancelled] = co_await t.async_wait(quietly);
    if (workers_[i].process.get() == alive) --workers_[i].running;
    auto what = draw_.between(0, 19);
    if (cancelled) co_return outcome::retry("told to end");
    if (what < 3) co_return outcome::retry("no luck");
    if (what == 3) co_return outcome::snooze(5s);
    if (what == 4) co_return outcome::discard("hopeless");
    if (what == 5) co_return outcome::unknown("cut off");
    if (what == 6) throw std::runtime_error("thrown");
    if (what == 7) (void)c.progress("{\"percent\":50}");
    co_return outcome::done("{\"by\":" + std::to_string(c.attempt()) + "}");
  }

  // Claims without a driver, is away beyond the lease, comes back and settles twice.
  asio::awaitable<void> sleepwalk() {
    auto ex = co_await asio::this_coro::executor;
    timer t(ex);
    while (true) {
      t.expires_after(clock::duration(draw_.between(1'000'000, 60'000'000'000)));
      auto [ec] = co_await t.async_wait(quietly);
      (void)ec;
      if (healthy_) co_return;
      store_work ask;
      ask.claim.emplace();
      ask.claim->worker = "sleepwalker";
      ask.claim->kinds = kinds;
      ask.claim->count = 2;
      ask.claim->lease = lease;
      auto got = store_->apply(std::move(ask), now());
      if (!got) continue;
      for (auto& task : got->claimed) book_.claimed(task);
      t.expires_after(clock::duration(draw_.between(1'000'000, 120'000'000'000)));
      auto [ec2] = co_await t.async_wait(quietly);
      (void)ec2;
      for (int twice = 0; twice < 2; ++twice) {
        store_work say;
        for (auto& task : got->claimed)
          say.settlements.push_back({task.id, task.fence, outcome::done("\"asleep\"")});
        auto settlements = say.settlements;
        auto said = store_->apply(std::move(say), now());
        if (!said) break;
        for (std::size_t i = 0; i < settlements.size(); ++i) {
          book_.settled(settlements[i], said->settlements[i]);
          if (twice == 1 && said->settlements[i].what == settle_outcome::kind::applied)
            book_.fail("T3: one attempt was settled twice");
        }
      }
    }
  }

  queue_time now() {
    machine_moment m{"the only one",
                     std::chrono::floor<milliseconds>(world_.now().time_since_epoch()),
                     std::chrono::floor<milliseconds>(world_.wall_now())};
    auto offset = store_->join_clock(m);
    return queue_time(m.monotonic + (offset ? *offset : milliseconds(0)));
  }

  void trouble() {
    world_.run_for(clock::duration(draw_.between(1'000'000, 10'000'000'000)));
    for (int i = 0; i < 3; ++i)
      if (workers_[i].dead) start_worker(i);
    auto i = static_cast<int>(draw_.between(0, 2));
    switch (draw_.between(0, 11)) {
      case 0:
        start_worker(i);
        break;
      case 1:
        world_.jump_wall_clock(1h);
        break;
      case 2:
        world_.jump_wall_clock(-1h);
        break;
      case 3:
        pause(i);
        break;
      case 4:
        cancel(i);
        break;
      default:
        enqueue(i);
    }
  }

  void enqueue(int i) {
    std::vector<new_task> tasks;
    for (auto n = draw_.between(1, 8); n > 0; --n) {
      new_task t(kinds[static_cast<std::size_t>(draw_.between(0, 1))]);
      t.name = "task " + std::to_string(++made_);
      t.priority = static_cast<priority>(draw_.between(0, 2));
      if (draw_.chance_ppm(200'000)) t.delay = milliseconds(draw_.between(1, 60'000));
      if (draw_.chance_ppm(300'000)) {
        task_limit limit;
        limit.key = "host " + std::to_string(draw_.between(0, 2));
        limit.max_running = 1;
        limit.max_starts = 5;
        limit.period = 10s;
        t.limit = limit;
      }
      if (made_ > 3 && draw_.chance_ppm(150'000))
        t.depends_on_names.push_back("task " + std::to_string(made_ - 1));
      tasks.push_back(std::move(t));
    }
    workers_[i].queue->async_enqueue_all(std::move(tasks),
                                         [](error_code, std::vector<insert_outcome>) {});
  }

  void pause(int i) {
    auto& w = workers_[i];
    auto* process = w.process.get();
    book_.paused_since = world_.now();
    w.queue->async_pause([this, i, process](error_code ec) {
      if (!ec && workers_[i].process.get() == process) workers_[i].paused = true;
    });
    world_.run_for(clock::duration(draw_.between(1'000'000'000, 40'000'000'000)));
    workers_[i].paused = false;
    // By whoever is there: it was for all.
    auto resumed = store_->set_paused(false);
    if (resumed) book_.paused = false;
  }

  void cancel(int i) {
    if (made_ == 0) return;
    auto id = static_cast<task_id>(draw_.between(1, static_cast<std::int64_t>(made_)));
    workers_[i].queue->async_cancel(id, [](error_code, cancel_answer) {});
  }

  void heal() {
    healthy_ = true;
    for (int i = 0; i < 3; ++i) start_worker(i);
  }

  bool settled() const {
    auto due = store_->next_due(kinds, queue_time{});
    return due && due->idle;
  }

  void judge() {
    if (!settled()) {
      auto s = store_->stats({}, now());
      book_.fail("T1: no end after six healthy hours: " + std::to_string(s ? s->live() : 0) +
                 " tasks live");
    }
    for (auto& [id, e] : book_.tasks) {
      auto r = store_->find(id);
      if (!r || !*r) {
        if (e.acknowledged) book_.fail("T1: task " + std::to_string(id) + " is lost");
        continue;
      }
      if (!is_final((*r)->state)) book_.fail("T2: a task has not ended");
      if (e.final && (*r)->state != e.state)
        book_.fail("T2: task " + std::to_string(id) + " ended as " +
                   std::string(to_string(e.state)) + " and is " +
                   std::string(to_string((*r)->state)));
      world_.note("task", {id, static_cast<std::uint64_t>((*r)->state), (*r)->fence});
    }
  }

  lab::world world_;
  std::unique_ptr<lab::fault_plan> plan_;
  rng draw_;
  std::uint32_t ppm_;
  const std::size_t limit_ = 3;
  std::string folder_;
  std::shared_ptr<task_store> store_;
  ledger book_;
  worker workers_[3];
  std::unique_ptr<lab::process> outsider_;
  std::uint64_t starts_ = 0, made_ = 0;
  bool healthy_ = false;
  lab::world::time_point trouble_ends_ = world_.now() + 10min;
};

TEST(queue_simulation_test, the_laws_hold_under_faults) {
  auto options = lab::simulation_options::from_environment(200, "queue_simulation_test.*");
  options.folder = ::testing::TempDir();
  auto outcome = lab::run_simulations(
      options, [](std::uint64_t seed, const std::vector<lab::fault_event>* replay) {
        return scenario(seed, replay).run();
      });
  EXPECT_TRUE(outcome.ok) << outcome.report;
  if (options.faults_file.empty()) {
    EXPECT_GT(outcome.faults, outcome.runs * 5) << "not unkind enough";
  }
}

}  // namespace
}  // namespace tidewire
