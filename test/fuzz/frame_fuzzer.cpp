// A frame of the realtime protocol, as a stranger may send it: what is accepted keeps its bounds
// and comes out the same when written and read again.
#include <tidewire/core/utf8.hpp>
#include <tidewire/realtime/frame.hpp>

#include <cstdint>
#include <string>
#include <string_view>

using namespace tidewire;
using namespace tidewire::realtime;

namespace {

void expect(bool promise) {
  if (!promise) __builtin_trap();
}

void check(const publish_frame& f) {
  expect(is_name(f.id) && is_name(f.channel));
  expect(f.data.size() <= max_payload_bytes && check_json(f.data));
}
void check(const hello_frame& f) {
  expect(is_name(f.client) && f.channels.size() <= max_channels_per_hello);
  for (const auto& [name, s] : f.channels) expect(is_name(name) && (!s.epoch || s.since));
}
template <class Frame>
void check(const Frame&) {}

void fuzz_frame(std::string_view text) {
  std::string detail;
  auto read = decode_frame(text, &detail);
  if (!read) return expect(!detail.empty() && is_utf8(detail));
  std::visit([](const auto& f) { check(f); }, *read);
  auto again = decode_frame(encode_frame(*read));
  expect(again && *again == *read);
}

void fuzz_json(std::string_view text) {
  auto object = json_object_view::parse(text);
  if (!object) return;
  for (const auto& member : object->members()) {
    expect(check_json(member.value).has_value());
    if (auto all = json_elements(member.value))
      for (auto element : *all) expect(check_json(element).has_value());
    std::string written;
    append_json_string(written, member.name);
    expect(json_string(written) == member.name);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  fuzz_frame(text);
  fuzz_json(text);
  return 0;
}
