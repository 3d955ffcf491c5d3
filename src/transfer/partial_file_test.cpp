// A partial file on the machine's own disk.
#include "transfer/partial_file.hpp"

#include "file/temporary_folder.hpp"

#include <tidewire/core/rng.hpp>
#include <tidewire/transfer/error.hpp>
#include <tidewire/transfer/partial_download.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/errc.hpp>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace tidewire::transfer {
namespace {

namespace fs = std::filesystem;
namespace sys = boost::system::errc;

std::span<const std::byte> raw(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

download_origin some_origin(std::uint64_t size = 10, const std::string& tag = "\"a\"") {
  download_origin o{"http://example.test:80/f", "http://example.test:80/f", {}};
  o.identity.size = size;
  o.identity.etag = http::entity_tag{tag};
  return o;
}

class partial_file_on_disk : public ::testing::Test {
 protected:
  using opened = result<std::unique_ptr<partial_file>>;

  opened open(bool overwrite = false, durability level = durability::process) {
    problem.clear();
    return partial_file::open(*disk, target, level, overwrite, problem);
  }

  template <class T>
  T wait(asio::awaitable<T> work) {
    asio::io_context context;
    std::optional<T> answer;
    asio::co_spawn(context, std::move(work), [&](const std::exception_ptr& failure, T value) {
      EXPECT_FALSE(failure);
      answer.emplace(std::move(value));
    });
    context.run();
    return std::move(answer.value());
  }

  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void write(const std::string& path, std::string_view text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()));
  }
  // A run that held "01234" of ten bytes and ended.
  void leave_half() {
    auto p = open();
    ASSERT_TRUE(p);
    ASSERT_TRUE((*p)->begin(some_origin()));
    ASSERT_TRUE((*p)->write(0, raw("01234")));
    (*p)->close();
  }
  void expect_untouched_and(errc expected) {
    auto before_part = read(target + ".part"), before_journal = read(target + ".part.journal");
    auto count = files();
    auto p = open();
    ASSERT_FALSE(p);
    EXPECT_EQ(p.error(), make_error_code(expected));
    EXPECT_NE(problem, "") << "says what to do";
    EXPECT_EQ(read(target + ".part"), before_part);
    EXPECT_EQ(read(target + ".part.journal"), before_journal);
    EXPECT_EQ(files(), count) << "no litter";
  }

  file::testing::temporary_folder folder;
  std::string target = folder.path() + "/f";
  std::unique_ptr<file::filesystem> disk = file::make_posix_filesystem();
  std::string problem;
};

TEST_F(partial_file_on_disk, a_fresh_one_is_written_digested_and_named) {
  for (auto level : {durability::process, durability::power}) {
    auto p = open(false, level);
    ASSERT_TRUE(p) << problem;
    EXPECT_FALSE((*p)->origin());
    EXPECT_TRUE((*p)->held().empty());
    ASSERT_TRUE((*p)->begin(some_origin()));
    ASSERT_TRUE((*p)->write(5, raw("56789")));
    EXPECT_FALSE(wait((*p)->commit()));
    ASSERT_TRUE((*p)->write(0, raw("01234")));
    EXPECT_FALSE(fs::exists(target)) << "the final name appears last";
    auto digest = wait((*p)->digest(10));
    ASSERT_TRUE(digest);
    http::sha256_hasher hasher;
    hasher.update(raw("0123456789"));
    EXPECT_EQ(*digest, hasher.finish());
    EXPECT_EQ((*p)->path(), target + ".part");
    EXPECT_FALSE(wait((*p)->finish(10)));
    EXPECT_EQ((*p)->path(), target);
    (*p)->close();
    EXPECT_EQ(read(target), "0123456789");
    EXPECT_EQ(files(), 1U);
    fs::remove(target);
  }
}

TEST_F(partial_file_on_disk, state_files_are_private) {
  leave_half();
  for (auto suffix : {".part", ".part.journal"}) {
    auto perms = fs::status(target + suffix).permissions();
    EXPECT_EQ(perms & (fs::perms::group_all | fs::perms::others_all), fs::perms::none) << suffix;
  }
}

