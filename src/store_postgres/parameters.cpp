#include <tidewire/store_postgres/statement.hpp>

#include <charconv>

namespace tidewire::store_postgres {
namespace {

std::string text_of(std::int64_t value) {
  char out[24];
  auto end = std::to_chars(out, out + sizeof out, value).ptr;
  return {out, end};
}

// postgresql.org/docs/15/arrays.html#ARRAYS-IO: always quoted, so that "NULL" is a text.
void append_element(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

bool has_nul(std::string_view text) {
  return text.find('\0') != text.npos;
}

}  // namespace

parameters& parameters::push(std::string text, bool null, bool binary) {
  values_.push_back({std::move(text), null, binary});
  return *this;
}

parameters& parameters::add(std::int64_t value) {
  return push(text_of(value));
}

parameters& parameters::add(double value) {
  char out[40];
  auto end = std::to_chars(out, out + sizeof out, value).ptr;
  return push({out, end});
}

parameters& parameters::add(bool value) {
  return push(value ? "t" : "f");
}

parameters& parameters::add(std::string_view text) {
  if (has_nul(text)) unfit_ = true;
  return push(std::string(text));
}

parameters& parameters::add_null() {
  return push({}, true);
}

parameters& parameters::add_bytes(std::span<const std::byte> bytes) {
  return push({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, false, true);
}

parameters& parameters::add_array(std::span<const std::int64_t> values) {
  std::string out = "{";
  for (auto v : values) {
    if (out.size() > 1) out += ',';
    out += text_of(v);
  }
  return push(out + "}");
}

parameters& parameters::add_array(std::span<const std::string> texts) {
  std::string out = "{";
  for (const auto& t : texts) {
    if (out.size() > 1) out += ',';
    append_element(out, t);
  }
  if (has_nul(out)) unfit_ = true;
  return push(out + "}");
}

parameters& parameters::add_array(std::span<const std::optional<std::string>> texts) {
  std::string out = "{";
  for (const auto& t : texts) {
    if (out.size() > 1) out += ',';
    if (t)
      append_element(out, *t);
    else
      out += "NULL";
  }
  if (has_nul(out)) unfit_ = true;
  return push(out + "}");
}

}  // namespace tidewire::store_postgres
