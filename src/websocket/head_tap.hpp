#pragma once

#include "http/head_reader.hpp"
#include "websocket/wire.hpp"

#include <tidewire/http/message.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <string>

namespace tidewire::websocket {

// Stands between Beast and the wire while the answer to an upgrade is expected: reads its head by
// our own rules before Beast sees it, skips interim answers, and cuts off the body of a refusal,
// which may have no end. After a 101 it lets everything through. Beast gets the head by itself and
// what follows later: it has room for little more than a head.
class head_tap final : public wire, public std::enable_shared_from_this<head_tap> {
 public:
  static constexpr std::size_t max_head_bytes = 8 * 1024;

  explicit head_tap(std::shared_ptr<wire> below);

  executor get_executor() override { return below_->get_executor(); }
  void read_some(asio::mutable_buffer space, on_bytes done) override;
  void write_some(const buffer_list& bytes, on_bytes done) override {
    below_->write_some(bytes, std::move(done));
  }
  void shutdown(on_end done) override { below_->shutdown(std::move(done)); }
  void close() override { below_->close(); }

  // The final head, once it came whole and sound.
  const http::response_head* head() const { return reader_.complete() ? &reader_.head() : nullptr; }
  // http::errc::bad_message, http::errc::limit_exceeded, or what the wire said before the head.
  error_code failure() const { return failure_; }

 private:
  void on_piece(error_code ec, std::size_t n, asio::mutable_buffer space, on_bytes done);
  error_code scan();
  std::size_t hand_out(asio::mutable_buffer space);

  std::shared_ptr<wire> below_;
  http::head_reader reader_;
  error_code failure_;
  std::array<char, 2048> piece_;
  std::string text_;          // what came, without interim answers
  std::size_t scanned_ = 0;   // whole lines
  std::size_t head_end_ = 0;  // in text_
  std::size_t taken_ = 0;
};

}  // namespace tidewire::websocket
