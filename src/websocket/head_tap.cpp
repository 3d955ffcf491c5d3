#include "websocket/head_tap.hpp"

#include <tidewire/http/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstring>

namespace tidewire::websocket {

head_tap::head_tap(std::shared_ptr<wire> below)
    : below_(std::move(below)), reader_(false, max_head_bytes, true) {}

void head_tap::read_some(asio::mutable_buffer space, on_bytes done) {
  if (reader_.complete() && taken_ == text_.size())
    return below_->read_some(space, std::move(done));
  if (reader_.complete()) {
    auto n = hand_out(space);
    asio::post(get_executor(),
               [n, done = std::move(done)]() mutable { std::move(done)(error_code(), n); });
    return;
  }
  auto note = [self = shared_from_this(), space, done = std::move(done)](error_code ec,
                                                                         std::size_t n) mutable {
    self->on_piece(ec, n, space, std::move(done));
  };
  below_->read_some(asio::buffer(piece_), std::move(note));
}

void head_tap::on_piece(error_code ec, std::size_t n, asio::mutable_buffer space, on_bytes done) {
  text_.append(piece_.data(), n);
  if (!ec) ec = scan();
  if (ec) {
    failure_ = ec;
    return std::move(done)(ec, 0);
  }
  if (!reader_.complete()) return read_some(space, std::move(done));
  // The end of a refusal, as far as anybody needs it.
  if (reader_.head().status != 101) return std::move(done)(asio::error::eof, 0);
  std::move(done)(error_code(), hand_out(space));
}

error_code head_tap::scan() {
  while (!reader_.complete()) {
    auto end = text_.find('\n', scanned_);
    if (end == text_.npos) {
      bool endless = text_.size() - scanned_ > max_head_bytes;
      return endless ? http::make_error_code(http::errc::limit_exceeded) : error_code();
    }
    auto line = std::string_view(text_).substr(scanned_, end + 1 - scanned_);
    bool blank = line == "\r\n" || line == "\n";
    auto step = reader_.feed(line);
    if (!step) return step.error();
    scanned_ = end + 1;
    // An interim answer is over.
    if (blank && !reader_.complete()) text_.erase(0, std::exchange(scanned_, 0));
  }
  head_end_ = scanned_;
  return {};
}

std::size_t head_tap::hand_out(asio::mutable_buffer space) {
  auto end = taken_ < head_end_ ? head_end_ : text_.size();
  auto n = std::min(space.size(), end - taken_);
  std::memcpy(space.data(), text_.data() + taken_, n);
  taken_ += n;
  if (taken_ == text_.size()) {
    std::string().swap(text_);
    taken_ = 0;
  }
  return n;
}

}  // namespace tidewire::websocket
