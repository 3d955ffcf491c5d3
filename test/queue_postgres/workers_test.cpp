#include "cluster.hpp"

#include <tidewire/queue_postgres/task_store.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

// As many machines as there are processes: they share nothing but the server.
namespace tidewire::queue {
namespace {

using namespace std::chrono_literals;
namespace pg = store_postgres;
using tidewire::test::postgres_cluster;

constexpr auto lease = 1500ms;
constexpr auto patience = 300s;

class workers_test : public testing::Test {
 protected:
  workers_test() {
    std::string name =
        (std::filesystem::temp_directory_path() / "tidewire-workers-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    address_ = cluster_.url();
    postgres_store_options o;
    o.address = address_;
    store_ = std::move(*open_postgres_task_store(o));
    pg::connection_options c;
    c.address = address_;
    c.schema = o.schema;
    line_.emplace(std::move(*pg::connection::open(c)));
    EXPECT_TRUE(
        line_->execute("CREATE TABLE effect (task bigint NOT NULL, fence bigint NOT NULL)"));
  }
  ~workers_test() override {
    for (auto child : children_) end(child);
    std::filesystem::remove_all(folder_);
  }

  pid_t begin() {
    auto name = "w" + std::to_string(++begun_);
    auto log = folder_ + "/" + name, ms = std::to_string(lease.count());
    auto child = ::fork();
    if (child == 0) {
      int out = ::open(log.c_str(), O_CREAT | O_APPEND | O_WRONLY, 0600);
      ::dup2(out, STDOUT_FILENO);
      ::execl(TIDEWIRE_QUEUE_TEST_WORKER, "worker", address_.c_str(), "tidewire_queue",
              name.c_str(), ms.c_str(), nullptr);
      ::_exit(127);
    }
    children_.insert(child);
    return child;
  }
  static void end(pid_t child) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  void kill_and_replace() {
    auto victim = *children_.begin();
    children_.erase(victim);
    end(victim);
    begin();
  }
  // Longer than its lease: what it holds is taken over, and then it wakes up.
  void stop_for_a_while() {
    auto victim = *children_.rbegin();
    ::kill(victim, SIGSTOP);
    std::this_thread::sleep_for(2 * lease);
    ::kill(victim, SIGCONT);
  }
  std::uint64_t live() {
    auto s = store_->stats({}, {});
    EXPECT_TRUE(s);
    return s ? s->live() : 0;
  }
  std::size_t starts() { return fences_of_starts().size(); }
  // (task, fence) of each start that was begun, with how often it was.
  std::map<std::pair<task_id, std::uint64_t>, int> fences_of_starts() {
    std::map<std::pair<task_id, std::uint64_t>, int> out;
    for (auto& file : std::filesystem::directory_iterator(folder_)) {
      std::ifstream in(file.path());
      for (task_id id = 0, fence = 0; in >> id >> fence;) ++out[{id, fence}];
    }
    return out;
  }

  postgres_cluster cluster_;
  std::string folder_, address_;
  std::shared_ptr<task_store> store_;
  std::optional<pg::connection> line_;
  std::set<pid_t> children_;
  int begun_ = 0;
};

// T2, T3, T4, T11
TEST_F(workers_test, killed_and_stopped_workers_lose_nothing_and_repeat_nothing_without_a_cause) {
  constexpr std::size_t tasks = 3000;
  store_work work;
  for (std::size_t i = 0; i < tasks; ++i) {
    new_task t("work", std::to_string(i));
    t.max_attempts = 1000;  // nothing here is the task's fault
    work.inserts.push_back(std::move(t));
  }
  ASSERT_TRUE(store_->apply(std::move(work), {}));
  for (int i = 0; i < 4; ++i) begin();
  auto until = std::chrono::steady_clock::now() + patience;
  // By how far the work is, not by time: every fault meets a queue that is at work.
  for (std::size_t fault = 1; fault <= 12 && live() > 0; ++fault) {
    while (starts() < fault * tasks / 14 && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(20ms);
    if (fault % 4 == 0)
      stop_for_a_while();
    else
      kill_and_replace();
  }
  while (live() > 0 && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(100ms);

  task_filter all;
  all.limit = 10'000;
  auto records = store_->list(all);
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), tasks);
  auto begun = fences_of_starts();
  std::size_t again = 0;
  for (auto& r : *records) {
    EXPECT_EQ(r.state, task_state::done) << r.id;
    // A second claim has one cause here: a lease that ended.
    if (r.fence > 1) {
      ++again;
      EXPECT_EQ(r.error, "the worker was silent for too long") << r.id;
    }
  }
  for (auto& [start, times] : begun) {
    EXPECT_EQ(times, 1) << "task " << start.first << " began twice with fence " << start.second;
    EXPECT_LE(start.second, records->at(start.first - records->front().id).fence);
  }
  EXPECT_GT(again, 0u) << "no fault has met a running task: the test shows nothing";
  auto effects = line_->query("SELECT count(*), count(DISTINCT task) FROM effect");
  ASSERT_TRUE(effects);
  EXPECT_EQ(effects->unsigned_integer(0, 0), tasks) << "an effect happened twice, or not";
  EXPECT_EQ(effects->unsigned_integer(0, 1), tasks);
  RecordProperty("claimed_again", static_cast<int>(again));
}

}  // namespace
}  // namespace tidewire::queue
