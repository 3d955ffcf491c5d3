// Every parser of a value that a stranger may send: URLs, fields, names. What comes out of one must
// keep that type's promises; a broken one traps.
#include <tidewire/http/content_range.hpp>
#include <tidewire/http/date.hpp>
#include <tidewire/http/digest.hpp>
#include <tidewire/http/entity_tag.hpp>
#include <tidewire/http/file_name.hpp>
#include <tidewire/http/redirect.hpp>
#include <tidewire/http/url.hpp>

#include <cstdint>
#include <string_view>

using namespace tidewire;

namespace {

void expect(bool promise) {
  if (!promise) __builtin_trap();
}

void fuzz_url(std::string_view text) {
  auto parsed = http::url::parse(text);
  if (!parsed) return;
  auto again = http::url::parse(parsed->text());
  expect(again && *again == *parsed);
  expect(parsed->scheme() == "http" || parsed->scheme() == "https");
  expect(!parsed->host().empty() && parsed->target().front() == '/');
  expect(parsed->redacted().find('@') == std::string::npos || parsed->userinfo().empty());
  (void)parsed->resolve(text);
  (void)parsed->file_name();
}

void fuzz_name(std::string_view text) {
  auto safe = http::safe_file_name(text);
  expect(safe.size() <= 200 && safe.find('/') == std::string::npos);
  expect(safe.empty() || safe.front() != '.');
  for (unsigned char c : safe) expect(c >= 0x20 && c != 0x7f && c != '\\');
  expect(http::safe_file_name(safe) == safe);
  if (auto name = http::disposition_file_name(text)) (void)http::safe_file_name(*name);
}

void fuzz_fields(std::string_view text) {
  if (auto r = http::content_range::parse(text); r && r->first) {
    expect(*r->first <= *r->last);
    if (r->total) expect(*r->last < *r->total);
  }
  if (auto tag = http::entity_tag::parse(text)) {
    auto again = http::entity_tag::parse(tag->text());
    expect(again && *again == *tag);
  }
  (void)http::entity_tag::parse_list(text);
  if (auto date = http::parse_date(text))
    expect(http::parse_date(http::format_date(*date)) == *date);
  constexpr auto cap = std::chrono::minutes(10);
  if (auto delay = http::parse_retry_after(text, {}, cap))
    expect(*delay >= delay->zero() && *delay <= cap);
  (void)http::parse_digest_field(text);
  if (auto digest = http::sha256_digest::from_hex(text)) expect(digest->hex().size() == 64);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  fuzz_url(text);
  fuzz_name(text);
  fuzz_fields(text);
  return 0;
}
