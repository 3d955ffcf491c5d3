#include <tidewire/core/error.hpp>
#include <tidewire/core/json_text.hpp>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/error.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tidewire {
namespace {

namespace json = boost::json;

class json_category_impl final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "tidewire.json"; }

  std::string message(int value) const override {
    switch (static_cast<json_errc>(value)) {
      case json_errc::too_large:
        return "the JSON text is too large";
      case json_errc::malformed:
        return "this is not JSON in UTF-8";
      case json_errc::too_deep:
        return "the JSON text is nested too deeply";
      case json_errc::duplicate_key:
        return "a JSON object names a member twice";
      case json_errc::number_out_of_range:
        return "a number is out of range: integers lie in [-2^63, 2^63)";
      case json_errc::not_an_object:
        return "a JSON object was expected";
    }
    return "unknown error";
  }

  boost::system::error_condition default_error_condition(int) const noexcept override {
    return condition::permanent;
  }
};

// Hears what the parser finds and builds nothing, but for the keys of the objects that are open.
class strict_handler {
 public:
  strict_handler() {
    keys_.reserve(few_keys);
    open_.reserve(few_keys);
  }

  static constexpr std::size_t max_object_size = ~std::size_t(0);
  static constexpr std::size_t max_array_size = ~std::size_t(0);
  static constexpr std::size_t max_key_size = ~std::size_t(0);
  static constexpr std::size_t max_string_size = ~std::size_t(0);

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t, error_code&) { return true; }
  bool on_string_part(json::string_view, std::size_t, error_code&) { return true; }
  bool on_string(json::string_view, std::size_t, error_code&) { return true; }
  bool on_bool(bool, error_code&) { return true; }
  bool on_null(error_code&) { return true; }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

  bool on_object_begin(error_code&) {
    open_.push_back(keys_.size());
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, error_code&) {
    key_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, error_code&) {
    key_.append(part.data(), part.size());
    keys_.push_back(std::move(key_));
    key_.clear();
    return true;
  }
  bool on_object_end(std::size_t, error_code& ec) {
    auto first = keys_.begin() + static_cast<std::ptrdiff_t>(open_.back());
    open_.pop_back();
    if (names_twice(first, keys_.end())) ec = json_errc::duplicate_key;
    keys_.erase(first, keys_.end());
    return !ec;
  }

  bool on_number_part(json::string_view part, error_code&) {
    see(part);
    return true;
  }
  bool on_int64(std::int64_t, json::string_view, error_code&) {
    fraction_ = false;
    return true;
  }
  bool on_uint64(std::uint64_t, json::string_view, error_code& ec) {
    ec = json_errc::number_out_of_range;
    return false;
  }
  // What has neither a fraction nor an exponent comes here only when no integer could hold it.
  bool on_double(double value, json::string_view part, error_code& ec) {
    see(part);
    if (!std::exchange(fraction_, false) || !std::isfinite(value))
      ec = json_errc::number_out_of_range;
    return !ec;
  }

 private:
  using keys = std::vector<std::string>;
  static constexpr std::ptrdiff_t few_keys = 16;

  // Most objects have few names, most of them of other lengths: equality is seen sooner than order.
  static bool names_twice(keys::iterator first, keys::iterator last) {
    if (last - first > few_keys) {
      std::sort(first, last);
      return std::adjacent_find(first, last) != last;
    }
    for (; first != last; ++first)
      if (std::find(first + 1, last, *first) != last) return true;
    return false;
  }

  void see(json::string_view part) {
    fraction_ = fraction_ || std::any_of(part.begin(), part.end(),
                                         [](char c) { return c == '.' || c == 'e' || c == 'E'; });
  }

  keys keys_;                      // of all objects that are open, the innermost last
  std::vector<std::size_t> open_;  // where each one's keys begin
  std::string key_;
  bool fraction_ = false;
};

error_code translate(const error_code& ec) {
  if (ec.category() == json_category()) return ec;
  if (ec == json::error::too_deep) return json_errc::too_deep;
  if (ec == json::error::exponent_overflow) return json_errc::number_out_of_range;
  return json_errc::malformed;
}

