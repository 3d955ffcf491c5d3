#include "file/temporary_folder.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/file/filesystem.hpp>

#include <boost/asio/post.hpp>
#include <boost/system/errc.hpp>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <future>
#include <thread>
#include <vector>

namespace tidewire::file {
namespace {

namespace sys_errc = boost::system::errc;

std::vector<std::byte> bytes_of(const std::string& text) {
  auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

class posix_filesystem_test : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder.path() + "/" + name; }

  std::unique_ptr<handle> open(const std::string& name, open_mode mode = open_mode::create) {
    return files->open(path(name), mode).value();
  }

  std::string content(const std::string& name) {
    auto file = open(name, open_mode::read);
    std::string text(file->size().value(), '\0');
    auto got = file->read_at(0, std::as_writable_bytes(std::span(text))).value();
    EXPECT_EQ(got, text.size());
    return text;
  }

  void put(const std::string& name, const std::string& text) {
    open(name)->write_at(0, bytes_of(text)).value();
  }

  testing::temporary_folder folder;
  std::unique_ptr<filesystem> files = make_posix_filesystem(2);
};

TEST_F(posix_filesystem_test, reads_what_was_written_and_stops_at_the_end) {
  auto file = open("a");
  file->write_at(3, bytes_of("tide")).value();
  file->sync().value();
  EXPECT_EQ(file->size().value(), 7u);
  std::vector<std::byte> space(100);
  EXPECT_EQ(file->read_at(0, space).value(), 7u);
  EXPECT_EQ(space[2], std::byte{0});
  EXPECT_EQ(space[3], std::byte{'t'});
  EXPECT_EQ(file->read_at(7, space).value(), 0u);
  EXPECT_EQ(file->read_at(1000, space).value(), 0u);
  file->truncate(4).value();
  EXPECT_EQ(content("a"), std::string("\0\0\0t", 4));
}

TEST_F(posix_filesystem_test, refuses_offsets_that_the_system_can_not_address) {
  auto file = open("a");
  std::vector<std::byte> one(1);
  for (auto offset : {std::uint64_t{INT64_MAX}, std::uint64_t{INT64_MAX} + 1, UINT64_MAX}) {
    EXPECT_EQ(file->write_at(offset, one).error(), sys_errc::file_too_large) << offset;
    EXPECT_EQ(file->read_at(offset, one).error(), sys_errc::file_too_large) << offset;
  }
  EXPECT_EQ(file->truncate(UINT64_MAX).error(), sys_errc::file_too_large);
  EXPECT_EQ(file->size().value(), 0u);
}

TEST_F(posix_filesystem_test, each_mode_wants_what_it_says) {
  EXPECT_EQ(files->open(path("a"), open_mode::read).error(), sys_errc::no_such_file_or_directory);
  EXPECT_EQ(files->open(path("a"), open_mode::read_write).error(),
            sys_errc::no_such_file_or_directory);
  put("a", "kept");
  EXPECT_EQ(files->open(path("a"), open_mode::create_new).error(), sys_errc::file_exists);
  open("a", open_mode::create);
  EXPECT_EQ(content("a"), "kept");
  auto reader = open("a", open_mode::read);
  EXPECT_FALSE(reader->write_at(0, bytes_of("x")));
  open("b", open_mode::create_new);
  EXPECT_TRUE(files->exists(path("b")).value());
}

TEST_F(posix_filesystem_test, new_files_are_for_their_owner_alone) {
  auto before = ::umask(0);
  open("a");
  open("b", open_mode::create_new);
  ::umask(before);
  for (auto* name : {"a", "b"}) {
    struct ::stat now;
    ASSERT_EQ(::stat(path(name).c_str(), &now), 0);
    EXPECT_EQ(now.st_mode & 0777, 0600u);
  }
}

TEST_F(posix_filesystem_test, never_creates_or_writes_through_a_symbolic_link) {
  put("target", "precious");
  ASSERT_EQ(::symlink(path("target").c_str(), path("link").c_str()), 0);
  ASSERT_EQ(::symlink(path("nowhere").c_str(), path("dangling").c_str()), 0);
  for (auto mode : {open_mode::read_write, open_mode::create}) {
    for (auto* name : {"link", "dangling"}) {
      auto opened = files->open(path(name), mode);
      ASSERT_FALSE(opened);
      EXPECT_EQ(opened.error(), sys_errc::too_many_symbolic_link_levels);
    }
  }
  EXPECT_EQ(files->open(path("dangling"), open_mode::create_new).error(), sys_errc::file_exists);
  EXPECT_FALSE(files->exists(path("nowhere")).value());
  EXPECT_TRUE(files->exists(path("dangling")).value());
  EXPECT_EQ(content("target"), "precious");
  EXPECT_EQ(content("link"), "precious");
}

TEST_F(posix_filesystem_test, a_pipe_in_the_way_does_not_stop_the_program) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  auto pipe = open("pipe", open_mode::read);  // would wait for a writer for ever
  EXPECT_FALSE(files->stat(*pipe).value().regular);
}

