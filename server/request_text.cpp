#include "request_text.hpp"

#include <tidewire/core/error.hpp>

#include <array>

namespace tidewire::server {

asio::awaitable<result<std::string>> read_text(request& req, std::size_t max_bytes) {
  std::string out;
  std::array<std::byte, 4096> space;
  while (req.body) {
    auto reading = req.body->read(space);
    auto n = co_await std::move(reading);
    if (!n) co_return n.error();
    if (*n == 0) break;
    if (out.size() + *n > max_bytes) co_return make_error_code(errc::limit_exceeded);
    out.append(reinterpret_cast<const char*>(space.data()), *n);
  }
  co_return out;
}

response refuse_body(error_code why) {
  if (why == make_error_code(errc::limit_exceeded))
    return problem(413, "Content Too Large", "the body is larger than this resource takes");
  return problem(400, "Bad Request", "the body did not arrive whole");
}

}  // namespace tidewire::server
