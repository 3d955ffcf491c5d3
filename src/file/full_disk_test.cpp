#include "file/temporary_folder.hpp"

#include <tidewire/file/filesystem.hpp>
#include <tidewire/file/journal.hpp>

#include <boost/system/errc.hpp>

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

namespace tidewire::file {
namespace {

namespace sys_errc = boost::system::errc;

constexpr journal_format format{{'F', 'u', 'l', 'l'}, 1};

// Appends until the disk says no, and gives its word for it and how many records got in.
error_code fill(journal_writer& journal, std::uint64_t& records) {
  constexpr std::uint64_t far_more_than_fits = 10'000;
  std::vector<std::byte> payload(1000, std::byte{0x77});
  for (records = 0; records < far_more_than_fits; ++records) {
    auto appended = journal.append(1, payload);
    if (!appended) return appended.error();
  }
  return {};
}

journal_replay replay(handle& file) {
  return replay_journal(file, format, [](const journal_record&) {}).value();
}

// Files may not grow beyond a size: writes become short, then fail.
class file_size_limit {
 public:
  explicit file_size_limit(rlim_t bytes) {
    before_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    auto limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  file_size_limit(const file_size_limit&) = delete;
  file_size_limit& operator=(const file_size_limit&) = delete;
  ~file_size_limit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, before_handler_);
  }

 private:
  rlimit before_;
  void (*before_handler_)(int);
};

TEST(full_disk, a_device_without_space_says_so) {
  auto files = make_posix_filesystem();
  auto full = files->open("/dev/full", open_mode::read_write);
  if (!full) GTEST_SKIP() << "no /dev/full here";
  std::vector<std::byte> bytes(10);
  EXPECT_EQ((*full)->write_at(0, bytes).error(), sys_errc::no_space_on_device);
}

TEST(full_disk, a_short_write_goes_on_to_the_error_behind_it) {
  testing::temporary_folder folder;
  auto files = make_posix_filesystem();
  auto file = files->open(folder.path() + "/a", open_mode::create).value();
  std::vector<std::byte> bytes(10'000, std::byte{1});
  {
    file_size_limit limit(6'000);
    EXPECT_EQ(file->write_at(0, bytes).error(), sys_errc::file_too_large);
    EXPECT_EQ(file->size().value(), 6'000u);  // the first write was short, not refused
  }
  EXPECT_TRUE(file->write_at(0, bytes));
  EXPECT_EQ(file->size().value(), 10'000u);
}

TEST(full_disk, a_journal_keeps_its_whole_records_and_goes_on_when_there_is_room) {
  testing::temporary_folder folder;
  auto files = make_posix_filesystem();
  auto file = files->open(folder.path() + "/a", open_mode::create).value();
  auto journal = journal_writer::open(*file, format, 0).value();
  std::uint64_t records = 0;
  {
    file_size_limit limit(50'500);
    EXPECT_EQ(fill(journal, records), sys_errc::file_too_large);
  }
  EXPECT_EQ(records, (50'500u - 16) / 1012);
  EXPECT_EQ(replay(*file).records, records);
  EXPECT_FALSE(replay(*file).torn_tail);
  journal.append(2, {}).value();
  EXPECT_EQ(replay(*file).records, records + 1);
}

TEST(full_disk, the_same_on_a_file_system_of_one_mebibyte) {
  testing::temporary_folder folder;
  if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=1m,mode=0700") != 0)
    GTEST_SKIP() << "mounting is not permitted here: " << std::strerror(errno)
                 << " (the file size limit covers the short write, /dev/full the error)";
  {
    auto files = make_posix_filesystem();
    auto ballast = files->open(folder.path() + "/ballast", open_mode::create).value();
    ballast->write_at(0, std::vector<std::byte>(256 * 1024)).value();
    auto file = files->open(folder.path() + "/a", open_mode::create).value();
    auto journal = journal_writer::open(*file, format, 0).value();
    std::uint64_t records = 0;
    EXPECT_EQ(fill(journal, records), sys_errc::no_space_on_device);
    EXPECT_GT(records, 500u);
    EXPECT_EQ(replay(*file).records, records);
    EXPECT_LT(files->free_space(folder.path()).value(), 8 * 1024u);
    ballast->truncate(0).value();
    journal.append(2, std::vector<std::byte>(1000)).value();
    EXPECT_EQ(replay(*file).records, records + 1);
    EXPECT_FALSE(replay(*file).torn_tail);
  }
  EXPECT_EQ(::umount2(folder.path().c_str(), MNT_DETACH), 0);
}

}  // namespace
}  // namespace tidewire::file
