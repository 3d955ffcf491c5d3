#include "transfer/download_journal.hpp"

#include <boost/json.hpp>

#include <cstring>
#include <utility>

namespace tidewire::transfer {
namespace {

namespace json = boost::json;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void put(std::vector<std::byte>& out, std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8)
    out.push_back(static_cast<std::byte>((value >> shift) & 0xff));
}

std::uint64_t get(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (int i = 7; i >= 0; --i)
    value = (value << 8) | std::to_integer<std::uint64_t>(bytes[static_cast<std::size_t>(i)]);
  return value;
}

std::optional<std::vector<byte_range>> decode_ranges(std::span<const std::byte> bytes) {
  if (bytes.empty() || bytes.size() % 16 != 0) return std::nullopt;
  std::vector<byte_range> ranges;
  for (; !bytes.empty(); bytes = bytes.subspan(16)) {
    byte_range r{get(bytes), get(bytes.subspan(8))};
    if (r.empty()) return std::nullopt;
    ranges.push_back(r);
  }
  return ranges;
}

std::string string_at(const json::object& from, std::string_view key) {
  auto* value = from.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool flag_at(const json::object& from, std::string_view key) {
  auto* value = from.if_contains(key);
  return value && value->is_bool() && value->get_bool();
}

// A size as text: JSON numbers above 2^53 are not safe in every reader.
std::optional<std::uint64_t> size_at(const json::object& from, std::string_view key) {
  auto text = string_at(from, key);
  if (text.empty() || text.size() > 19) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

std::optional<download_origin> decode_origin(std::span<const std::byte> bytes) {
  boost::system::error_code ec;
  // Header fields may carry bytes that are no UTF-8; they come back as they were sent.
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  auto parsed = json::parse(text_of(bytes), ec, {}, options);
  if (ec || !parsed.is_object()) return std::nullopt;
  auto& object = parsed.get_object();
  download_origin origin;
  origin.source = string_at(object, "source");
  origin.location = string_at(object, "location");
  if (origin.source.empty()) return std::nullopt;
  auto& id = origin.identity;
  id.size = size_at(object, "size");
  id.etag = http::entity_tag::parse(string_at(object, "etag"));
  id.last_modified = string_at(object, "last_modified");
  id.last_modified_strong = flag_at(object, "last_modified_strong");
  id.digest = http::sha256_digest::from_hex(string_at(object, "sha256"));
  id.coded = flag_at(object, "coded");
  return origin;
}

}  // namespace

std::vector<std::byte> encode_text(std::string_view text) {
  std::vector<std::byte> out(text.size());
  if (!text.empty()) std::memcpy(out.data(), text.data(), text.size());
  return out;
}

std::vector<std::byte> encode_origin(const download_origin& origin) {
  auto& id = origin.identity;
  json::object object{{"source", origin.source}, {"location", origin.location}};
  if (id.size) object["size"] = std::to_string(*id.size);
  if (id.etag) object["etag"] = id.etag->text();
  if (!id.last_modified.empty()) object["last_modified"] = id.last_modified;
  if (id.last_modified_strong) object["last_modified_strong"] = true;
  if (id.digest) object["sha256"] = id.digest->hex();
  if (id.coded) object["coded"] = true;
  return encode_text(json::serialize(object));
}

std::vector<std::byte> encode_ranges(std::span<const byte_range> ranges) {
  std::vector<std::byte> out;
  out.reserve(ranges.size() * 16);
  for (auto& r : ranges) {
    put(out, r.begin);
    put(out, r.end);
  }
  return out;
}

bool journal_state::apply(const file::journal_record& record) {
  switch (static_cast<journal_type>(record.type)) {
    case journal_type::boot:
      // Claims of an earlier boot that never became durable are void.
      if (auto id = text_of(record.payload); id != boot_) {
        boot_ = id;
        written_.clear();
      }
      return true;
    case journal_type::origin: {
      auto origin = decode_origin(record.payload);
      // One journal speaks of one generation: a second origin would let its claims mix.
      if (!origin || origin_) return false;
      origin_ = std::move(origin);
      return true;
    }
    case journal_type::written:
    case journal_type::durable: {
      auto ranges = decode_ranges(record.payload);
      if (!ranges || !origin_) return false;
      bool durable = static_cast<journal_type>(record.type) == journal_type::durable;
      for (auto& r : *ranges) (durable ? durable_ : written_).add(r);
      return true;
    }
    case journal_type::complete:
      complete_ = true;
      return true;
  }
  return false;
}

range_set journal_state::held(std::string_view boot_id) const {
  auto all = durable_;
  if (boot_ == boot_id) {
    for (auto& r : written_.ranges()) all.add(r);
  }
  return all;
}

}  // namespace tidewire::transfer
