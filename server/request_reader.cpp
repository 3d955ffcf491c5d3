#include "request_reader.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/http/error.hpp>
#include <tidewire/server/target.hpp>

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <utility>

namespace tidewire::server {

namespace beast_http = boost::beast::http;

struct request_reader::impl {
  beast_http::request_parser<beast_http::buffer_body> parser;
  std::function<void(std::uint64_t, boost::beast::string_view, error_code&)> on_chunk =
      [](std::uint64_t, boost::beast::string_view extension, error_code& ec) {
        if (extension.size() > max_chunk_extension_bytes)
          ec = beast_http::error::bad_chunk_extension;
      };
};

request_reader::request_reader(std::size_t max_header_bytes, std::uint64_t max_body_bytes)
    : impl_(std::make_unique<impl>()), max_body_bytes_(max_body_bytes) {
  auto& p = impl_->parser;
  p.header_limit(static_cast<std::uint32_t>(max_header_bytes));
  p.body_limit(boost::none);  // ours: the answer must tell a large body from a bad one
  p.on_chunk_header(impl_->on_chunk);
}

request_reader::~request_reader() = default;

std::optional<refusal> request_reader::parse_head(std::string_view head, request& out) {
  auto& p = impl_->parser;
  error_code ec;
  p.put(asio::buffer(head.data(), head.size()), ec);
  if (ec == beast_http::error::bad_version) return refusal{505, "version"};
  if (ec || !p.is_header_done()) return refusal{400, "bad_head"};
  auto& message = p.get();
  version_ = message.version();
  out.version = version_;
  out.method = std::string(message.method_string());
  out.target = std::string(message.target());
  for (const auto& f : message)
    out.headers.add(std::string(f.name_string()), std::string(f.value()));
  auto target = parse_target(out.target);
  if (!target) {
    bool long_one = target.error() == make_error_code(errc::limit_exceeded);
    return long_one ? refusal{414, "target_too_long"} : refusal{400, "bad_target"};
  }
  out.path = std::move(target->path);
  out.query = std::move(target->query);
  return check_head(version_, out.headers, target->authority, max_body_bytes_, framing_);
}

request_reader::step request_reader::decode(std::string_view in, std::span<std::byte> out) {
  step total;
  auto& p = impl_->parser;
  while (!p.is_done() && total.produced < out.size()) {
    auto rest = out.subspan(total.produced);
    auto& body = p.get().body();
    body.data = rest.data();
    body.size = rest.size();
    body.more = true;
    error_code ec;
    auto n = p.put(asio::buffer(in.data() + total.consumed, in.size() - total.consumed), ec);
    auto got = rest.size() - body.size;
    total.consumed += n;
    total.produced += got;
    produced_ += got;
    if (ec == beast_http::error::need_buffer) ec = {};
    if (ec == beast_http::error::need_more) break;
    if (ec) {
      total.failure = http::make_error_code(http::errc::bad_message);
      break;
    }
    if (n == 0 && got == 0) break;
  }
  if (produced_ > max_body_bytes_) total.failure = make_error_code(errc::limit_exceeded);
  return total;
}

bool request_reader::done() const {
  return impl_->parser.is_done();
}

}  // namespace tidewire::server
