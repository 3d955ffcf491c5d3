// Crashes of a partial file, at every operation, on the lab's disk: laws D1, D4 and D5.
#include "file/memory_handle.hpp"
#include "transfer/partial_file.hpp"

#include <tidewire/lab/disk.hpp>
#include <tidewire/transfer/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/system/errc.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace tidewire::transfer {
namespace {

namespace sys = boost::system::errc;

const std::string target = "f", part = "f.part", journal = "f.part.journal";

// Every generation has bytes of its own, and none of them is what a hole reads as.
std::byte content(unsigned generation, std::uint64_t at) {
  return static_cast<std::byte>(1 + (at * 31 + at / 251 + generation * 85) % 255);
}

std::vector<std::byte> content(unsigned generation, byte_range r) {
  std::vector<std::byte> bytes;
  for (auto i = r.begin; i < r.end; ++i) bytes.push_back(content(generation, i));
  return bytes;
}

download_origin origin_of(unsigned generation, std::uint64_t size) {
  download_origin o{"http://example.test:80/f", "http://example.test:80/f", {}};
  o.identity.size = size;
  o.identity.etag = http::entity_tag{"\"" + std::to_string(generation) + "\""};
  return o;
}

unsigned generation_of(const download_origin& o) {
  return static_cast<unsigned>(o.identity.etag->opaque.at(1) - '0');
}

// The bytes of `claimed` are there and are those of the journal's generation.
::testing::AssertionResult has(const std::vector<std::byte>& bytes, const journal_state& state,
                               const range_set& claimed) {
  if (claimed.empty()) return ::testing::AssertionSuccess();
  if (!state.origin()) return ::testing::AssertionFailure() << "claims without an origin";
  auto generation = generation_of(*state.origin());
  for (auto& r : claimed.ranges()) {
    for (auto i = r.begin; i < r.end; ++i) {
      if (i >= bytes.size() || bytes[i] != content(generation, i))
        return ::testing::AssertionFailure()
               << "byte " << i << " of generation " << generation << " is claimed and not there";
    }
  }
  return ::testing::AssertionSuccess();
}

journal_state read(const std::vector<std::byte>& bytes) {
  file::testing::memory_handle handle;
  handle.bytes = bytes;
  auto found = read_download_journal(handle);
  EXPECT_TRUE(found) << "a journal that can't be read";
  return found ? std::move(found->state) : journal_state();
}

// One process's use of one target.
class user {
 public:
  user(lab::world& w, lab::disk& d, durability level, bool overwrite = false) : world_(w) {
    auto opened = partial_file::open(d, target, level, overwrite, problem);
    if (opened) {
      file = std::move(*opened);
    } else {
      error = opened.error();
    }
  }

  // Each does nothing after an error, as a download would.
  void begin(unsigned generation, std::uint64_t size) {
    generation_ = generation;
    if (ok()) note(file->begin(origin_of(generation, size)));
  }
  void write(std::uint64_t first, std::uint64_t last) {
    if (ok()) note(file->write(first, content(generation_, {first, last})));
  }
  void commit() {
    if (ok()) wait([this] { return file->commit(); });
  }
  void finish(std::uint64_t size) {
    if (ok()) wait([this, size] { return file->finish(size); });
  }
  void close() {
    if (file) file->close();
  }
  bool ok() const { return !error; }

  std::unique_ptr<partial_file> file;
  error_code error;
  std::string problem;

 private:
  void note(const result<void>& r) {
    if (!r) error = r.error();
  }
  void wait(std::function<asio::awaitable<error_code>()> call) {
    bool ended = false;
    asio::co_spawn(world_.get_executor(), std::move(call),
                   [this, &ended](const std::exception_ptr& failure, error_code ec) {
                     EXPECT_FALSE(failure);
                     error = ec;
                     ended = true;
                   });
    world_.run_until_idle();
    EXPECT_TRUE(ended);
  }

