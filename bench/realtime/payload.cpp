#include "payload.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace tidewire::bench {

std::string make_payload(std::uint64_t number, std::size_t bytes) {
  auto out = "{\"n\":" + std::to_string(number) + ",\"pad\":\"";
  constexpr std::size_t end = 2;
  if (out.size() + end < bytes) out.append(bytes - out.size() - end, 'x');
  return out + "\"}";
}

std::uint64_t number_in(const std::string& payload) {
  boost::system::error_code ec;
  auto value = boost::json::parse(payload, ec);
  auto* object = ec ? nullptr : value.if_object();
  auto* number = object ? object->if_contains("n") : nullptr;
  if (!number || !number->is_int64()) return 0;
  return static_cast<std::uint64_t>(number->get_int64());
}

}  // namespace tidewire::bench
