#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidewire::http {

struct field {
  std::string name;
  std::string value;
};

// Header fields in the order of the wire; names compare without case (RFC 9110, 5.1).
class fields {
 public:
  fields() = default;
  fields(std::initializer_list<field> all) : all_(all) {}

  void add(std::string name, std::string value);
  // Replaces every field of that name.
  void set(std::string_view name, std::string value);
  void erase(std::string_view name);

  // The first value of that name.
  std::optional<std::string_view> find(std::string_view name) const;
  // All values of that name joined by ", ", for list fields.
  std::optional<std::string> joined(std::string_view name) const;
  std::size_t count(std::string_view name) const;

  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }
  std::size_t size() const { return all_.size(); }
  bool empty() const { return all_.empty(); }

 private:
  std::vector<field> all_;
};

// ASCII only, as header names, schemes and hosts are.
bool iequals(std::string_view a, std::string_view b) noexcept;

}  // namespace tidewire::http
