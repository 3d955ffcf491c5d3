// A journal as it may be found on a disk: any bytes. Whatever is read from it must be safe to use.
#include "file/memory_handle.hpp"
#include "transfer/download_journal.hpp"

#include <cstdint>
#include <cstring>

using namespace tidewire;

namespace {

void expect(bool promise) {
  if (!promise) __builtin_trap();
}

// The frame's checks would hide the records from the fuzzer: give it both ways in.
void fuzz_frame(file::testing::memory_handle& journal) {
  transfer::journal_state state;
  auto replay = file::replay_journal(journal, transfer::download_journal_format,
                                     [&](const file::journal_record& r) { (void)state.apply(r); });
  if (replay) expect(replay->valid_bytes <= journal.bytes.size());
}

void fuzz_records(std::span<const std::byte> bytes) {
  transfer::journal_state state;
  while (bytes.size() >= 2) {
    auto type = std::to_integer<std::uint8_t>(bytes[0]) % 7;
    auto size = std::min<std::size_t>(std::to_integer<std::size_t>(bytes[1]), bytes.size() - 2);
    file::journal_record record{static_cast<std::uint8_t>(type), bytes.subspan(2, size)};
    bool had_origin = state.origin().has_value();
    bool accepted = state.apply(record);
    if (accepted && had_origin) expect(record.type != 2);
    bytes = bytes.subspan(2 + size);
  }
  std::uint64_t end = 0;
  auto held = state.held("boot");
  for (auto& r : held.ranges()) {
    expect(r.begin < r.end && (end == 0 || r.begin > end));
    end = r.end;
  }
  if (state.origin()) {
    transfer::journal_state again;
    auto payload = transfer::encode_origin(*state.origin());
    expect(again.apply({2, payload}));
    expect(again.origin()->identity == state.origin()->identity);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  file::testing::memory_handle journal;
  journal.bytes.resize(size);
  if (size > 0) std::memcpy(journal.bytes.data(), data, size);
  fuzz_frame(journal);
  fuzz_records(journal.bytes);
  return 0;
}
