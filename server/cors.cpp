#include "cors.hpp"

#include <string>

namespace tidewire::server {
namespace {

constexpr auto methods = "GET, HEAD, POST, PUT, PATCH, DELETE";
constexpr auto sent =
    "Authorization, Content-Type, Content-Digest, Idempotency-Key, If-Match, If-None-Match, "
    "If-Range, Range, traceparent";
constexpr auto read =
    "Accept-Ranges, Content-Digest, Content-Range, ETag, Location, Repr-Digest, Retry-After";
constexpr auto remembered_seconds = "600";

}  // namespace

void allow_reading(const request& req, const screening_policy& policy, response& answer) {
  if (!from_listed_origin(req, policy)) return;
  answer.headers.set("Access-Control-Allow-Origin", std::string(*req.headers.find("Origin")));
  answer.headers.set("Access-Control-Expose-Headers", read);
  answer.headers.add("Vary", "Origin");
}

std::optional<response> answer_preflight(const request& req, const screening_policy& policy) {
  bool asks = req.method == "OPTIONS" && req.headers.count("Access-Control-Request-Method") > 0;
  if (!asks || !from_listed_origin(req, policy)) return std::nullopt;
  response out;
  out.status = 204;
  out.headers.set("Access-Control-Allow-Methods", methods);
  out.headers.set("Access-Control-Allow-Headers", sent);
  out.headers.set("Access-Control-Max-Age", remembered_seconds);
  allow_reading(req, policy, out);
  return out;
}

}  // namespace tidewire::server
