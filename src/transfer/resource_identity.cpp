#include "transfer/resource_identity.hpp"

#include <tidewire/http/content_range.hpp>
#include <tidewire/http/date.hpp>

namespace tidewire::transfer {
namespace {

// RFC 9110, 8.8.2.2 asks for one second between Last-Modified and Date; clocks of file systems and
// caches are coarser, so we ask for the minute that RFC 7232 had.
constexpr auto strong_age = std::chrono::seconds(60);

bool is_strong_date(std::string_view modified, const http::fields& headers) {
  auto date = headers.find("date");
  if (!date) return false;
  auto sent = http::parse_date(*date);
  auto changed = http::parse_date(modified);
  return sent && changed && *sent - *changed >= strong_age;
}

std::optional<std::uint64_t> size_of(const http::response_head& head) {
  if (head.status == 200) return head.content_length;
  auto text = head.headers.find("content-range");
  if (!text) return std::nullopt;
  auto range = http::content_range::parse(*text);
  return range ? range->total : std::nullopt;
}

bool is_coded(const http::fields& headers) {
  auto coding = headers.joined("content-encoding");
  return coding && !coding->empty() && !http::iequals(*coding, "identity");
}

sameness compare_validators(const resource_identity& known, const resource_identity& seen) {
  if (known.digest && seen.digest)
    return *known.digest == *seen.digest ? sameness::same : sameness::changed;
  if (known.etag && seen.etag) {
    if (known.etag->opaque != seen.etag->opaque) return sameness::changed;
    return http::strong_match(*known.etag, *seen.etag) ? sameness::same : sameness::unknown;
  }
  if (known.etag || seen.etag) return sameness::unknown;
  if (known.last_modified.empty() || seen.last_modified.empty()) return sameness::unknown;
  if (known.last_modified != seen.last_modified) return sameness::changed;
  return known.last_modified_strong ? sameness::same : sameness::unknown;
}

}  // namespace

bool resource_identity::provable() const {
  if (coded) return false;
  return digest || (etag && !etag->weak) || (!etag && last_modified_strong);
}

std::string resource_identity::if_range() const {
  if (etag) return etag->weak ? std::string() : etag->text();
  return last_modified_strong ? last_modified : std::string();
}

resource_identity identity_of(const http::response_head& head) {
  resource_identity id;
  id.size = size_of(head);
  id.coded = is_coded(head.headers);
  if (auto tag = head.headers.find("etag")) id.etag = http::entity_tag::parse(*tag);
  if (auto modified = head.headers.find("last-modified")) {
    id.last_modified = *modified;
    id.last_modified_strong = is_strong_date(*modified, head.headers);
  }
  if (auto digest = head.headers.joined("repr-digest"))
    id.digest = http::parse_digest_field(*digest);
  return id;
}

sameness compare(const resource_identity& known, const resource_identity& seen) {
  if (known.size && seen.size && *known.size != *seen.size) return sameness::changed;
  if (known.coded != seen.coded) return sameness::changed;
  auto by_validators = compare_validators(known, seen);
  // Codings are often applied anew for each answer under one tag: equal tags, other bytes.
  if (known.coded && by_validators == sameness::same) return sameness::unknown;
  return by_validators;
}

}  // namespace tidewire::transfer