TEST_F(partial_file_on_disk, the_next_run_goes_on_where_one_ended) {
  leave_half();
  auto p = open();
  ASSERT_TRUE(p) << problem;
  ASSERT_TRUE((*p)->origin());
  EXPECT_EQ((*p)->origin()->identity, some_origin().identity);
  EXPECT_EQ((*p)->held().ranges(), (std::vector<byte_range>{{0, 5}}));
  ASSERT_TRUE((*p)->write(5, raw("56789")));
  EXPECT_FALSE(wait((*p)->finish(10)));
  EXPECT_EQ(read(target), "0123456789");
}

TEST_F(partial_file_on_disk, a_new_generation_keeps_nothing_of_the_old) {
  leave_half();
  {
    auto p = open();
    ASSERT_TRUE(p);
    ASSERT_TRUE((*p)->begin(some_origin(3, "\"b\"")));
    EXPECT_TRUE((*p)->held().empty());
    EXPECT_EQ(read(target + ".part"), "");
    ASSERT_TRUE((*p)->write(1, raw("B")));
    (*p)->close();
  }
  auto p = open();
  ASSERT_TRUE(p);
  EXPECT_EQ((*p)->held().ranges(), (std::vector<byte_range>{{1, 2}}));
  EXPECT_EQ((*p)->origin()->identity.etag->opaque, "\"b\"");
}

TEST_F(partial_file_on_disk, the_digest_ends_at_the_end_of_the_resource) {
  leave_half();
  auto p = open();
  ASSERT_TRUE(p);
  auto digest = wait((*p)->digest(3));
  ASSERT_TRUE(digest);
  http::sha256_hasher hasher;
  hasher.update(raw("012"));
  EXPECT_EQ(*digest, hasher.finish());
  EXPECT_FALSE(wait((*p)->digest(6))) << "bytes that are not there have no digest";
}

TEST_F(partial_file_on_disk, a_foreign_journal_is_left_alone) {
  write(target + ".part", "precious");
  write(target + ".part.journal", "somebody's notes, longer than a header");
  expect_untouched_and(errc::partial_unusable);
}

TEST_F(partial_file_on_disk, a_foreign_journal_alone_is_left_alone) {
  write(target + ".part.journal", "somebody's notes, longer than a header");
  expect_untouched_and(errc::partial_unusable);
}

TEST_F(partial_file_on_disk, a_later_versions_journal_is_left_alone) {
  write(target + ".part", "precious");
  {
    auto h = disk->open(target + ".part.journal", file::open_mode::create_new);
    ASSERT_TRUE(h);
    file::journal_format later = download_journal_format;
    ++later.version;
    ASSERT_TRUE(file::journal_writer::open(**h, later, 0));
  }
  expect_untouched_and(errc::partial_unusable);
}

TEST_F(partial_file_on_disk, a_part_without_a_journal_is_left_alone) {
  write(target + ".part", "precious");
  expect_untouched_and(errc::partial_unusable);
}

// Any damage: an error that touches nothing, or a part of what was true. Never a wrong claim.
TEST_F(partial_file_on_disk, a_damaged_journal_claims_less_but_nothing_wrong) {
  leave_half();
  auto good = read(target + ".part.journal");
  auto bytes = read(target + ".part");
  rng random(7);
  unsigned resumed = 0;
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(round);
    auto bad = good;
    if (round % 4 == 3) {
      bad += std::string(1 + random() % 50, static_cast<char>(random()));
    } else if (round % 3 == 0) {
      bad.resize(random() % good.size());
    } else {
      for (int n = 0; n <= round % 3; ++n)
        bad[random() % bad.size()] ^= static_cast<char>(1 << (random() % 8));
    }
    write(target + ".part.journal", bad);
    write(target + ".part", bytes);
    auto p = open();
    if (!p) {
      ASSERT_EQ(p.error(), make_error_code(errc::partial_unusable));
      ASSERT_EQ(read(target + ".part.journal"), bad);
      continue;
    }
    if ((*p)->held().empty()) continue;
    ++resumed;
    ASSERT_EQ((*p)->held().ranges(), (std::vector<byte_range>{{0, 5}}));
    ASSERT_EQ((*p)->origin()->identity, some_origin().identity);
  }
  EXPECT_GT(resumed, 0U) << "damage behind the claims costs nothing";
}