  lab::world& world_;
  unsigned generation_ = 0;
};

constexpr std::uint64_t size_1 = 6000, size_2 = 4500;

// A generation half fetched, another one begun and finished: all that a download does to its files.
error_code whole_story(lab::world& w, lab::disk& d, durability first, durability second,
                       bool finish = true) {
  error_code error;
  {
    user a(w, d, first);
    a.begin(1, size_1);
    a.write(0, 1500);
    a.write(3000, 3700);
    a.commit();
    a.write(1500, 2200);
    a.commit();
    a.write(3700, 5000);
    a.close();
    error = a.error;
  }
  if (error) return error;
  user b(w, d, second);
  b.write(2200, 2200);
  b.begin(2, size_2);
  b.write(0, 1000);
  b.write(2000, 3000);
  b.commit();
  b.write(1000, 2000);
  b.commit();
  b.write(3000, size_2);
  // The last bytes are first synced by the end itself.
  if (finish) b.finish(size_2);
  b.close();
  return b.error;
}

// Ends what an earlier run began, with what that run claimed; then the power goes.
void expect_it_ends_well(lab::disk& d, user& u) {
  auto found = u.file->origin();
  auto generation = found ? generation_of(*found) : 1;
  auto size = found ? *found->identity.size : size_1;
  auto held = u.file->held();
  if (!found) u.begin(generation, size);
  for (auto& gap : held.gaps(size)) {
    auto bytes = content(generation, gap);
    ASSERT_TRUE(u.file->write(gap.begin, bytes));
  }
  u.finish(size);
  ASSERT_TRUE(u.ok()) << u.error.message();
  d.power_cut_losing_all();
  EXPECT_EQ(d.bytes(target), content(generation, {0, size}));
  auto left = d.paths();
  // The removal of the journal is not synced: the next run would do it again.
  left.erase(std::remove(left.begin(), left.end(), journal), left.end());
  EXPECT_EQ(left, std::vector<std::string>{target}) << "litter";
}

// What a run after the crash believes is true; and it can end what was begun.
void expect_recovery(lab::world& w, lab::disk& d) {
  if (*d.exists(target)) {
    // D5: the final name appeared, so everything is there.
    EXPECT_EQ(d.bytes(target), content(2, {0, size_2}));
    return;
  }
  auto before = d.bytes(part);
  user u(w, d, durability::power);
  ASSERT_TRUE(u.ok()) << u.error.message() << u.problem;
  auto held = u.file->held();
  if (!held.empty()) {
    journal_state state = read(d.bytes(journal));
    ASSERT_TRUE(u.file->origin());
    ASSERT_TRUE(has(before, state, held));
    EXPECT_EQ(state.origin()->identity, u.file->origin()->identity);
  }
  expect_it_ends_well(d, u);
}

struct recorded {
  explicit recorded(durability first, durability second, bool finish = true) : d(w) {
    d.record_operations();
    EXPECT_FALSE(whole_story(w, d, first, second, finish));
  }
  lab::world w;
  lab::disk d;
};

TEST(partial_file_crash, durable_claims_are_durable_bytes_at_every_operation) {
  recorded story(durability::power, durability::power);
  std::uint64_t points = 0, with_claims = 0;
  story.d.at_each_crash_point([&](std::uint64_t n, lab::disk& state) {
    SCOPED_TRACE(n);
    ++points;
    auto platter = state.durable_bytes(part);
    if (state.durably_exists(target) && platter.empty()) platter = state.durable_bytes(target);
    // The journal as the page cache has it, and as it would come back.
    for (auto& bytes : {state.bytes(journal), state.durable_bytes(journal)}) {
      auto claims = read(bytes);
      EXPECT_TRUE(has(platter, claims, claims.durable()));
      if (!claims.durable().empty()) ++with_claims;
    }
    // D5: no moment at which the final name stands for less than everything, on the platter too.
    if (*state.exists(target)) {
      EXPECT_EQ(state.bytes(target), content(2, {0, size_2}));
    }
    if (state.durably_exists(target)) {
      EXPECT_EQ(state.durable_bytes(target), content(2, {0, size_2}));
    }
  });
  EXPECT_GT(points, 30U);
  EXPECT_GT(with_claims, 10U);
}

TEST(partial_file_crash, recovers_from_a_kill_at_every_operation) {
  for (auto level : {durability::power, durability::process}) {
    recorded story(level, level);
    story.d.at_each_crash_point([&](std::uint64_t n, lab::disk& state) {
      SCOPED_TRACE(n);
      state.kill();
      expect_recovery(story.w, state);
    });
  }
}

TEST(partial_file_crash, recovers_from_a_power_cut_at_every_operation) {
  recorded story(durability::power, durability::power);
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    rng random(seed);
    story.d.at_each_crash_point([&](std::uint64_t n, lab::disk& state) {
      if (::testing::Test::HasFailure()) return;
      SCOPED_TRACE(n);
      if (seed == 0) {
        state.power_cut_losing_all();
      } else {
        state.power_cut(random);
      }
      expect_recovery(story.w, state);
    });
  }
}

// A run that never syncs must not let the claims of one that did come back over its bytes.
TEST(partial_file_crash, claims_taken_back_without_syncing_stay_taken_back) {
  recorded story(durability::power, durability::process, false);
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    rng random(seed);
    story.d.at_each_crash_point([&](std::uint64_t n, lab::disk& state) {
      if (::testing::Test::HasFailure()) return;
      SCOPED_TRACE(n);
      state.power_cut(random);
      auto bytes = state.bytes(part);
      user u(story.w, state, durability::process);
      // Without any sync the journal's name may be lost and the part's not: refused, never wrong.
      if (!u.ok()) {
        EXPECT_EQ(u.error, make_error_code(errc::partial_unusable));
        return;
      }
      auto claims = read(state.bytes(journal));
      EXPECT_TRUE(has(bytes, claims, u.file->held()));
    });
  }
}