TEST_F(posix_filesystem_test, refuses_paths_with_nul) {
  auto hidden = path("a") + std::string("\0.txt", 5);
  EXPECT_EQ(files->open(hidden, open_mode::create).error(), tidewire::errc::invalid_argument);
  EXPECT_EQ(files->exists(hidden).error(), tidewire::errc::invalid_argument);
  EXPECT_EQ(files->rename(hidden, path("b"), true).error(), tidewire::errc::invalid_argument);
  EXPECT_EQ(files->remove(hidden).error(), tidewire::errc::invalid_argument);
  EXPECT_EQ(files->list(hidden).error(), tidewire::errc::invalid_argument);
  EXPECT_FALSE(files->exists(path("a")).value());
}

TEST_F(posix_filesystem_test, locks_exclude_handles_of_the_same_process) {
  auto first = open("a");
  auto second = open("a");
  EXPECT_TRUE(files->try_lock(*first).value());
  EXPECT_TRUE(files->try_lock(*first).value());
  EXPECT_FALSE(files->try_lock(*second).value());
  // Closing another handle of the file must not give the lock up (POSIX record locks do).
  open("a").reset();
  EXPECT_FALSE(files->try_lock(*second).value());
  first.reset();
  EXPECT_TRUE(files->try_lock(*second).value());
}

TEST_F(posix_filesystem_test, of_many_threads_exactly_one_gets_the_lock) {
  for (int round = 0; round < 50; ++round) {
    std::vector<std::unique_ptr<handle>> handles;
    for (int i = 0; i < 8; ++i) handles.push_back(open("a"));
    std::atomic<int> holders = 0;
    {
      std::vector<std::jthread> threads;
      for (auto& each : handles)
        threads.emplace_back([&, file = each.get()] { holders += files->try_lock(*file).value(); });
    }
    ASSERT_EQ(holders, 1);
  }
}

TEST_F(posix_filesystem_test, locks_exclude_other_processes_until_they_die) {
  auto mine = open("a");
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  auto child = ::fork();
  ASSERT_NE(child, -1);
  if (child == 0) {
    // Neither call needs a thread: a child of a process with several must not start any.
    auto file = files->open(path("a"), open_mode::read_write);
    char answer = file && files->try_lock(**file).value() ? 'y' : 'n';
    (void)!::write(ready[1], &answer, 1);
    for (;;) ::pause();
  }
  ::close(ready[1]);  // so that read() ends if the child does
  char answer = '?';
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_FALSE(files->try_lock(*mine).value());
  ::kill(child, SIGKILL);
  int how = 0;
  ASSERT_EQ(::waitpid(child, &how, 0), child);
  EXPECT_TRUE(files->try_lock(*mine).value());
  ::close(ready[0]);
}

TEST_F(posix_filesystem_test, knows_whether_a_path_still_names_a_file) {
  auto file = open("a");
  EXPECT_TRUE(files->names(path("a"), *file).value());
  files->rename(path("a"), path("b"), true).value();
  EXPECT_FALSE(files->names(path("a"), *file).value());
  EXPECT_TRUE(files->names(path("b"), *file).value());
  put("a", "another");
  EXPECT_FALSE(files->names(path("a"), *file).value());
  ASSERT_EQ(::symlink(path("b").c_str(), path("link").c_str()), 0);
  EXPECT_FALSE(files->names(path("link"), *file).value());
}

TEST_F(posix_filesystem_test, renames_without_replacing_unless_told) {
  put("new", "new");
  put("old", "old");
  EXPECT_EQ(files->rename(path("new"), path("old"), false).error(), sys_errc::file_exists);
  EXPECT_EQ(content("old"), "old");
  EXPECT_EQ(content("new"), "new");
  files->rename(path("new"), path("free"), false).value();
  EXPECT_FALSE(files->exists(path("new")).value());
  files->rename(path("free"), path("old"), true).value();
  EXPECT_EQ(content("old"), "new");
  files->sync_directory(folder.path()).value();
}

