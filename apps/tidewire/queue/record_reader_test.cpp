#include "queue/record_reader.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>
#include <vector>

namespace tidewire::cli {
namespace {

// What is read when these bytes come through a pipe.
std::vector<std::string> lines_of(const std::string& bytes, std::size_t max_bytes = 10) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  std::thread writer([&] {
    EXPECT_EQ(::write(ends[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    ::close(ends[1]);
  });
  std::vector<std::string> out;
  record_reader reader(ends[0], max_bytes);
  while (true) {
    auto line = reader.next();
    if (!line || !*line) break;
    out.push_back((*line)->too_long ? "(too long)" : (*line)->text);
  }
  writer.join();
  ::close(ends[0]);
  return out;
}

using strings = std::vector<std::string>;

TEST(record_reader, keeps_empty_lines_and_a_last_one_without_an_end) {
  EXPECT_EQ(lines_of("a\n\nb"), (strings{"a", "", "b"}));
  EXPECT_EQ(lines_of("a\n"), strings{"a"});
  EXPECT_EQ(lines_of(""), strings{});
}

TEST(record_reader, leaves_out_what_is_too_long_and_goes_on) {
  auto huge = std::string(200'000, 'x');
  EXPECT_EQ(lines_of("1234567890\n12345678901\nb\n"), (strings{"1234567890", "(too long)", "b"}));
  EXPECT_EQ(lines_of(huge + "\nb\n"), (strings{"(too long)", "b"}));
  EXPECT_EQ(lines_of("a\n" + huge), (strings{"a", "(too long)"}));
}

TEST(record_reader, tells_a_fault) {
  record_reader reader(-1, 10);
  EXPECT_FALSE(reader.next());
}

}  // namespace
}  // namespace tidewire::cli