// An error of the disk ends the run with an error; what the next one believes is true.
void expect_true_claims_after_failure(lab::world& w, lab::disk& d) {
  d.kill();
  if (*d.exists(target)) {
    EXPECT_EQ(d.bytes(target), content(2, {0, size_2}));
  }
  auto bytes = d.bytes(part);
  user u(w, d, durability::power, true);
  ASSERT_TRUE(u.ok()) << u.error.message() << ": " << u.problem;
  if (!u.file->held().empty()) {
    ASSERT_TRUE(has(bytes, read(d.bytes(journal)), u.file->held()));
  }
  expect_it_ends_well(d, u);
}

void fail_each(lab::disk_call call, error_code as, unsigned at_least) {
  unsigned failures = 0;
  for (std::uint64_t nth = 0; nth < 200; ++nth) {
    SCOPED_TRACE(nth);
    lab::world w;
    lab::disk d(w);
    d.fail_nth(call, nth, as);
    auto error = whole_story(w, d, durability::power, durability::power);
    if (!error) break;
    ++failures;
    ASSERT_NO_FATAL_FAILURE(expect_true_claims_after_failure(w, d));
  }
  EXPECT_GE(failures, at_least);
  EXPECT_LT(failures, 200U);
}

TEST(partial_file_crash, every_failing_write_is_an_error_and_no_wrong_claim) {
  fail_each(lab::disk_call::write, sys::make_error_code(sys::no_space_on_device), 10);
  fail_each(lab::disk_call::write, sys::make_error_code(sys::io_error), 10);
}

TEST(partial_file_crash, every_failing_sync_is_an_error_and_no_wrong_claim) {
  fail_each(lab::disk_call::sync, sys::make_error_code(sys::io_error), 5);
}

TEST(partial_file_crash, every_failing_read_is_an_error_or_harmless) {
  fail_each(lab::disk_call::read, sys::make_error_code(sys::io_error), 1);
}

lab::fault_event lost_sync(std::uint64_t nth) {
  lab::fault_event e;
  e.site = "disk.sync_lost";
  e.index = nth;
  return e;
}

// fsyncgate: the sync that fails drops the dirty pages, the next one succeeds without them.
TEST(partial_file_crash, bytes_that_a_failed_sync_dropped_are_not_claimed) {
  unsigned failures = 0;
  for (std::uint64_t nth = 0; nth < 200; ++nth) {
    SCOPED_TRACE(nth);
    lab::world w;
    lab::fault_plan plan(w, {lost_sync(nth)});
    lab::disk d(w, &plan);
    auto error = whole_story(w, d, durability::power, durability::power);
    if (!error) break;
    ++failures;
    ASSERT_NO_FATAL_FAILURE(expect_true_claims_after_failure(w, d));
  }
  EXPECT_GE(failures, 5U);
}

// The sync fails and then the journal can't be replaced either: the claims must still not stand.
TEST(partial_file_crash, a_failed_sync_on_a_full_disk_leaves_no_claims) {
  lab::world w;
  // The syncs of the first journal, the first data, its claims, and then the second data.
  lab::fault_plan plan(w, {lost_sync(3)});
  lab::disk d(w, &plan);
  user u(w, d, durability::power);
  u.begin(1, size_1);
  u.write(2000, 3000);
  u.commit();
  u.write(0, 2000);
  ASSERT_TRUE(u.ok());
  u.file->close();
  d.set_quota(3000);
  u.commit();
  EXPECT_FALSE(u.ok());
  d.set_quota(~std::uint64_t{0});
  expect_true_claims_after_failure(w, d);
}

// D3: what was claimed as written is not fetched again after the process died.
TEST(partial_file_crash, a_killed_process_loses_no_more_than_the_unclaimed_bytes) {
  lab::world w;
  lab::disk d(w);
  constexpr std::uint64_t size = 4 * partial_file::claim_bytes;
  {
    user u(w, d, durability::process);
    u.begin(1, size);
    for (std::uint64_t at = 0; at + 10'000 <= size; at += 10'000) u.write(at, at + 10'000);
    d.kill();
  }
  user u(w, d, durability::process);
  auto written = size - size % 10'000;
  EXPECT_GE(u.file->held().bytes() + partial_file::claim_bytes, written);
  EXPECT_TRUE(has(d.bytes(part), read(d.bytes(journal)), u.file->held()));
}

TEST(partial_file_crash, a_commit_survives_the_power_cut_that_follows_it) {
  lab::world w;
  lab::disk d(w);
  {
    user u(w, d, durability::power);
    u.begin(1, size_1);
    u.write(0, 2000);
    u.commit();
    u.write(2000, 3000);
    ASSERT_TRUE(u.ok());
  }
  d.power_cut_losing_all();
  user u(w, d, durability::power);
  EXPECT_EQ(u.file->held().ranges(), (std::vector<byte_range>{{0, 2000}}));
}

}  // namespace
}  // namespace tidewire::transfer
