#pragma once

#include <tidewire/core/types.hpp>

#include <boost/system/error_category.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tidewire {

// JSON from a stranger, as text: checked strictly once, then taken apart without building a
// document. What passes can be handed on byte for byte. Pure functions, thread-safe.

// What is wrong with a JSON text. All are condition::permanent.
enum class json_errc {
  too_large = 1,        // more bytes than json_limits::max_bytes
  malformed,            // not JSON (RFC 8259), not UTF-8, a lone surrogate, or something behind it
  too_deep,             // more nested arrays and objects than json_limits::max_depth
  duplicate_key,        // an object names a member twice: two readers would read two things
  number_out_of_range,  // an integer outside [-2^63, 2^63), or a number beyond a double's range
  not_an_object,        // an object was asked for
};
const boost::system::error_category& json_category() noexcept;
error_code make_error_code(json_errc) noexcept;

struct json_limits {
  std::size_t max_bytes = 1024 * 1024;
  std::size_t max_depth = 32;
};

// One whole JSON value, white space around it allowed.
result<void> check_json(std::string_view text, const json_limits& limits = {});

struct json_member {
  std::string name;        // unescaped
  std::string_view value;  // the value's text, without white space around it
};

// The members of an object, checked as by check_json(). Borrows the text that was parsed.
class json_object_view {
 public:
  static result<json_object_view> parse(std::string_view text, const json_limits& limits = {});

  // Nothing when there is no such member. A member `null` is there.
  std::optional<std::string_view> find(std::string_view name) const;
  const std::vector<json_member>& members() const { return members_; }

 private:
  std::vector<json_member> members_;
};

// The value behind a text that check_json() accepted, or nothing when it is of another type.
std::optional<std::string> json_string(std::string_view value);
std::optional<std::uint64_t> json_uint(std::string_view value);  // below 2^63
std::optional<bool> json_bool(std::string_view value);
// The elements' texts of an array.
std::optional<std::vector<std::string_view>> json_elements(std::string_view value);

// Appends `text`, which must be UTF-8, as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace tidewire

template <>
struct boost::system::is_error_code_enum<tidewire::json_errc> : std::true_type {};
