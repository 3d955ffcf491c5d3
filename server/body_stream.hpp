#pragma once

#include "request_reader.hpp"
#include "wire.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/server/message.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>

namespace tidewire::server {

// Decodes the body of one request as the handler asks for it.
class body_stream final : public request_body {
 public:
  body_stream(wire& w, request_reader& reader)
      : wire_(w), reader_(reader), began_(w.deadline->now()) {}

  asio::awaitable<result<std::size_t>> read(std::span<std::byte> space) override {
    while (!failure_ && !reader_.done() && !space.empty()) {
      auto step = reader_.decode(wire_.input(), space);
      wire_.consume(step.consumed);
      received_ += step.produced;
      failure_ = step.failure;
      if (failure_) break;
      if (step.produced > 0) co_return step.produced;
      if (reader_.done()) break;
      // What is left is part of a chunk's line or of the trailer.
      if (wire_.input().size() >= max_chunk_line_bytes) {
        failure_ = make_error_code(errc::limit_exceeded);
        break;
      }
      if (!co_await more()) failure_ = make_error_code(boost::system::errc::connection_aborted);
    }
    if (failure_) co_return failure_;
    co_return std::size_t(0);
  }

  // The client waits for our word before it sends; without it, it may never send.
  bool awaits_continue() const { return reader_.how().expects_continue && !continued_; }
  bool failed() const { return failure_.failed(); }

 private:
  static constexpr std::size_t max_chunk_line_bytes = 8 * 1024;

  asio::awaitable<bool> more() {
    if (awaits_continue()) {
      continued_ = true;
      constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      bool sent = co_await wire_.send(asio::buffer(go_on));
      if (!sent) co_return false;
    }
    const auto& o = wire_.options;
    auto rate = std::max<std::uint64_t>(o.min_body_bytes_per_second, 1);
    auto earned = std::chrono::seconds(received_ / rate);
    auto slow = began_ + o.body_deadline + earned;
    wire_.deadline->at(std::min(wire_.deadline->now() + o.body_deadline, slow));
    co_return co_await wire_.receive(wire::body_read_bytes);
  }

  wire& wire_;
  request_reader& reader_;
  clock::time_point began_;
  std::uint64_t received_ = 0;
  bool continued_ = false;
  error_code failure_;
};

}  // namespace tidewire::server
