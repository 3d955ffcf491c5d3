#include "console.hpp"

#include <tidewire/http/entity_tag.hpp>
#include <tidewire/server/precondition.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tidewire::demo {
namespace {

constexpr auto policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'";

// The bytes are in the program and stay there.
class asset_body final : public server::response_body {
 public:
  explicit asset_body(std::string_view bytes) : all_(bytes), left_(bytes) {}
  std::optional<std::uint64_t> size() const override { return all_.size(); }
  result<std::size_t> read(std::span<std::byte> space) override {
    auto n = left_.copy(reinterpret_cast<char*>(space.data()), space.size());
    left_.remove_prefix(n);
    return n;
  }

 private:
  std::string_view all_, left_;
};

server::response answer(const server::request& req, const console_asset& asset) {
  server::response out;
  out.headers.set("ETag", std::string(asset.etag));
  // Names below assets/ carry a digest of their content; the page itself is asked for anew.
  bool hashed = asset.name.starts_with("assets/");
  out.headers.set("Cache-Control", hashed ? "public, max-age=31536000, immutable" : "no-cache");
  server::validators current;
  current.tag = http::entity_tag::parse(asset.etag);
  if (server::evaluate_preconditions(req.method, req.headers, current) ==
      server::precondition::not_modified) {
    out.status = 304;
    return out;
  }
  out.headers.set("Content-Type", std::string(asset.type));
  out.body = std::make_unique<asset_body>(asset.bytes);
  return out;
}

asio::awaitable<server::response> without_console(server::request&) {
  server::response out;
  out.headers.set("Content-Type", "text/plain; charset=utf-8");
  out.body = server::text_body(
      "This tidewire was built without its console (TIDEWIRE_CONSOLE=OFF).\n"
      "The demo runs nevertheless: /events tells its state, docs/cli.md its commands.\n");
  co_return out;
}

}  // namespace

void add_console(server::router& routes, std::span<const console_asset> assets) {
  bool has_page = false;
  for (const auto& asset : assets) {
    auto serve = [&asset](server::request& req) -> asio::awaitable<server::response> {
      co_return answer(req, asset);
    };
    routes.add("GET", "/" + std::string(asset.name), serve);
    if (asset.name != "index.html") continue;
    has_page = true;
    routes.add("GET", "/", serve);
  }
  if (!has_page) routes.add("GET", "/", without_console);
}

void secure(server::response& answer, std::string_view also_to) {
  std::string rules = policy;
  if (!also_to.empty()) rules += " " + std::string(also_to);
  answer.headers.set("Content-Security-Policy", std::move(rules));
  answer.headers.set("X-Content-Type-Options", "nosniff");
  answer.headers.set("Referrer-Policy", "no-referrer");
  answer.headers.set("Cross-Origin-Resource-Policy", "same-origin");
}

}  // namespace tidewire::demo
