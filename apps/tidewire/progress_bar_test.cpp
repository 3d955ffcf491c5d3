#include "progress_bar.hpp"

#include "escape.hpp"

#include <tidewire/core/rng.hpp>

#include <gtest/gtest.h>

namespace tidewire::cli {
namespace {

using transfer::download_phase;
using transfer::download_progress;

constexpr std::uint64_t mib = 1024 * 1024;

download_progress half() {
  download_progress p;
  p.phase = download_phase::downloading;
  p.downloaded_bytes = 50 * mib;
  p.total_bytes = 100 * mib;
  p.percentage = 50.0;
  p.bytes_per_second = 3.1 * mib;
  p.remaining = std::chrono::seconds(16);
  return p;
}

bar_style plain(std::size_t columns) {
  return {columns, false, false};
}

TEST(render_bar, shows_everything_on_a_wide_line) {
  EXPECT_EQ(render_bar("a.bin", half(), plain(74)),
            "a.bin [###########------------]  50%  50.0 MiB/100 MiB  3.1 MiB/s     0:16");
}

TEST(render_bar, works_at_forty_columns) {
  EXPECT_EQ(render_bar("a.bin", half(), plain(40)), "a.bin [###----]  50%  3.1 MiB/s     0:16");
}

TEST(render_bar, keeps_the_name_when_several_files_share_the_screen) {
  auto line = render_bar("a-long-holiday-movie.mkv", half(), plain(40), true);
  EXPECT_EQ(line.substr(0, 12), "a-long-..ie.") << line;
}

TEST(render_bar, draws_segments_where_they_are_in_the_file) {
  auto p = half();
  // Two connections, each half way through its half: held, head, missing, held, head, missing.
  p.segments = {{0, 0, 25 * mib, 50 * mib, 1.0}, {1, 50 * mib, 75 * mib, 100 * mib, 1.0}};
  auto line = render_bar("", p, plain(45));
  EXPECT_EQ(line.substr(0, line.find(']') + 1), "[####>----####>----]") << line;
}

TEST(render_bar, falls_back_to_a_plain_bar_when_segments_do_not_account_for_all) {
  auto p = half();
  p.segments = {{0, 0, 25 * mib, 50 * mib, 1.0}};  // nobody has the other half
  EXPECT_EQ(render_bar("", p, plain(40)), render_bar("", half(), plain(40)));
}

TEST(render_bar, has_no_percentage_without_a_size) {
  auto p = half();
  p.total_bytes.reset();
  p.percentage.reset();
  p.remaining.reset();
  auto line = render_bar("a.bin", p, plain(60));
  EXPECT_EQ(line.find('%'), line.npos) << line;
  EXPECT_NE(line.find("50.0 MiB"), line.npos) << line;
}

TEST(render_bar, says_a_hundred_only_when_complete) {
  auto p = half();
  p.downloaded_bytes = 100 * mib;
  p.percentage = 100.0;
  for (auto phase :
       {download_phase::downloading, download_phase::waiting, download_phase::verifying}) {
    p.phase = phase;
    EXPECT_EQ(percentage_text(p), "99%");
    EXPECT_EQ(render_bar("a", p, plain(60)).find("100%"), std::string::npos);
  }
  p.phase = download_phase::complete;
  EXPECT_EQ(percentage_text(p), "100%");
}

TEST(render_bar, escapes_the_name) {
  auto line = render_bar("\x1b[2Jx", half(), plain(80));
  EXPECT_EQ(line.find('\x1b'), line.npos);
  EXPECT_NE(line.find("\\x1b[2Jx"), line.npos);
}

TEST(render_bar, colours_only_when_asked) {
  auto p = half();
  EXPECT_EQ(render_bar("a", p, {80, true, false}).find('\x1b'), std::string::npos);
  EXPECT_NE(render_bar("a", p, {80, true, true}).find('\x1b'), std::string::npos);
}

// No state, however odd, breaks the line: it stays within the columns and is never empty of facts.
TEST(render_bar, stays_within_the_columns_for_any_state) {
  rng random(11);
  for (int round = 0; round < 20'000; ++round) {
    download_progress p;
    p.phase = static_cast<download_phase>(random.between(0, 4));
    p.downloaded_bytes = random() >> random.between(0, 63);
    if (random.chance_ppm(700'000)) {
      p.total_bytes = random() >> random.between(0, 63);
      p.percentage = static_cast<double>(random.between(-5, 130));
    }
    p.bytes_per_second = static_cast<double>(random() >> random.between(0, 63));
    if (random.chance_ppm(500'000))
      p.remaining = std::chrono::seconds(random() >> random.between(1, 63));
    for (auto n = random.between(0, 5); n > 0; --n)
      p.segments.push_back({1, random() >> 40, random() >> 40, random() >> 40, 1.0});
    auto columns = static_cast<std::size_t>(random.between(1, 200));
    auto line = render_bar("ein längerer Name.bin", p, {columns, random.chance_ppm(500'000), false},
                           random.chance_ppm(500'000));
    ASSERT_LE(display_width(line), columns) << line;
  }
}

TEST(render_line, is_a_sentence) {
  EXPECT_EQ(render_line("a.bin", half()), "a.bin: 50%, 50.0 MiB of 100 MiB, 3.1 MiB/s, 0:16 left");
  auto p = half();
  p.phase = download_phase::verifying;
  EXPECT_EQ(render_line("a.bin", p), "a.bin: 50%, 50.0 MiB of 100 MiB, verifying");
}

}  // namespace
}  // namespace tidewire::cli
