#pragma once

#include <tidewire/http/digest.hpp>
#include <tidewire/http/entity_tag.hpp>
#include <tidewire/http/message.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace tidewire::transfer {

// What tells one generation of a resource from another, as far as its server says.
struct resource_identity {
  std::optional<std::uint64_t> size;
  std::optional<http::entity_tag> etag;
  std::string last_modified;          // as sent: it is compared and sent back, never computed with
  bool last_modified_strong = false;  // old enough, at the server's own Date, to be a strong one
  std::optional<http::sha256_digest> digest;  // Repr-Digest
  bool coded = false;                         // a Content-Encoding was applied

  // A range asked for later can be proved to be of this generation.
  bool provable() const;
  // The validator for If-Range; empty when there is no strong one.
  std::string if_range() const;

  friend bool operator==(const resource_identity&, const resource_identity&) = default;
};

enum class sameness {
  same,     // proved by a strong validator or digest
  changed,  // proved to be another generation
  unknown,  // nothing that proves either
};

// What an answer's fields say about the whole resource. The size comes from Content-Range or, in a
// 200, from Content-Length.
resource_identity identity_of(const http::response_head& head);

sameness compare(const resource_identity& known, const resource_identity& seen);

}  // namespace tidewire::transfer
