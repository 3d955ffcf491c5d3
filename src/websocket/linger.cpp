#include "websocket/linger.hpp"

#include <tidewire/core/timer.hpp>

#include <array>
#include <cstddef>

namespace tidewire::websocket {
namespace {

struct lingering : std::enable_shared_from_this<lingering> {
  lingering(std::shared_ptr<wire> wire, executor ex) : w(std::move(wire)), deadline(ex) {}

  void start(bool first, std::chrono::nanoseconds limit) {
    deadline.expires_after(limit);
    deadline.async_wait([weak = weak_from_this()](error_code ec) {
      auto self = weak.lock();
      if (self && !ec) self->w->close();
    });
    if (!first) return read();
    w->shutdown([self = shared_from_this()](error_code ec) {
      if (!ec) self->read();
    });
  }

  void read() {
    auto self = shared_from_this();
    w->read_some(asio::buffer(space), [self](error_code ec, std::size_t n) {
      self->seen += n;
      if (!ec && self->seen < max_lingering_bytes) self->read();
    });
  }

  std::shared_ptr<wire> w;
  timer deadline;
  std::size_t seen = 0;
  std::array<std::byte, 4096> space;
};

}  // namespace

void linger(std::shared_ptr<wire> w, bool first, std::chrono::nanoseconds limit) {
  auto ex = w->get_executor();
  std::make_shared<lingering>(std::move(w), ex)->start(first, limit);
}

}  // namespace tidewire::websocket
