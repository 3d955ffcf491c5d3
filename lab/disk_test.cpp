#include <tidewire/lab/disk.hpp>

#include <boost/system/errc.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace tidewire::lab {
namespace {

namespace errc = boost::system::errc;
using file::open_mode;

std::span<const std::byte> raw(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct fixture {
  explicit fixture(std::uint64_t seed = 1) : w(seed), plan(w), d(w, &plan) {}
  std::unique_ptr<file::handle> open(const std::string& path, open_mode m = open_mode::create) {
    auto h = d.open(path, m);
    EXPECT_TRUE(h) << path;
    return h ? std::move(*h) : nullptr;
  }
  world w;
  fault_plan plan;
  disk d;
};

TEST(disk, reads_what_was_written_and_keeps_names) {
  fixture f;
  f.d.make_directory("dir");
  auto a = f.open("dir/a");
  ASSERT_TRUE(a->write_at(5, raw("hello")));
  std::vector<std::byte> space(20);
  EXPECT_EQ(*a->read_at(0, space), 10u);
  EXPECT_EQ(*a->size(), 10u);
  EXPECT_EQ(text_of(f.d.bytes("./dir//a")), std::string(5, '\0') + "hello");
  EXPECT_EQ(f.d.open("dir/a", open_mode::create_new).error(), errc::file_exists);
  EXPECT_EQ(f.d.open("dir/b", open_mode::read).error(), errc::no_such_file_or_directory);
  EXPECT_EQ(f.d.open("none/b", open_mode::create).error(), errc::no_such_file_or_directory);
  f.open("dir/b");
  EXPECT_EQ(*f.d.list("dir"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(*f.d.list("."), (std::vector<std::string>{"dir"}));
  EXPECT_EQ(f.d.rename("dir/a", "dir/b", false).error(), errc::file_exists);
  ASSERT_TRUE(f.d.rename("dir/a", "dir/b", true));
  EXPECT_FALSE(*f.d.names("dir/a", *a));
  EXPECT_TRUE(*f.d.names("dir/b", *a));
  EXPECT_EQ(f.d.stat(*a)->size, 10u);
  ASSERT_TRUE(f.d.remove("dir/b"));
  EXPECT_FALSE(*f.d.exists("dir/b"));
  ASSERT_TRUE(a->write_at(0, raw("still open")));
}

TEST(disk, locks_end_with_the_handle_or_the_process) {
  fixture f;
  auto a = f.open("x"), b = f.open("x");
  EXPECT_TRUE(*f.d.try_lock(*a));
  EXPECT_TRUE(*f.d.try_lock(*a));
  EXPECT_FALSE(*f.d.try_lock(*b));
  a.reset();
  EXPECT_TRUE(*f.d.try_lock(*b));
  f.d.kill();
  EXPECT_EQ(b->write_at(0, raw("late")).error(), errc::bad_file_descriptor);
  auto c = f.open("x");
  EXPECT_TRUE(*f.d.try_lock(*c));
  b.reset();  // the dead one's destructor must not take the lock away
  auto d = f.open("x");
  EXPECT_FALSE(*f.d.try_lock(*d));
}

TEST(disk, a_kill_keeps_everything_and_a_power_cut_what_was_synced) {
  fixture f;
  auto a = f.open("a");
  ASSERT_TRUE(a->write_at(0, raw("durable")));
  ASSERT_TRUE(a->sync());
  ASSERT_TRUE(f.d.sync_directory("."));
  ASSERT_TRUE(a->write_at(0, raw("DURABLE, not")));
  f.open("b");
  auto boot = f.d.boot_id();
  f.d.kill();
  EXPECT_EQ(f.d.boot_id(), boot);
  EXPECT_EQ(text_of(f.d.bytes("a")), "DURABLE, not");
  EXPECT_EQ(text_of(f.d.durable_bytes("a")), "durable");
  EXPECT_FALSE(f.d.durably_exists("b"));
  f.d.power_cut_losing_all();
  EXPECT_NE(f.d.boot_id(), boot);
  EXPECT_EQ(text_of(f.d.bytes("a")), "durable");
  EXPECT_EQ(f.d.paths(), (std::vector<std::string>{"a"}));
}

TEST(disk, a_synced_file_without_a_synced_name_is_lost) {
  fixture f;
  auto a = f.open("a");
  ASSERT_TRUE(a->write_at(0, raw("x")));
  ASSERT_TRUE(a->sync());
  f.d.power_cut_losing_all();
  EXPECT_TRUE(f.d.paths().empty());
}

// What a power cut leaves of 8 sectors, of which the first two were synced.
std::string after_power_cut(std::uint64_t seed) {
  fixture f(seed);
  auto a = f.open("a");
  EXPECT_TRUE(a->write_at(0, raw(std::string(1024, 'S'))));
  EXPECT_TRUE(a->sync());
  EXPECT_TRUE(f.d.sync_directory("."));
  EXPECT_TRUE(a->write_at(1024, raw(std::string(1024, 'B'))));
  EXPECT_TRUE(a->write_at(2048, raw(std::string(2048, 'C'))));
  auto random = f.w.random("power");
  f.d.power_cut(random);
  return text_of(f.d.bytes("a"));
}

TEST(disk, power_cuts_lose_tear_and_reorder_but_never_touch_what_was_synced) {
  std::set<std::string> states;
  bool all_lost = false, all_kept = false, torn = false, reordered = false;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    auto text = after_power_cut(seed);
    ASSERT_GE(text.size(), 1024u);
    EXPECT_EQ(text.substr(0, 1024), std::string(1024, 'S'));
    states.insert(text);
    auto b = std::count(text.begin(), text.end(), 'B'),
         c = std::count(text.begin(), text.end(), 'C');
    EXPECT_EQ(b % 512, 0);
    all_lost |= b + c == 0;
    all_kept |= b == 1024 && c == 2048;
    torn |= (c > 0 && c < 2048) || b == 512;
    reordered |= b == 0 && c > 0;
    EXPECT_EQ(text, after_power_cut(seed));
  }
  EXPECT_TRUE(all_lost && all_kept && torn && reordered);
  EXPECT_GT(states.size(), 10u);
}

TEST(disk, a_random_prefix_of_name_changes_survives) {
  std::set<std::vector<std::string>> states;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    fixture f(seed);
    f.open("a");
    EXPECT_TRUE(f.d.sync_directory("."));
    f.open("b");
    EXPECT_TRUE(f.d.rename("b", "c", true));
    EXPECT_TRUE(f.d.remove("a"));
    auto random = f.w.random("power");
    f.d.power_cut(random);
    states.insert(f.d.paths());
  }
  std::set<std::vector<std::string>> possible{{"a"}, {"a", "b"}, {"a", "c"}, {"c"}};
  EXPECT_EQ(states, possible);
}

TEST(disk, runs_out_of_space_at_its_quota) {
  fixture f;
  f.d.set_quota(100);
  auto a = f.open("a");
  ASSERT_TRUE(a->write_at(0, raw(std::string(60, 'x'))));
  EXPECT_EQ(*f.d.free_space("."), 40u);
  EXPECT_EQ(a->write_at(60, raw(std::string(60, 'y'))).error(), errc::no_space_on_device);
  EXPECT_EQ(*a->size(), 100u);  // the part that fitted
  EXPECT_TRUE(a->write_at(0, raw("overwriting needs none")));
}

TEST(disk, fails_at_the_nth_call) {
  fixture f;
  auto eio = errc::make_error_code(errc::io_error);
  auto a = f.open("a");
  f.d.fail_nth(disk_call::write, 1, eio);
  f.d.fail_nth(disk_call::sync, 0, eio);
  f.d.fail_nth(disk_call::read, 0, eio);
  EXPECT_TRUE(a->write_at(0, raw("a")));
  EXPECT_EQ(a->write_at(1, raw("b")).error(), errc::io_error);
  EXPECT_TRUE(a->write_at(2, raw("c")));
  EXPECT_EQ(a->sync().error(), errc::io_error);
  std::vector<std::byte> space(3);
  EXPECT_FALSE(a->read_at(0, space));
  EXPECT_TRUE(a->read_at(0, space));
  EXPECT_TRUE(a->sync());
}

TEST(disk, fsyncgate_a_later_success_proves_nothing) {
  fixture f;
  auto a = f.open("a");
  ASSERT_TRUE(f.d.sync_directory("."));
  ASSERT_TRUE(a->write_at(0, raw("lost")));
  disk_faults faults;
  faults.sync_lost_ppm = 1'000'000;
  f.d.set_faults(faults);
  EXPECT_FALSE(a->sync());
  f.d.set_faults({});
  EXPECT_TRUE(a->sync());
  EXPECT_EQ(text_of(f.d.bytes("a")), "lost");
  EXPECT_EQ(text_of(f.d.durable_bytes("a")), "");
}

TEST(disk, random_faults_all_happen_and_are_recorded) {
  fixture f;
  disk_faults faults{100'000, 100'000, 100'000, 100'000, 100'000};
  f.d.set_faults(faults);
  auto a = f.open("a");
  std::vector<std::byte> space(10);
  int errors = 0;
  for (int i = 0; i < 300; ++i) {
    errors += !a->write_at(0, raw("0123456789"));
    errors += !a->read_at(0, space);
    errors += !a->sync();
  }
  EXPECT_GT(errors, 60);
  for (auto name : {"no_space", "write_error", "read_error", "sync_error", "sync_lost"})
    EXPECT_GT(f.plan.counts().at(std::string("disk.") + name), 0u) << name;
}

TEST(disk, crash_points_rebuild_every_prefix) {
  fixture f;
  f.d.record_operations();
  auto a = f.open("a");
  ASSERT_TRUE(a->write_at(0, raw("1")));
  ASSERT_TRUE(a->sync());
  ASSERT_TRUE(a->write_at(1, raw("2")));
  ASSERT_TRUE(f.d.sync_directory("."));
  ASSERT_TRUE(f.d.rename("a", "b", true));
  std::vector<std::string> seen, durable;
  f.d.at_each_crash_point([&](std::uint64_t n, disk& state) {
    EXPECT_EQ(n, seen.size());
    auto name = *state.exists("b") ? "b" : "a";
    seen.push_back(name + text_of(state.bytes(name)));
    state.power_cut_losing_all();
    durable.push_back(state.paths().empty() ? "-" : text_of(state.bytes(state.paths()[0])));
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "a", "a1", "a1", "a12", "a12", "b12"}));
  EXPECT_EQ(durable, (std::vector<std::string>{"-", "-", "-", "-", "-", "1", "1"}));
}

TEST(disk, a_hook_can_crash_the_machine_within_an_operation) {
  fixture f;
  auto a = f.open("a");
  f.d.on_operation([&](std::uint64_t n) {
    if (n == 2) f.d.kill();
  });
  EXPECT_TRUE(a->write_at(0, raw("one")));
  EXPECT_EQ(a->write_at(3, raw("two")).error(), errc::bad_file_descriptor);
  EXPECT_EQ(text_of(f.d.bytes("a")), "one");
  EXPECT_EQ(f.d.operations(), 3u);
}

}  // namespace
}  // namespace tidewire::lab