TEST_F(partial_file_on_disk, bytes_that_somebody_cut_off_are_not_held) {
  leave_half();
  fs::resize_file(target + ".part", 3);
  {
    auto p = open();
    ASSERT_TRUE(p);
    EXPECT_EQ((*p)->held().ranges(), (std::vector<byte_range>{{0, 3}}));
    ASSERT_TRUE((*p)->write(8, raw("89")));
  }
  // Killed: what was cut stays so though the file is longer again.
  auto p = open();
  ASSERT_TRUE(p);
  EXPECT_FALSE((*p)->held().contains({3, 4}));
}

TEST_F(partial_file_on_disk, one_download_at_a_time) {
  auto first = open();
  ASSERT_TRUE(first);
  auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), make_error_code(errc::target_busy));
  EXPECT_NE(problem, "");
  first->reset();
  EXPECT_TRUE(open());
}

TEST_F(partial_file_on_disk, another_processs_download_is_seen_until_it_dies) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  auto child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // A thread pool does not survive a fork: this process has a disk of its own.
    auto own = file::make_posix_filesystem();
    std::string text;
    auto p = partial_file::open(*own, target, durability::process, false, text);
    bool good = p && (*p)->begin(some_origin()) && (*p)->write(0, raw("01234"));
    good = good && ::write(ready[1], "x", 1) == 1;
    if (good) ::pause();
    ::_exit(1);
  }
  char c = 0;
  ::close(ready[1]);
  EXPECT_EQ(::read(ready[0], &c, 1), 1);
  ::close(ready[0]);
  auto p = open();
  EXPECT_TRUE(!p && p.error() == make_error_code(errc::target_busy));
  auto listed = list_partial_downloads(*disk, folder.path());
  EXPECT_TRUE(listed && listed->size() == 1 && listed->front().busy);
  EXPECT_EQ(abort_partial_download(*disk, target).error(), make_error_code(errc::target_busy));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  p = open();
  ASSERT_TRUE(p) << problem;
  EXPECT_TRUE((*p)->origin());
}

TEST_F(partial_file_on_disk, an_existing_target_is_left_alone_unless_asked) {
  write(target, "old");
  expect_untouched_and(errc::target_exists);
  EXPECT_EQ(read(target), "old");
  auto p = open(true);
  ASSERT_TRUE(p);
  ASSERT_TRUE((*p)->begin(some_origin(3)));
  ASSERT_TRUE((*p)->write(0, raw("new")));
  EXPECT_EQ(read(target), "old") << "replaced at the very end";
  EXPECT_FALSE(wait((*p)->finish(3)));
  EXPECT_EQ(read(target), "new");
  EXPECT_EQ(files(), 1U);
}

TEST_F(partial_file_on_disk, a_target_that_appears_meanwhile_is_left_alone) {
  auto p = open();
  ASSERT_TRUE(p);
  ASSERT_TRUE((*p)->begin(some_origin(3)));
  ASSERT_TRUE((*p)->write(0, raw("new")));
  write(target, "theirs");
  EXPECT_TRUE(wait((*p)->finish(3)) == sys::file_exists);
  (*p)->close();
  EXPECT_EQ(read(target), "theirs");
  EXPECT_EQ(read(target + ".part"), "new");
}

TEST_F(partial_file_on_disk, says_so_when_the_place_is_no_place) {
  target = folder.path() + "/none/f";
  auto p = open();
  ASSERT_FALSE(p);
  EXPECT_EQ(p.error(), sys::make_error_code(sys::no_such_file_or_directory));
  EXPECT_NE(problem, "");
  target = folder.path();
  p = open(true);
  ASSERT_FALSE(p);
  EXPECT_EQ(p.error(), sys::make_error_code(sys::is_a_directory));
}

TEST_F(partial_file_on_disk, a_link_in_the_parts_place_is_not_followed) {
  auto victim = folder.path() + "/victim";
  write(victim, "");
  fs::create_symlink(victim, target + ".part");
  EXPECT_FALSE(open());
  EXPECT_EQ(read(victim), "");
}

// Killed between the claim that all is there and the final name.
TEST_F(partial_file_on_disk, complete_but_not_yet_named_goes_on) {
  leave_half();
  {
    auto p = open();
    ASSERT_TRUE(p);
    ASSERT_TRUE((*p)->write(5, raw("56789")));
    write(target, "in the way");
    EXPECT_TRUE(wait((*p)->finish(10)));
  }
  fs::remove(target);
  auto p = open();
  ASSERT_TRUE(p) << problem;
  EXPECT_EQ((*p)->held().ranges(), (std::vector<byte_range>{{0, 10}}));
  EXPECT_FALSE(wait((*p)->finish(10)));
  EXPECT_EQ(read(target), "0123456789");
  EXPECT_EQ(files(), 1U);
}