TEST_F(posix_filesystem_test, of_many_renames_to_one_name_exactly_one_succeeds) {
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> done = 0;
    for (int i = 0; i < 6; ++i) put(std::to_string(i), std::to_string(i));
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 6; ++i)
        threads.emplace_back([&, i] {
          done += files->rename(path(std::to_string(i)), path("one"), false).has_value();
        });
    }
    ASSERT_EQ(done, 1);
    files->remove(path("one")).value();
  }
}

TEST_F(posix_filesystem_test, tells_size_time_and_kind) {
  put("a", "12345");
  auto file = open("a", open_mode::read);
  auto about = files->stat(*file).value();
  struct ::stat now;
  ASSERT_EQ(::stat(path("a").c_str(), &now), 0);
  EXPECT_EQ(about.size, 5u);
  EXPECT_EQ(about.inode, now.st_ino);
  EXPECT_TRUE(about.regular);
  EXPECT_EQ(about.modified.time_since_epoch().count(),
            now.st_mtim.tv_sec * 1'000'000'000 + now.st_mtim.tv_nsec);
  auto directory = files->open(folder.path(), open_mode::read).value();
  EXPECT_FALSE(files->stat(*directory).value().regular);
}

TEST_F(posix_filesystem_test, lists_names_in_order) {
  EXPECT_TRUE(files->list(folder.path()).value().empty());
  for (auto* name : {"b", "a", ".hidden", "Z"}) open(name);
  EXPECT_EQ(files->list(folder.path()).value(),
            (std::vector<std::string>{".hidden", "Z", "a", "b"}));
  EXPECT_EQ(files->list(path("missing")).error(), sys_errc::no_such_file_or_directory);
  EXPECT_EQ(files->list(path("a")).error(), sys_errc::not_a_directory);
}

TEST_F(posix_filesystem_test, tells_what_is_there) {
  put("a", "");
  EXPECT_FALSE(files->exists(path("b")).value());
  EXPECT_FALSE(files->exists(path("a/b")).value());
  EXPECT_TRUE(files->is_directory(folder.path()).value());
  EXPECT_FALSE(files->is_directory(path("a")).value());
  EXPECT_FALSE(files->is_directory(path("b")).value());
  EXPECT_EQ(files->remove(path("b")).error(), sys_errc::no_such_file_or_directory);
  EXPECT_EQ(files->sync_directory(path("a")).error(), sys_errc::not_a_directory);
  EXPECT_GT(files->free_space(folder.path()).value(), 0u);
  EXPECT_FALSE(files->free_space(path("b")));
}

TEST_F(posix_filesystem_test, boot_id_is_the_systems_and_the_same_for_everybody) {
  std::string expected;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> expected;
  if (expected.empty()) GTEST_SKIP() << "this system gives no boot id";
  EXPECT_EQ(files->boot_id(), expected);
  EXPECT_EQ(make_posix_filesystem()->boot_id(), expected);
}

TEST_F(posix_filesystem_test, blocking_work_runs_on_threads_of_its_own) {
  // Each waits for the other: this ends only when both threads exist.
  std::promise<std::thread::id> one;
  std::promise<std::thread::id> two;
  auto first = one.get_future().share();
  auto second = two.get_future().share();
  asio::post(files->blocking_executor(), [&] {
    one.set_value(std::this_thread::get_id());
    second.wait();
  });
  asio::post(files->blocking_executor(), [&] {
    two.set_value(std::this_thread::get_id());
    first.wait();
  });
  EXPECT_NE(first.get(), second.get());
  EXPECT_NE(first.get(), std::this_thread::get_id());
  files.reset();
}

TEST(directory_of, gives_the_part_before_the_last_slash) {
  EXPECT_EQ(directory_of("name"), ".");
  EXPECT_EQ(directory_of(""), ".");
  EXPECT_EQ(directory_of("a/b"), "a");
  EXPECT_EQ(directory_of("a//b"), "a");
  EXPECT_EQ(directory_of("/a"), "/");
  EXPECT_EQ(directory_of("//a"), "/");
  EXPECT_EQ(directory_of("/a/b"), "/a");
  EXPECT_EQ(directory_of("../b"), "..");
}

}  // namespace
}  // namespace tidewire::file
