#include "command_body.hpp"

#include <tidewire/core/error.hpp>

#include <boost/json/parse.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <utility>

namespace tidewire::demo {
namespace {

constexpr std::size_t max_bytes = 16 * 1024;
constexpr std::size_t max_depth = 8;

}  // namespace

asio::awaitable<outcome> read_command(server::request& req, boost::json::object& into) {
  std::string text;
  std::array<std::byte, 4096> space;
  while (true) {
    auto reading = req.body->read(space);
    auto n = co_await std::move(reading);
    bool large = (!n && n.error() == make_error_code(errc::limit_exceeded)) ||
                 (n && text.size() + *n > max_bytes);
    if (large) co_return refusal{413, "a command has 16 KiB at most"};
    if (!n) co_return refusal{400, "the body broke off"};
    if (*n == 0) break;
    text.append(reinterpret_cast<const char*>(space.data()), *n);
  }
  if (text.empty()) co_return outcome();
  boost::json::parse_options limits;
  limits.max_depth = max_depth;
  boost::json::error_code bad;
  auto parsed = boost::json::parse(text, bad, {}, limits);
  if (bad) co_return refusal{400, "the body is no JSON: " + bad.message()};
  if (!parsed.is_object()) co_return refusal{400, "the body wants to be a JSON object"};
  into = std::move(parsed.get_object());
  co_return outcome();
}

server::response answer_of(const outcome& how) {
  if (how)
    return server::problem(how->status, std::string(server::reason_of(how->status)), how->detail);
  server::response out;
  out.status = 204;
  return out;
}

}  // namespace tidewire::demo