// Killed between the final name and the removal of the journal.
TEST_F(partial_file_on_disk, a_journal_left_behind_by_a_finished_download_goes) {
  std::string kept;
  {
    auto p = open();
    ASSERT_TRUE(p);
    ASSERT_TRUE((*p)->begin(some_origin(3)));
    ASSERT_TRUE((*p)->write(0, raw("abc")));
    write(target, "in the way");
    EXPECT_TRUE(wait((*p)->finish(3)));
    kept = read(target + ".part.journal");
  }
  fs::remove(target + ".part");
  EXPECT_EQ(open().error(), make_error_code(errc::target_exists));
  EXPECT_FALSE(fs::exists(target + ".part.journal"));
  // And where the target was moved away, it claims nothing.
  fs::remove(target);
  write(target + ".part.journal", kept);
  auto p = open();
  ASSERT_TRUE(p);
  EXPECT_TRUE((*p)->held().empty());
}

TEST_F(partial_file_on_disk, a_failure_with_nothing_held_leaves_no_litter) {
  for (bool begun : {false, true}) {
    auto p = open();
    ASSERT_TRUE(p);
    if (begun) {
      ASSERT_TRUE((*p)->begin(some_origin()));
    }
    (*p)->close();
    EXPECT_EQ(files(), 0U);
  }
}

TEST_F(partial_file_on_disk, disowned_bytes_are_never_held_again) {
  leave_half();
  {
    auto p = open();
    ASSERT_TRUE(p);
    ASSERT_TRUE((*p)->disown());
    EXPECT_TRUE((*p)->held().empty());
  }
  auto p = open();
  ASSERT_TRUE(p);
  EXPECT_TRUE((*p)->held().empty());
}

TEST_F(partial_file_on_disk, a_long_journal_is_rewritten_with_its_claims_merged) {
  auto p = open(false, durability::power);
  ASSERT_TRUE(p);
  ASSERT_TRUE((*p)->begin(some_origin(1 << 20)));
  auto journal = target + ".part.journal";
  std::uintmax_t longest = 0;
  // Every second byte, so that no two claims merge.
  for (std::uint64_t round = 0; round < 80; ++round) {
    for (std::uint64_t i = 0; i < 2'000; ++i)
      ASSERT_TRUE((*p)->write(round < 40 ? 2 * i : 2 * i + 1, raw("x")));
    ASSERT_FALSE(wait((*p)->commit()));
    longest = std::max(longest, fs::file_size(journal));
  }
  EXPECT_LE(longest, partial_file::max_journal_bytes + 2 * 1024 * 1024);
  EXPECT_EQ((*p)->held().bytes(), 4'000U);
  p->reset();
  p = open();
  ASSERT_TRUE(p);
  EXPECT_EQ((*p)->held().ranges(), (std::vector<byte_range>{{0, 4'000}}));
}

TEST_F(partial_file_on_disk, partial_downloads_are_listed_and_aborted) {
  leave_half();
  write(folder.path() + "/other", "mine");
  write(folder.path() + "/g.part.journal", "somebody's notes, longer than a header");
  auto all = list_partial_downloads(*disk, folder.path());
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2U);
  auto& half = all->front();
  EXPECT_EQ(half.target, target);
  EXPECT_EQ(half.held_bytes, 5U);
  EXPECT_EQ(half.durable_bytes, 0U);
  EXPECT_EQ(half.total_bytes, 10U);
  EXPECT_FALSE(half.busy || half.problem);
  EXPECT_TRUE(all->back().problem);
  for (auto suffix : {"", ".part", ".part.journal"}) {
    auto one = list_partial_downloads(*disk, target + suffix);
    ASSERT_TRUE(one && one->size() == 1) << suffix;
    EXPECT_EQ(one->front().target, target);
  }
  EXPECT_EQ(abort_partial_download(*disk, folder.path() + "/g").error(),
            make_error_code(errc::partial_unusable));
  EXPECT_TRUE(abort_partial_download(*disk, target));
  EXPECT_EQ(files(), 2U);
  EXPECT_FALSE(abort_partial_download(*disk, target)) << "there is none any more";
}

}  // namespace
}  // namespace tidewire::transfer
