#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tidewire::http {

// A SHA-256 value.
struct sha256_digest {
  std::array<std::byte, 32> bytes{};

  static std::optional<sha256_digest> from_hex(std::string_view text);  // 64 digits, either case
  std::string hex() const;
  // "sha-256=:base64:", as Repr-Digest and Content-Digest carry it (RFC 9530).
  std::string field_value() const;
  friend bool operator==(const sha256_digest&, const sha256_digest&) = default;
};

// The sha-256 member of a Repr-Digest or Content-Digest field; other algorithms are skipped.
// Nothing when absent or malformed.
std::optional<sha256_digest> parse_digest_field(std::string_view text);

// Incremental SHA-256 (OpenSSL). Not thread-safe.
class sha256_hasher {
 public:
  sha256_hasher();
  sha256_hasher(sha256_hasher&&) noexcept;
  sha256_hasher& operator=(sha256_hasher&&) noexcept;
  ~sha256_hasher();
  void update(std::span<const std::byte> bytes);
  sha256_digest finish();  // once

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace tidewire::http
