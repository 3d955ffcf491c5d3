#pragma once

#include <tidewire/core/types.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire::server {

// The query of a request target, decoded: "ch=a%20b&limit=5".
class query {
 public:
  // errc::invalid_argument for a "%" without two digits, octets that are not UTF-8, control
  // characters, and a name that comes twice.
  static result<query> parse(std::string_view encoded);

  // Nothing when it isn't there.
  std::optional<std::string> text(const std::string& name) const;
  // `otherwise` when it isn't there; errc::invalid_argument when it is no integer below 2^63.
  result<std::uint64_t> number(const std::string& name, std::uint64_t otherwise) const;

 private:
  std::map<std::string, std::string> all_;
};

}  // namespace tidewire::server
