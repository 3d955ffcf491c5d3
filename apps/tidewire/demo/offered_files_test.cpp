#include "offered_files.hpp"

#include "file_digest.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace tidewire::demo {
namespace {

struct offered_files_test : testing::Test {
  offered_files_test() {
    folder = testing::TempDir() + "/offered-XXXXXX";
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
  }
  ~offered_files_test() override { std::filesystem::remove_all(folder); }
  std::unique_ptr<file::filesystem> disk = file::make_posix_filesystem();
  std::string folder;
  std::vector<offered_file> files{{"a.bin", 3'000'001, "", ""}, {"<b>.bin", 10, "", ""}};
};

TEST_F(offered_files_test, are_made_once_with_bytes_that_depend_on_the_name) {
  EXPECT_EQ(bytes_to_make(*disk, folder, files), 3'000'011u);
  ASSERT_TRUE(make_files(*disk, folder, files));
  EXPECT_EQ(bytes_to_make(*disk, folder, files), 0u);
  for (auto& f : files) {
    auto digest = cli::digest_of_file(*disk, folder + "/" + f.name);
    ASSERT_TRUE(digest) << f.name;
    EXPECT_EQ(digest->hex(), f.sha256);
    EXPECT_EQ(std::filesystem::file_size(folder + "/" + f.name), f.bytes);
  }
  auto first = files;
  auto time = std::filesystem::last_write_time(folder + "/a.bin");
  ASSERT_TRUE(make_files(*disk, folder, files));
  EXPECT_EQ(files[0].sha256, first[0].sha256);
  EXPECT_EQ(std::filesystem::last_write_time(folder + "/a.bin"), time);
  std::filesystem::remove(folder + "/a.bin");
  ASSERT_TRUE(make_files(*disk, folder, files));
  EXPECT_EQ(files[0].sha256, first[0].sha256) << "the same bytes again";
  EXPECT_NE(files[0].sha256, files[1].sha256);
}

TEST_F(offered_files_test, one_of_another_size_is_made_anew) {
  ASSERT_TRUE(make_files(*disk, folder, files));
  auto right = files[1].sha256;
  std::ofstream(folder + "/<b>.bin") << "cut";
  ASSERT_TRUE(make_files(*disk, folder, files));
  EXPECT_EQ(files[1].sha256, right);
  EXPECT_EQ(std::filesystem::file_size(folder + "/<b>.bin"), 10u);
}

TEST(path_segment, leaves_nothing_that_a_url_could_read) {
  EXPECT_EQ(path_segment("tide-16.bin"), "tide-16.bin");
  EXPECT_EQ(path_segment("<img src=x>/?#%"), "%3Cimg%20src%3Dx%3E%2F%3F%23%25");
  EXPECT_EQ(path_segment("\u00fc"), "%C3%BC");
}

}  // namespace
}  // namespace tidewire::demo
