// Kills an enqueuer and a worker that share an SQLite file, again and again, at random moments (law
// T1): no task that was acknowledged is lost, every one is done in the end, and one that ran twice
// did so under another fence. TIDEWIRE_KILLS says how often; a kill proves atomicity, a power cut
// it is not.
#include <tidewire/core/rng.hpp>
#include <tidewire/queue/sqlite_task_store.hpp>
#include <tidewire/queue/task_queue.hpp>

#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <thread>

namespace tidewire {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<queue::task_store> open_store(const std::string& path) {
  std::string said;
  auto made = queue::open_sqlite_task_store(path, {}, &said);
  if (made) return std::shared_ptr<queue::task_store>(std::move(*made));
  std::fprintf(stderr, "%s\n", said.c_str());
  std::_Exit(3);
}

void say(int to, const std::string& line) {
  if (::write(to, line.data(), line.size()) < 0) std::_Exit(4);
}

// Says each name once its task is in the store.
[[noreturn]] void enqueue_until_killed(const std::string& path, int to, std::uint64_t round) {
  auto store = open_store(path);
  for (int i = 0;; ++i) {
    queue::store_work work;
    std::string names;
    for (int k = 0; k < 5; ++k) {
      queue::new_task t("count", "{\"i\":" + std::to_string(i) + "}");
      t.name = std::to_string(round) + "." + std::to_string(i) + "." + std::to_string(k);
      t.max_attempts = 1000;
      t.priority = static_cast<queue::priority>(k % 3);
      names += t.name + "\n";
      work.inserts.push_back(std::move(t));
    }
    auto answer = store->apply(std::move(work), {});
    if (answer) say(to, names);
  }
}

queue::task_queue_options short_leases() {
  queue::task_queue_options o;
  o.lease = 500ms;
  o.poll_interval = 10ms;
  o.keep.max_finished = 10'000'000;
  return o;
}

// Says which attempt ran, before it is known to the store that it did.
[[noreturn]] void work_until_killed(const std::string& path, int to) {
  asio::io_context io;
  context ctx(io.get_executor(), rng::from_entropy());
  queue::task_queue q(ctx, open_store(path), short_leases());
  q.on("count", queue::task_handler::quick([to](queue::task_context c) {
         say(to, std::to_string(c.id()) + " " + std::to_string(c.fence()) + "\n");
         return queue::outcome::done();
       }));
  io.run();
  std::_Exit(5);
}

struct child {
  template <class Body>
  explicit child(Body body) {
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    pid = ::fork();
    if (pid == 0) {
      ::close(ends[0]);
      body(ends[1]);
    }
    ::close(ends[1]);
    from = ends[0];
    reader = std::thread([this] {
      char buffer[4096];
      for (ssize_t n; (n = ::read(from, buffer, sizeof buffer)) > 0;)
        said.append(buffer, static_cast<std::size_t>(n));
    });
  }
  // What it said; a line that the kill cut off is left out.
  std::string kill() {
    ::kill(pid, SIGKILL);
    int status = 0;
    ::waitpid(pid, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself: " << status;
    reader.join();
    ::close(from);
    said.resize(said.rfind('\n') + 1);
    return said;
  }
  pid_t pid;
  int from;
  std::string said;
  std::thread reader;
};

// Begins a task, and says so; ends it when `go` is there.
[[noreturn]] void work_slowly(const std::string& path, int to, const std::string& go) {
  asio::io_context io;
  context ctx(io.get_executor(), rng::from_entropy());
  queue::task_queue q(ctx, open_store(path), short_leases());
  q.on("count", [to, go](queue::task_context) {
    say(to, "begun\n");
    while (!std::filesystem::exists(go)) std::this_thread::sleep_for(5ms);
    say(to, "ended\n");
    std::ofstream(go + ".seen") << "seen";
    return queue::outcome::done("\"zombie\"");
  });
  io.run();
  std::_Exit(5);
}

// Laws T3 and T11, with a worker that is stopped and goes on as if nothing had happened.
TEST(queue_kill_test, a_zombie_changes_nothing) {
  auto name = ::testing::TempDir() + "tidewire-queue-zombie-XXXXXX";
  std::string folder = ::mkdtemp(name.data());
  auto path = folder + "/tasks.db", go = folder + "/go";
  auto store = open_store(path);
  queue::store_work work;
  work.inserts.emplace_back("count");
  auto id = store->apply(std::move(work), {})->inserts.at(0).id;
  store.reset();  // no connection goes through a fork
  child zombie([&](int to) { work_slowly(path, to, go); });
  store = open_store(path);
  auto state = [&] { return (*store->find(id))->state; };
  while (state() != queue::task_state::running) std::this_thread::sleep_for(5ms);
  ::kill(zombie.pid, SIGSTOP);
  asio::io_context io;
  context ctx(io.get_executor(), rng(1));
  {
    queue::task_queue heir(ctx, store, short_leases());
    heir.on("count", queue::task_handler::quick(
                         [](queue::task_context) { return queue::outcome::done("\"heir\""); }));
    auto end = heir.events().processing_completed.connect(
        [&](auto&) { heir.async_stop([](error_code) {}); });
    io.run();
  }
  EXPECT_EQ(state(), queue::task_state::done);
  std::ofstream(go) << "go";
  ::kill(zombie.pid, SIGCONT);
  while (!std::filesystem::exists(go + ".seen")) std::this_thread::sleep_for(5ms);
  std::this_thread::sleep_for(1s);  // it settles meanwhile, in vain
  EXPECT_EQ(zombie.kill(), "begun\nended\n");
  auto record = **store->find(id);
  EXPECT_EQ(record.result, "\"heir\"");
  EXPECT_EQ(record.fence, 2u);
  std::filesystem::remove_all(folder);
}

TEST(queue_kill_test, nothing_that_was_acknowledged_is_lost) {
  auto name = ::testing::TempDir() + "tidewire-queue-kill-XXXXXX";
  std::string folder = ::mkdtemp(name.data());
  auto path = folder + "/tasks.db";
  auto* wanted = std::getenv("TIDEWIRE_KILLS");
  auto rounds = wanted ? std::strtoull(wanted, nullptr, 10) / 2 : 15;
  rng random(::getpid());
  std::set<std::string> acknowledged;
  std::map<std::uint64_t, std::set<std::uint64_t>> ran;
  std::size_t runs = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    child worker([&](int to) { work_until_killed(path, to); });
    child enqueuer([&](int to) { enqueue_until_killed(path, to, round); });
    std::this_thread::sleep_for(std::chrono::milliseconds(random.between(20, 150)));
    std::istringstream names(enqueuer.kill()), attempts(worker.kill());
    for (std::string line; std::getline(names, line);) acknowledged.insert(line);
    for (std::uint64_t id = 0, fence = 0; attempts >> id >> fence; ++runs)
      EXPECT_TRUE(ran[id].insert(fence).second) << "one attempt at task " << id << " ran twice";
  }
  asio::io_context io;
  auto store = open_store(path);
  {
    context ctx(io.get_executor(), rng(1));
    queue::task_queue healthy(ctx, store, short_leases());
    healthy.on("count", queue::task_handler::quick([&](queue::task_context c) {
                 EXPECT_TRUE(ran[c.id()].insert(c.fence()).second);
                 return queue::outcome::done();
               }));
    auto end = healthy.events().processing_completed.connect(
        [&](auto&) { healthy.async_stop([](error_code) {}); });
    io.run();
  }
  std::size_t lost = 0, unexplained = 0;
  for (auto& n : acknowledged) {
    auto record = store->find(n);
    bool done = record && *record && (*record)->state == queue::task_state::done;
    lost += !done;
    // A name that the store gave up again would have another task's fence.
    if (done && ran[(*record)->id].size() > (*record)->fence) ++unexplained;
  }
  EXPECT_EQ(lost, 0u) << "of " << acknowledged.size();
  EXPECT_EQ(unexplained, 0u);
  EXPECT_GT(acknowledged.size(), rounds) << "too slow to prove anything";
  EXPECT_GT(runs, 0u);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace tidewire
