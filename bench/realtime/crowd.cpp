// crowd websocket PORT http PORT count N: many connections in one process. Obeys `mark` (the
// network is well from now on), `open` (how many are on a WebSocket) and `report`: of each, seconds
// from the mark to its next WebSocket and to its next message, or -1.
#include "parts.hpp"

#include <memory>

namespace tidewire::bench {
namespace {

struct member {
  std::unique_ptr<realtime::realtime_connection> connection;
  signal<realtime::message>::connection message;
  signal<realtime::connected_event>::connection connected;
  double opened = -1, heard = -1;
};

class crowd {
 public:
  explicit crowd(const arguments& a)
      : edges_(make_context(io_), 2 * a.number("count", 1) + 64),
        members_(a.number("count", 1)),
        commands_(io_, [this](const auto& words) { obey(words); }) {
    auto options = options_of(a);
    options.channels = {"room"};
    auto random = rng::from_entropy();
    for (auto& m : members_) {
      // A stream of its own, as in a process of its own.
      context ctx(io_.get_executor(), rng(random()));
      m.connection = std::make_unique<realtime::realtime_connection>(ctx, edges_.parts(), options);
      m.message = *m.connection->on_message().connect([this, &m](const auto&) {
        if (marked_ > 0 && m.heard < 0) m.heard = now_s() - marked_;
      });
      m.connected = *m.connection->on_connected().connect([this, &m](const auto& e) {
        if (e.mode != realtime::mode::websocket || marked_ == 0 || m.opened >= 0) return;
        m.opened = now_s() - marked_;
      });
      m.connection->async_connect([](error_code, realtime::mode) {});
    }
  }

  int run() {
    io_.run();
    return 0;
  }

 private:
  void obey(const commands::words& w) {
    if (w[0] == "mark") {
      marked_ = now_s();
      for (auto& m : members_) m.opened = m.heard = -1;
    } else if (w[0] == "open") {
      std::size_t open = 0;
      for (auto& m : members_) open += m.connection->status().mode == realtime::mode::websocket;
      say("{\"open\":" + std::to_string(open) + "}");
    } else if (w[0] == "report") {
      std::string line = "{\"report\":[";
      for (auto& m : members_) {
        if (line.back() != '[') line += ',';
        line += "[" + std::to_string(m.opened) + "," + std::to_string(m.heard) + "]";
      }
      say(line + "]}");
    }
  }

  asio::io_context io_{1};
  double marked_ = 0;
  edges edges_;
  std::vector<member> members_;
  commands commands_;
};

}  // namespace

int run_crowd(const arguments& a) {
  return crowd(a).run();
}

}  // namespace tidewire::bench
