// Law R5's memory: what is stored is there after any crash, the old one or the new one.
#include "realtime/cursor_file.hpp"

#include <tidewire/lab/disk.hpp>
#include <tidewire/lab/world.hpp>
#include <tidewire/realtime/error.hpp>

#include <gtest/gtest.h>

#include <span>

namespace tidewire::realtime {
namespace {

const std::string path = "/home/cursors";

cursor_map sample(std::uint64_t offset) {
  cursor_map all;
  all["room"] = {"e1", offset, ""};
  all["a \"b\"\n\xc3\xbc"] = {"", 0, "id\\1"};
  return all;
}

struct CursorStore : ::testing::Test {
  CursorStore() : world(1), disk(world) { disk.make_directory("/home"); }

  error_code save(cursor_store& store, const cursor_map& all) {
    error_code out = make_error_code(errc::unavailable);
    store.async_save(all, [&](error_code ec) { out = ec; });
    world.run_until_idle();
    return out;
  }
  std::pair<error_code, cursor_map> load(cursor_store& store) {
    std::pair<error_code, cursor_map> out(make_error_code(errc::unavailable), cursor_map());
    store.async_load([&](error_code ec, cursor_map all) { out = {ec, std::move(all)}; });
    world.run_until_idle();
    return out;
  }
  void put(const std::string& text) {
    auto handle = disk.open(path, file::open_mode::create);
    ASSERT_TRUE(handle);
    ASSERT_TRUE((*handle)->truncate(0));
    ASSERT_TRUE((*handle)->write_at(0, std::as_bytes(std::span(text))));
    ASSERT_TRUE((*handle)->sync());
    ASSERT_TRUE(disk.sync_directory("/home"));
  }
  std::string bytes() {
    auto all = disk.bytes(path);
    return {reinterpret_cast<const char*>(all.data()), all.size()};
  }

  lab::world world;
  lab::disk disk;
};

TEST_F(CursorStore, a_file_gives_back_what_was_saved) {
  auto store = make_file_cursor_store(world.get_executor(), disk, path);
  EXPECT_TRUE(load(*store).second.empty()) << "nothing was saved yet, and that is no error";
  EXPECT_FALSE(load(*store).first);
  EXPECT_FALSE(save(*store, sample(41)));
  auto again = make_file_cursor_store(world.get_executor(), disk, path);
  EXPECT_EQ(load(*again).second, sample(41));
  EXPECT_FALSE(save(*again, sample(42)));
  EXPECT_EQ(load(*store).second, sample(42));
}

TEST_F(CursorStore, memory_gives_back_what_was_saved) {
  auto store = make_memory_cursor_store(world.get_executor());
  EXPECT_TRUE(load(*store).second.empty());
  EXPECT_FALSE(save(*store, sample(7)));
  EXPECT_EQ(load(*store).second, sample(7));
}

TEST_F(CursorStore, after_a_power_cut_anywhere_the_old_or_the_new_one_is_there) {
  auto store = make_file_cursor_store(world.get_executor(), disk, path);
  disk.record_operations();
  ASSERT_FALSE(save(*store, sample(1)));
  ASSERT_FALSE(save(*store, sample(2)));
  ASSERT_FALSE(save(*store, sample(3)));
  int points = 0;
  std::uint64_t last = 0;
  disk.at_each_crash_point([&](std::uint64_t, lab::disk& state) {
    ++points;
    for (bool kind : {false, true}) {
      if (kind)
        state.power_cut_losing_all();
      else
        state.kill();
      auto found = read_cursor_file(state, path);
      ASSERT_TRUE(found) << points;
      auto offset = found->empty() ? 0 : found->at("room").offset;
      EXPECT_GE(offset, last);
      if (kind) last = offset;
    }
  });
  EXPECT_GT(points, 8);
  EXPECT_EQ(last, 3U);
}

TEST_F(CursorStore, what_is_not_ours_is_neither_read_nor_replaced) {
  auto store = make_file_cursor_store(world.get_executor(), disk, path);
  for (const std::string text :
       {"precious", "{}", "[]", "{\"format\":\"tidewire-cursors\",\"version\":2,\"channels\":{}}",
        "{\"format\":\"tidewire-cursors\",\"version\":1}",
        "{\"format\":\"tidewire-cursors\",\"version\":1,\"channels\":{\"a\":{\"offset\":-1}}}",
        "{\"format\":\"tidewire-cursors\",\"version\":1,\"channels\":{\"a\":1}}"}) {
    put(text);
    EXPECT_EQ(load(*store).first, errc::bad_answer) << text;
    EXPECT_EQ(save(*store, sample(1)), errc::bad_answer) << text;
    EXPECT_EQ(bytes(), text);
  }
  put(std::string(max_cursor_file_bytes + 1, ' '));
  EXPECT_EQ(load(*store).first, errc::bad_answer);
}

TEST_F(CursorStore, a_full_disk_keeps_the_old_one) {
  auto store = make_file_cursor_store(world.get_executor(), disk, path);
  ASSERT_FALSE(save(*store, sample(1)));
  disk.set_quota(bytes().size() + 10);
  EXPECT_TRUE(save(*store, sample(2)));
  EXPECT_EQ(load(*store).second, sample(1));
  disk.set_quota(1'000'000);
  EXPECT_FALSE(save(*store, sample(3))) << "what was left unfinished is no obstacle";
  EXPECT_EQ(load(*store).second, sample(3));
}

}  // namespace
}  // namespace tidewire::realtime
