#include "file/memory_handle.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/rng.hpp>
#include <tidewire/file/journal.hpp>

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace tidewire::file {
namespace {

using testing::memory_handle;

constexpr journal_format format{{'T', 'e', 's', 't'}, 3};

struct entry {
  std::uint8_t type;
  std::vector<std::byte> payload;
  bool operator==(const entry&) const = default;
};

std::vector<std::byte> random_payload(rng& random, std::int64_t most) {
  std::vector<std::byte> payload(static_cast<std::size_t>(random.between(0, most)));
  for (auto& byte : payload) byte = static_cast<std::byte>(random());
  return payload;
}

// A journal, what is in it, and where each record ends.
struct sample {
  memory_handle file;
  std::vector<entry> entries;
  std::vector<std::uint64_t> ends;
};

sample make_sample(std::uint64_t seed, int records, std::int64_t most) {
  sample s;
  rng random(seed);
  auto writer = journal_writer::open(s.file, format, 0).value();
  for (int i = 0; i < records; ++i) {
    entry e{static_cast<std::uint8_t>(random()), random_payload(random, most)};
    writer.append(e.type, e.payload).value();
    s.entries.push_back(std::move(e));
    s.ends.push_back(writer.size());
  }
  return s;
}

struct replayed {
  result<journal_replay> outcome;
  std::vector<entry> entries;
};

replayed replay(handle& file, const journal_format& as = format) {
  replayed r{journal_replay(), {}};
  r.outcome = replay_journal(file, as, [&](const journal_record& record) {
    r.entries.push_back({record.type, {record.payload.begin(), record.payload.end()}});
  });
  return r;
}

TEST(journal, gives_back_what_was_appended) {
  auto s = make_sample(1, 50, 300);
  auto r = replay(s.file);
  ASSERT_TRUE(r.outcome);
  EXPECT_EQ(r.entries, s.entries);
  EXPECT_EQ(r.outcome->records, 50u);
  EXPECT_EQ(r.outcome->valid_bytes, s.file.bytes.size());
  EXPECT_EQ(r.outcome->version, 3);
  EXPECT_FALSE(r.outcome->torn_tail);
}

TEST(journal, writes_each_record_with_one_call) {
  memory_handle file;
  auto writer = journal_writer::open(file, format, 0).value();
  auto before = file.writes;
  std::vector<std::byte> payload(1000);
  writer.append(1, payload).value();
  EXPECT_EQ(file.writes, before + 1);
}

TEST(journal, holds_records_of_every_size_up_to_the_maximum) {
  memory_handle file;
  auto writer = journal_writer::open(file, format, 0).value();
  constexpr auto most = journal_writer::max_payload_bytes;
  std::vector<std::size_t> sizes{0, 1, most - 1, most, 0, most, most, 7, most};
  for (auto size : sizes) writer.append(9, std::vector<std::byte>(size, std::byte{0x5a})).value();
  auto end = writer.size();
  std::vector<std::byte> too_long(most + 1);
  EXPECT_EQ(writer.append(9, too_long).error(), tidewire::errc::invalid_argument);
  EXPECT_EQ(writer.size(), end);
  auto r = replay(file);
  ASSERT_EQ(r.entries.size(), sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) EXPECT_EQ(r.entries[i].payload.size(), sizes[i]);
  EXPECT_EQ(file.bytes.size(), end);
}

TEST(journal, every_prefix_replays_to_exactly_its_whole_records) {
  auto s = make_sample(2, 40, 60);
  memory_handle cut;
  for (std::size_t size = 0; size <= s.file.bytes.size(); ++size) {
    cut.bytes.assign(s.file.bytes.begin(),
                     s.file.bytes.begin() + static_cast<std::ptrdiff_t>(size));
    std::size_t whole = 0;
    while (whole < s.ends.size() && s.ends[whole] <= size) ++whole;
    auto r = replay(cut);
    ASSERT_TRUE(r.outcome) << size;
    ASSERT_EQ(r.entries, std::vector<entry>(s.entries.begin(),
                                            s.entries.begin() + static_cast<std::ptrdiff_t>(whole)))
        << size;
    std::uint64_t valid = size < 16 ? 0 : whole == 0 ? 16 : s.ends[whole - 1];
    ASSERT_EQ(r.outcome->valid_bytes, valid);
    ASSERT_EQ(r.outcome->torn_tail, size < 16 || valid != size) << size;
  }
}

TEST(journal, every_flipped_bit_in_a_record_is_noticed) {
  auto s = make_sample(3, 5, 40);
  for (std::size_t at = 16; at < s.file.bytes.size(); ++at) {
    std::size_t hit = 0;
    while (s.ends[hit] <= at) ++hit;
    for (int bit = 0; bit < 8; ++bit) {
      s.file.bytes[at] ^= static_cast<std::byte>(1 << bit);
      auto r = replay(s.file);
      s.file.bytes[at] ^= static_cast<std::byte>(1 << bit);
      ASSERT_TRUE(r.outcome);
      ASSERT_EQ(r.entries.size(), hit) << "byte " << at << ", bit " << bit;
      ASSERT_TRUE(r.outcome->torn_tail);
    }
  }
}

TEST(journal, every_flipped_bit_in_the_header_is_noticed) {
  auto s = make_sample(4, 2, 40);
  for (std::size_t at = 0; at < 16; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      s.file.bytes[at] ^= static_cast<std::byte>(1 << bit);
      auto r = replay(s.file);
      s.file.bytes[at] ^= static_cast<std::byte>(1 << bit);
      ASSERT_FALSE(r.outcome) << "byte " << at << ", bit " << bit;
      ASSERT_EQ(r.outcome.error(), errc::foreign_journal);
      ASSERT_TRUE(r.entries.empty());
    }
  }
}

TEST(journal, refuses_other_formats_and_later_versions) {
  auto s = make_sample(5, 2, 40);
  auto before = s.file.bytes;
  EXPECT_EQ(replay(s.file, {{'O', 't', 'h', 'r'}, 3}).outcome.error(), errc::foreign_journal);
  EXPECT_EQ(replay(s.file, {{'T', 'e', 's', 't'}, 2}).outcome.error(), errc::newer_journal);
  auto older = replay(s.file, {{'T', 'e', 's', 't'}, 4});
  ASSERT_TRUE(older.outcome);
  EXPECT_EQ(older.outcome->version, 3);
  EXPECT_EQ(s.file.bytes, before);
  EXPECT_EQ(error_code(errc::newer_journal), condition::permanent);
}

TEST(journal, zero_bytes_are_no_records) {
  for (std::size_t zeros : {1, 11, 12, 24, 1000, 200'000}) {
    auto s = make_sample(6, 3, 40);
    s.file.bytes.resize(s.file.bytes.size() + zeros);
    auto r = replay(s.file);
    ASSERT_TRUE(r.outcome);
    EXPECT_EQ(r.entries, s.entries) << zeros;
    EXPECT_EQ(r.outcome->valid_bytes, s.ends.back());
    EXPECT_TRUE(r.outcome->torn_tail);
  }
}

TEST(journal, a_file_of_zero_bytes_is_an_empty_journal_and_one_with_more_is_foreign) {
  memory_handle file;
  file.bytes.resize(300'000);
  auto r = replay(file);
  ASSERT_TRUE(r.outcome);
  EXPECT_EQ(r.outcome->valid_bytes, 0u);
  EXPECT_TRUE(r.outcome->torn_tail);
  file.bytes.back() = std::byte{1};
  EXPECT_EQ(replay(file).outcome.error(), errc::foreign_journal);
}

TEST(journal, goes_on_after_any_torn_tail) {
  auto s = make_sample(7, 4, 30);
  for (std::size_t size = 0; size <= s.file.bytes.size(); ++size) {
    memory_handle cut;
    cut.bytes.assign(s.file.bytes.begin(),
                     s.file.bytes.begin() + static_cast<std::ptrdiff_t>(size));
    auto first = replay(cut);
    auto writer = journal_writer::open(cut, format, first.outcome->valid_bytes).value();
    entry added{77, std::vector<std::byte>(5, std::byte{1})};
    writer.append(added.type, added.payload).value();
    auto second = replay(cut);
    first.entries.push_back(added);
    ASSERT_EQ(second.entries, first.entries) << size;
    ASSERT_FALSE(second.outcome->torn_tail) << size;
  }
}

TEST(journal, refuses_to_open_where_no_replay_ends) {
  auto s = make_sample(8, 1, 40);
  auto before = s.file.bytes;
  for (std::uint64_t at : {std::uint64_t{1}, std::uint64_t{15}, s.ends.back() + 1}) {
    auto opened = journal_writer::open(s.file, format, at);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error(), tidewire::errc::invalid_argument);
  }
  EXPECT_EQ(s.file.bytes, before);
}

TEST(journal, a_failed_append_leaves_the_records_and_may_be_tried_again) {
  auto s = make_sample(9, 3, 40);
  auto end = s.ends.back();
  entry late{5, std::vector<std::byte>(100, std::byte{2})};
  for (std::uint64_t room = 0; room < 112; ++room) {
    s.file.capacity = end + room;
    auto writer = journal_writer::open(s.file, format, end).value();
    auto appended = writer.append(late.type, late.payload);
    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error(), boost::system::errc::no_space_on_device);
    EXPECT_EQ(writer.size(), end);
    EXPECT_EQ(replay(s.file).entries, s.entries);
    s.file.capacity = UINT64_MAX;
    ASSERT_TRUE(writer.append(late.type, late.payload));
    auto with = s.entries;
    with.push_back(late);
    ASSERT_EQ(replay(s.file).entries, with);
  }
}

// A server chooses payloads: the remains of a failed write must never be read as a record.
TEST(journal, remains_of_a_failed_record_never_come_back_as_one) {
  memory_handle forged_file;
  auto forger = journal_writer::open(forged_file, format, 0).value();
  forger.append(66, std::vector<std::byte>(8, std::byte{6})).value();
  std::vector<std::byte> payload(20, std::byte{0});
  payload.insert(payload.end(), forged_file.bytes.begin() + 16, forged_file.bytes.end());
  payload.resize(payload.size() + 50);

  memory_handle file;
  auto writer = journal_writer::open(file, format, 0).value();
  file.capacity = 16 + 12 + 40 + 10;
  ASSERT_FALSE(writer.append(1, payload));
  file.capacity = UINT64_MAX;
  // Ends exactly where the forged record began in the payload.
  writer.append(2, std::vector<std::byte>(20)).value();
  auto r = replay(file);
  ASSERT_EQ(r.entries.size(), 1u);
  EXPECT_EQ(r.entries[0].type, 2);
}

TEST(journal, arbitrary_bytes_never_replay_to_records_that_were_not_written) {
  rng random(10);
  for (int round = 0; round < 2000; ++round) {
    auto s = make_sample(random(), 6, 30);
    auto& bytes = s.file.bytes;
    auto from = static_cast<std::size_t>(random.between(16, std::ssize(bytes) - 1));
    for (std::size_t i = from; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(random());
    auto r = replay(s.file);
    ASSERT_TRUE(r.outcome);
    ASSERT_LE(r.entries.size(), s.entries.size());
    for (std::size_t i = 0; i < r.entries.size(); ++i) ASSERT_EQ(r.entries[i], s.entries[i]);
  }
}

}  // namespace
}  // namespace tidewire::file
