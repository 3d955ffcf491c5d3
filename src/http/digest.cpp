#include "http/parse.hpp"

#include <tidewire/http/digest.hpp>

#include <openssl/evp.h>

#include <new>

namespace tidewire::http {
namespace {

using namespace detail;

constexpr std::string_view base64_letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// 32 bytes are 43 letters and one "="; RFC 8941, 4.2.7 lets the "=" go missing.
std::optional<sha256_digest> from_base64(std::string_view s) {
  if (s.size() == 44 && s.back() == '=') s.remove_suffix(1);
  if (s.size() != 43) return std::nullopt;
  sha256_digest out;
  unsigned bits = 0, held = 0;
  std::size_t at = 0;
  for (char c : s) {
    auto value = base64_letters.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6) | static_cast<unsigned>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.bytes[at++] = static_cast<std::byte>(bits >> held);
    bits &= (1u << held) - 1;
  }
  return out;
}

std::string to_base64(std::span<const std::byte> bytes) {
  std::string out;
  unsigned bits = 0, held = 0;
  for (auto b : bytes) {
    bits = (bits << 8) | std::to_integer<unsigned>(b);
    for (held += 8; held >= 6;) {
      held -= 6;
      out += base64_letters[(bits >> held) & 63];
    }
    bits &= (1u << held) - 1;
  }
  if (held > 0) out += base64_letters[(bits << (6 - held)) & 63];
  while (out.size() % 4 != 0) out += '=';
  return out;
}

// Reads just enough of a structured dictionary (RFC 8941) to step over members of other types.
class dictionary_reader {
 public:
  explicit dictionary_reader(std::string_view s) : rest_(trim(s)) {}

  bool at_end() const { return rest_.empty(); }

  std::optional<std::string_view> key() {
    if (rest_.empty() || !((rest_[0] >= 'a' && rest_[0] <= 'z') || rest_[0] == '*'))
      return std::nullopt;
    return take_while(rest_, [](char c) {
      return (c >= 'a' && c <= 'z') || is_digit(c) ||
             std::string_view("_-.*").find(c) != std::string_view::npos;
    });
  }

  // The value of the member whose key was just read; empty for a bare key. Nothing when malformed.
  std::optional<std::string_view> value() {
    auto before = rest_;
    std::string_view out;
    if (take(rest_, "=")) {
      before = rest_;
      if (!(rest_.starts_with("(") ? inner_list() : item())) return std::nullopt;
      out = before.substr(0, before.size() - rest_.size());
    }
    if (!parameters()) return std::nullopt;
    return out;
  }

  // Between two members; false when something else follows, or nothing after the comma.
  bool comma() {
    rest_ = trim(rest_);
    if (!take(rest_, ",")) return false;
    rest_ = trim(rest_);
    return !rest_.empty();
  }

 private:
  bool item() {
    if (rest_.empty()) return false;
    char c = rest_[0];
    if (c == '"') return quoted();
    if (c == ':') return binary();
    if (c == '?') return take(rest_, "?0") || take(rest_, "?1");
    if (c == '-' || is_digit(c)) {
      take(rest_, "-");
      return !take_while(rest_, [](char d) { return is_digit(d) || d == '.'; }).empty();
    }
    if (!is_alpha(c) && c != '*') return false;
    take_while(rest_, [](char d) { return is_token_char(d) || d == ':' || d == '/'; });
    return true;
  }

  bool quoted() {
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (is_control(c)) return false;
      if (c == '\\') {
        if (rest_.empty()) return false;
        rest_.remove_prefix(1);
      }
    }
    return false;
  }

  bool binary() {
    rest_.remove_prefix(1);
    take_while(rest_,
               [](char c) { return c == '=' || base64_letters.find(c) != std::string_view::npos; });
    return take(rest_, ":");
  }

  bool inner_list() {
    rest_.remove_prefix(1);
    for (;;) {
      take_while(rest_, [](char c) { return c == ' '; });
      if (take(rest_, ")")) return true;
      if (!item() || !parameters()) return false;
    }
  }

  bool parameters() {
    while (take(rest_, ";")) {
      take_while(rest_, [](char c) { return c == ' '; });
      if (!key()) return false;
      if (take(rest_, "=") && !item()) return false;
    }
    return true;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<sha256_digest> sha256_digest::from_hex(std::string_view text) {
  sha256_digest out;
  if (text.size() != 2 * out.bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < out.bytes.size(); ++i) {
    auto high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
    if (!high || !low) return std::nullopt;
    out.bytes[i] = static_cast<std::byte>(*high << 4 | *low);
  }
  return out;
}

std::string sha256_digest::hex() const {
  std::string out;
  for (auto b : bytes) {
    out += "0123456789abcdef"[std::to_integer<unsigned>(b) >> 4];
    out += "0123456789abcdef"[std::to_integer<unsigned>(b) & 15];
  }
  return out;
}

std::string sha256_digest::field_value() const {
  return "sha-256=:" + to_base64(bytes) + ":";
}

std::optional<sha256_digest> parse_digest_field(std::string_view text) {
  dictionary_reader reader(text);
  std::optional<sha256_digest> out;
  while (!reader.at_end()) {
    auto key = reader.key();
    if (!key) return std::nullopt;
    auto value = reader.value();
    if (!value) return std::nullopt;
    if (*key == "sha-256") {
      if (value->size() < 2 || value->front() != ':') return std::nullopt;
      out = from_base64(value->substr(1, value->size() - 2));  // the last of several counts
      if (!out) return std::nullopt;
    }
    if (!reader.at_end() && !reader.comma()) return std::nullopt;
  }
  return out;
}

struct sha256_hasher::impl {
  impl() : context(EVP_MD_CTX_new()) {
    // Can only fail for want of memory.
    if (!context || EVP_DigestInit_ex(context, EVP_sha256(), nullptr) != 1) {
      EVP_MD_CTX_free(context);
      throw std::bad_alloc();
    }
  }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;
  ~impl() { EVP_MD_CTX_free(context); }

  EVP_MD_CTX* context;
};

sha256_hasher::sha256_hasher() : impl_(std::make_unique<impl>()) {}
sha256_hasher::sha256_hasher(sha256_hasher&&) noexcept = default;
sha256_hasher& sha256_hasher::operator=(sha256_hasher&&) noexcept = default;
sha256_hasher::~sha256_hasher() = default;

void sha256_hasher::update(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size());
}

sha256_digest sha256_hasher::finish() {
  sha256_digest out;
  EVP_DigestFinal_ex(impl_->context, reinterpret_cast<unsigned char*>(out.bytes.data()), nullptr);
  return out;
}

}  // namespace tidewire::http
