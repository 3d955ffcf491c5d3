// What the backend's edge reads before any handler: the head's scan, the target, Range.
#include "head_check.hpp"

#include <tidewire/server/byte_range.hpp>
#include <tidewire/server/target.hpp>

#include <cstdint>
#include <string_view>

using namespace tidewire;

namespace {

void expect(bool promise) {
  if (!promise) __builtin_trap();
}

// In one piece and byte by byte must come to the same.
void fuzz_scan(std::string_view bytes) {
  server::head_scan once;
  auto whole = once.feed(bytes);
  server::head_scan slowly;
  server::head_scan::outcome last;
  for (std::size_t n = 0; n <= bytes.size() && !last.length && !last.bad; ++n)
    last = slowly.feed(bytes.substr(0, n));
  expect(whole.length == last.length || (whole.bad.has_value() && last.bad.has_value()));
}

void fuzz_target(std::string_view text) {
  auto parsed = server::parse_target(text);
  if (!parsed) return;
  expect(parsed->path.front() == '/');
  expect(server::is_utf8(parsed->path));
  for (std::string_view rest = parsed->path; !rest.empty();) {
    rest.remove_prefix(1);
    auto segment = rest.substr(0, rest.find('/'));
    expect(segment != "." && segment != "..");
    rest.remove_prefix(segment.size());
  }
}

void fuzz_ranges(std::string_view text) {
  constexpr std::uint64_t size = 1000;
  auto selected = server::select_ranges(text, size, 16);
  expect(selected.ranges.size() <= 16);
  for (auto& r : selected.ranges) expect(r.first <= r.last && r.last < size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  fuzz_scan(text);
  fuzz_target(text);
  fuzz_ranges(text);
  return 0;
}
