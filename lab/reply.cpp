#include "reply.hpp"

#include <tidewire/http/content_range.hpp>

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace tidewire::lab::detail {
namespace {

// Text before and behind another body.
class wrapped_body final : public server::response_body {
 public:
  wrapped_body(std::string before, std::shared_ptr<server::response_body> inner, std::string after)
      : before_(std::move(before)), inner_(std::move(inner)), after_(std::move(after)) {}

  std::optional<std::uint64_t> size() const override {
    auto n = inner_->size();
    if (n) *n += before_.size() + after_.size();
    return n;
  }

  result<std::size_t> read(std::span<std::byte> space) override {
    if (auto n = take(before_, before_at_, space)) return n;
    auto got = inner_->read(space);
    if (!got || *got > 0) return got;
    return take(after_, after_at_, space);
  }

  asio::awaitable<void> ready() override { return inner_->ready(); }

 private:
  static std::size_t take(const std::string& text, std::size_t& at, std::span<std::byte> space) {
    auto n = std::min(space.size(), text.size() - at);
    std::memcpy(space.data(), text.data() + at, n);
    at += n;
    return n;
  }

  std::string before_;
  std::shared_ptr<server::response_body> inner_;
  std::string after_;
  std::size_t before_at_ = 0, after_at_ = 0;
};

void set_length(reply& r, std::optional<std::uint64_t> told) {
  r.head.content_length = told;
  if (told)
    r.head.headers.set("Content-Length", std::to_string(*told));
  else
    r.head.headers.erase("Content-Length");
}

void replace_answer(reply& r, unsigned status, const char* text) {
  r.head.status = status;
  for (auto name : {"ETag", "Content-Range", "Last-Modified", "Repr-Digest", "Accept-Ranges",
                    "Transfer-Encoding"})
    r.head.headers.erase(name);
  r.head.headers.set("Content-Type", "text/plain");
  if (r.body) r.body = server::text_body(text);
  r.bytes = r.body ? std::strlen(text) : 0;
  r.head.self_delimited = true;
  set_length(r, std::strlen(text));
}

std::optional<http::content_range> range_of(const reply& r) {
  if (r.head.status != 206) return std::nullopt;
  auto text = r.head.headers.find("Content-Range");
  if (!text) return std::nullopt;
  auto range = http::content_range::parse(*text);
  return range && range->first && range->total ? range : std::nullopt;
}

void set_range(reply& r, std::uint64_t first, std::uint64_t last, std::uint64_t total) {
  r.head.headers.set("Content-Range", "bytes " + std::to_string(first) + "-" +
                                          std::to_string(last) + "/" + std::to_string(total));
}

bool lie_about_range(network_fault lie, std::int64_t parameter, reply& r) {
  auto range = range_of(r);
  if (!range) return false;
  auto shift = 1 + static_cast<std::uint64_t>(parameter) % 1000;
  if (lie == network_fault::lie_range_total) {
    set_range(r, *range->first, *range->last, *range->total + shift);
  } else if (*range->first >= shift) {
    set_range(r, *range->first - shift, *range->last - shift, *range->total);
  } else {
    set_range(r, *range->first + shift, *range->last + shift,
              std::max(*range->total, *range->last + shift + 1));
  }
  return true;
}

bool lie_about_tag(network_fault lie, std::int64_t parameter, reply& r) {
  auto tag = r.head.headers.find("ETag");
  if (!tag) return false;
  if (lie == network_fault::lie_etag_missing) {
    r.head.headers.erase("ETag");
  } else if (lie == network_fault::lie_etag_weak) {
    if (tag->starts_with("W/")) return false;
    r.head.headers.set("ETag", "W/" + std::string(*tag));
  } else {
    r.head.headers.set("ETag", "\"other-" + std::to_string(parameter) + "\"");
  }
  return true;
}

bool lie_multipart(reply& r) {
  auto range = r.head.headers.find("Content-Range");
  if (r.head.status != 206 || !range || !r.body) return false;
  std::string before = "--tidewire-part\r\nContent-Type: application/octet-stream\r\n";
  before += "Content-Range: " + std::string(*range) + "\r\n\r\n";
  std::string after = "\r\n--tidewire-part--\r\n";
  r.head.headers.erase("Content-Range");
  r.head.headers.set("Content-Type", "multipart/byteranges; boundary=tidewire-part");
  auto more = before.size() + after.size();
  r.body = std::make_shared<wrapped_body>(std::move(before), std::move(r.body), std::move(after));
  if (r.bytes) *r.bytes += more;
  if (r.head.content_length) set_length(r, *r.head.content_length + more);
  return true;
}

bool lie_about_length(network_fault lie, std::int64_t parameter, reply& r) {
  if (!r.body || !r.bytes || *r.bytes == 0 || !r.head.content_length) return false;
  auto by = 1 + static_cast<std::uint64_t>(parameter) % 1000;
  r.close = true;
  if (lie == network_fault::lie_no_length) {
    r.head.self_delimited = false;
    set_length(r, std::nullopt);
  } else if (lie == network_fault::lie_length_longer) {
    set_length(r, *r.bytes + by);
    r.ends_early = true;
  } else {
    r.bytes = *r.bytes - std::min(by, *r.bytes);
    set_length(r, r.bytes);
  }
  return true;
}

constexpr std::array<unsigned, 8> refusals{401, 403, 404, 410, 412, 416, 500, 502};

}  // namespace

reply make_reply(server::response answer, bool head_only) {
  reply r;
  r.head.status = answer.status;
  r.head.headers = std::move(answer.headers);
  // The edge decides on framing, as a real one does.
  for (auto name : {"Content-Length", "Transfer-Encoding", "Connection"})
    r.head.headers.erase(name);
  bool bodiless = answer.status == 204 || answer.status == 304;
  if (bodiless) {
    r.bytes = 0;
    return r;
  }
  auto size = answer.body ? answer.body->size() : std::optional<std::uint64_t>(0);
  if (size)
    set_length(r, size);
  else
    r.head.headers.set("Transfer-Encoding", "chunked");
  if (head_only || !answer.body) {
    r.bytes = 0;
    return r;
  }
  r.bytes = size;
  r.body = std::move(answer.body);
  return r;
}

bool tell_lie(network_fault lie, std::int64_t parameter, const http::url& target, reply& r) {
  switch (lie) {
    case network_fault::lie_range_start:
    case network_fault::lie_range_total:
      return lie_about_range(lie, parameter, r);
    case network_fault::lie_partial_as_200:
      if (r.head.status != 206) return false;
      r.head.status = 200;
      r.head.headers.erase("Content-Range");
      return true;
    case network_fault::lie_etag_other:
    case network_fault::lie_etag_missing:
    case network_fault::lie_etag_weak:
      return lie_about_tag(lie, parameter, r);
    case network_fault::lie_content_encoding:
      if (!r.body) return false;
      r.head.headers.set("Content-Encoding", "gzip");
      return true;
    case network_fault::lie_status:
      replace_answer(r, refusals[static_cast<std::size_t>(parameter) % refusals.size()], "no\n");
      return true;
    case network_fault::lie_retry_later:
      replace_answer(r, parameter % 2 ? 429 : 503, "later\n");
      r.head.headers.set("Retry-After", std::to_string(parameter));
      return true;
    case network_fault::lie_multipart:
      return lie_multipart(r);
    case network_fault::lie_length_longer:
    case network_fault::lie_length_shorter:
    case network_fault::lie_no_length:
      return lie_about_length(lie, parameter, r);
    case network_fault::lie_redirect:
      replace_answer(r, 302, "elsewhere\n");
      r.head.headers.set("Location", target.origin() + std::string(target.target()));
      return true;
    default:
      return false;
  }
}

}  // namespace tidewire::lab::detail