constexpr std::size_t usual_members = 8;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// The length of the string that `text`, known to be good, begins with.
std::size_t string_length(std::string_view text) {
  std::size_t i = 1, quote = text.find('"', i);
  while (true) {
    auto escape = text.substr(i, quote - i).find('\\');
    if (escape == text.npos) return quote + 1;
    i += escape + 2;
    if (i > quote) quote = text.find('"', i);
  }
}

// The length of the value at the start of `text`, which is known to be good: up to the comma or
// bracket that ends it.
std::size_t value_length(std::string_view text) {
  std::size_t depth = 0, i = 0;
  while (i < text.size()) {
    char c = text[i];
    if (c == '"') {
      i += string_length(text.substr(i));
      continue;
    }
    bool closes = c == '}' || c == ']';
    if (depth == 0 && (closes || c == ',')) break;
    if (c == '{' || c == '[') ++depth;
    if (closes) --depth;
    ++i;
  }
  return i;
}

std::string unescaped(std::string_view quoted) {
  if (quoted.find('\\') == quoted.npos) return std::string(quoted.substr(1, quoted.size() - 2));
  auto value = json::parse(json::string_view(quoted.data(), quoted.size()));
  return std::string(value.get_string().c_str(), value.get_string().size());
}

}  // namespace

const boost::system::error_category& json_category() noexcept {
  static const json_category_impl instance;
  return instance;
}

error_code make_error_code(json_errc e) noexcept {
  return {static_cast<int>(e), json_category()};
}

result<void> check_json(std::string_view text, const json_limits& limits) {
  if (text.size() > limits.max_bytes) return json_errc::too_large;
  json::parse_options options;
  options.max_depth = limits.max_depth;
  json::basic_parser<strict_handler> parser(options);
  error_code ec;
  auto used = parser.write_some(false, text.data(), text.size(), ec);
  if (ec) return translate(ec);
  if (used < text.size()) return json_errc::malformed;
  return {};
}

result<json_object_view> json_object_view::parse(std::string_view text, const json_limits& limits) {
  auto good = check_json(text, limits);
  if (!good) return good.error();
  text = trimmed(text);
  if (text.front() != '{') return json_errc::not_an_object;
  json_object_view out;
  out.members_.reserve(usual_members);
  for (auto rest = trimmed(text.substr(1)); rest.front() != '}';) {
    json_member member;
    auto name = string_length(rest);
    member.name = unescaped(rest.substr(0, name));
    rest = trimmed(rest.substr(name)).substr(1);  // the colon
    auto length = value_length(rest);
    member.value = trimmed(rest.substr(0, length));
    out.members_.push_back(std::move(member));
    rest = rest.substr(length);
    if (rest.front() == ',') rest = trimmed(rest.substr(1));
  }
  return out;
}

std::optional<std::string_view> json_object_view::find(std::string_view name) const {
  for (const auto& member : members_)
    if (member.name == name) return member.value;
  return std::nullopt;
}

std::optional<std::string> json_string(std::string_view value) {
  if (value.empty() || value.front() != '"') return std::nullopt;
  return unescaped(value);
}

std::optional<std::uint64_t> json_uint(std::string_view value) {
  std::uint64_t out = 0;
  auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), out);
  if (ec != std::errc() || end != value.data() + value.size() || out >> 63) return std::nullopt;
  return out;
}

std::optional<bool> json_bool(std::string_view value) {
  if (value == "true") return true;
  if (value == "false") return false;
  return std::nullopt;
}

std::optional<std::vector<std::string_view>> json_elements(std::string_view value) {
  if (value.empty() || value.front() != '[') return std::nullopt;
  std::vector<std::string_view> out;
  for (auto rest = trimmed(value.substr(1)); rest.front() != ']';) {
    auto length = value_length(rest);
    out.push_back(trimmed(rest.substr(0, length)));
    rest = rest.substr(length);
    if (rest.front() == ',') rest = trimmed(rest.substr(1));
  }
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  out += '"';
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace tidewire
