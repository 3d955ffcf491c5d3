#include "resource.hpp"

#include <tidewire/http/digest.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>

namespace tidewire::test {
namespace {

// A piece of one generation; it stays that generation's while it is sent.
class piece_body final : public server::response_body {
 public:
  piece_body(resource what, std::uint64_t begin, std::uint64_t end)
      : what_(what), position_(begin), end_(end) {}

  std::optional<std::uint64_t> size() const override {
    if (!what_.length) return std::nullopt;
    return end_ - position_;
  }
  result<std::size_t> read(std::span<std::byte> space) override {
    auto n = std::min<std::uint64_t>(space.size(), end_ - position_);
    for (std::uint64_t i = 0; i < n; ++i)
      space[static_cast<std::size_t>(i)] = what_.at(position_++);
    return static_cast<std::size_t>(n);
  }

 private:
  resource what_;
  std::uint64_t position_, end_;
};

std::string etag_of(const resource& r) {
  auto tag = "\"g" + std::to_string(r.generation) + "\"";
  return r.validates == resource::validator::weak_etag ? "W/" + tag : tag;
}

// Distinct for each generation, and long before the Date that the network adds.
std::string date_of(const resource& r) {
  return "Mon, 01 Jan 2018 00:00:" + std::string(r.generation % 60 < 10 ? "0" : "") +
         std::to_string(r.generation % 60) + " GMT";
}

http::sha256_digest digest_of(const resource& r) {
  auto text = r.content();
  http::sha256_hasher hasher;
  hasher.update(std::as_bytes(std::span(text)));
  return hasher.finish();
}

void add_validators(http::fields& headers, const resource& r) {
  using enum resource::validator;
  headers.set("Date", "Mon, 01 Jan 2024 00:00:00 GMT");
  switch (r.validates) {
    case strong_etag:
    case weak_etag:
      headers.set("ETag", etag_of(r));
      break;
    case last_modified:
      headers.set("Last-Modified", date_of(r));
      break;
    case digest:
      headers.set("Repr-Digest", digest_of(r).field_value());
      break;
    case none:
      break;
  }
}

struct asked {
  std::uint64_t first;
  std::optional<std::uint64_t> last;
};

// bytes=A-[B]; anything else is no range for this server.
std::optional<asked> parse_range(std::string_view text) {
  constexpr std::string_view unit = "bytes=";
  if (!text.starts_with(unit)) return std::nullopt;
  text.remove_prefix(unit.size());
  asked range{};
  auto* end = text.data() + text.size();
  auto [after, ec] = std::from_chars(text.data(), end, range.first);
  if (ec != std::errc() || after == end || *after != '-') return std::nullopt;
  if (++after == end) return range;
  std::uint64_t last = 0;
  auto [rest, bad] = std::from_chars(after, end, last);
  if (bad != std::errc() || rest != end) return std::nullopt;
  range.last = last;
  return range;
}

bool condition_holds(const http::fields& headers, const resource& r) {
  auto wanted = headers.find("if-range");
  if (!wanted) return true;
  return *wanted == etag_of(r) || *wanted == date_of(r);
}

server::response answer(const server::request& req, const resource& r) {
  server::response out;
  add_validators(out.headers, r);
  std::uint64_t begin = 0, end = r.size;
  auto field = req.headers.find("range");
  auto range = r.ranges && field ? parse_range(*field) : std::nullopt;
  if (r.ranges) out.headers.set("Accept-Ranges", "bytes");
  if (range && condition_holds(req.headers, r)) {
    if (range->first >= r.size) {
      out.status = 416;
      out.headers.set("Content-Range", "bytes */" + std::to_string(r.size));
      return out;
    }
    begin = range->first;
    if (range->last) end = std::min(*range->last + 1, r.size);
    out.status = 206;
    out.headers.set("Content-Range", "bytes " + std::to_string(begin) + "-" +
                                         std::to_string(end - 1) + "/" + std::to_string(r.size));
  }
  out.body = std::make_unique<piece_body>(r, begin, end);
  return out;
}

}  // namespace

std::byte resource::at(std::uint64_t offset) const {
  auto mixed = (offset / 8 + 1) * 0x9e3779b97f4a7c15ULL + generation * 0xbf58476d1ce4e5b9ULL;
  mixed ^= mixed >> 29;
  mixed *= 0x94d049bb133111ebULL;
  return static_cast<std::byte>(mixed >> (8 * (offset % 8)));
}

std::string resource::content() const {
  std::string all(static_cast<std::size_t>(size), '\0');
  for (std::uint64_t i = 0; i < size; ++i)
    all[static_cast<std::size_t>(i)] = static_cast<char>(at(i));
  return all;
}

server::handler serve(std::shared_ptr<resource> what) {
  return [what](server::request& req) -> asio::awaitable<server::response> {
    co_return answer(req, *what);
  };
}

unsigned generation_of(const std::string& bytes, const resource& any, unsigned newest) {
  resource candidate = any;
  for (candidate.generation = 1; candidate.generation <= newest; ++candidate.generation) {
    if (bytes == candidate.content()) return candidate.generation;
  }
  return 0;
}

}  // namespace tidewire::test
