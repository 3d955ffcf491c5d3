// server data DIR files DIR [port N] [messages memory|sqlite]: the backend with wide limits, which
// publishes by itself. Obeys `burst COUNT BYTES` and `rate HZ` (0 ends it).
#include "payload.hpp"
#include "process.hpp"

#include <tidewire/core/timer.hpp>
#include <tidewire/file/filesystem.hpp>
#include <tidewire/server/backend.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <memory>

namespace tidewire::bench {
namespace {

constexpr std::size_t burst_in_flight = 1024;
constexpr auto tick = std::chrono::milliseconds(20);

server::backend_options options_of(const arguments& a) {
  server::backend_options o;
  o.data_folder = a.text("data");
  o.files_folder = a.text("files");
  o.http.port = static_cast<std::uint16_t>(a.number("port", 0));
  o.http.max_connections = o.http.max_connections_per_address = 100'000;
  if (a.text("messages", "memory") == "memory") o.messages_in = server::message_storage::memory;
  // A row is about a client's cost: nobody is sent away for being slow, and what he missed is in
  // memory.
  o.messages.queue_messages = o.messages.ring_messages = 1'000'000;
  o.messages.ring_bytes = o.messages.all_rings_bytes = std::size_t{4} << 30;
  o.messages.publish_per_second = o.messages.publish_burst = 1e6;
  o.messages_keep.max_messages = 1'000'000;
  return o;
}

class bench_server {
 public:
  explicit bench_server(const arguments& a)
      : disk_(file::make_posix_filesystem()),
        backend_(make_context(io_), *disk_, options_of(a)),
        every_(io_.get_executor()),
        commands_(io_, [this](const auto& words) { obey(words); }) {}

  int run() {
    auto listening = backend_.listen();
    if (!listening) return say("can't listen: " + listening.error().message()), 1;
    backend_.async_run([](error_code) {});
    say("{\"port\":" + std::to_string(backend_.port()) + "}");
    io_.run();
    return 0;
  }

 private:
  void obey(const commands::words& w) {
    if (w.size() == 3 && w[0] == "burst") {
      left_ = std::stoull(w[1]);
      bytes_ = std::stoull(w[2]);
      fill();
    } else if (w.size() == 2 && w[0] == "rate") {
      rate_ = std::stod(w[1]);
      begun_ = now_s();
      sent_ = 0;
      pace();
    }
  }

  void publish(std::function<void()> then) {
    server::new_message m;
    m.channel = "room";
    m.id = "s:" + std::to_string(++number_);
    m.data = make_payload(number_, bytes_);
    auto done = [ex = io_.get_executor(), then = std::move(then)](error_code, const auto&) {
      asio::post(ex, then);
    };
    backend_.messages()->async_publish(std::move(m), done);
  }

  void fill() {
    while (left_ > 0 && in_flight_ < burst_in_flight) {
      --left_;
      ++in_flight_;
      publish([this] {
        --in_flight_;
        if (in_flight_ <= burst_in_flight / 2) fill();
      });
    }
  }

  void pace() {
    auto due = static_cast<std::uint64_t>((now_s() - begun_) * rate_);
    for (; sent_ < due; ++sent_) publish([] {});
    if (rate_ <= 0) return;
    every_.expires_after(tick);
    every_.async_wait([this](error_code ec) {
      if (!ec) pace();
    });
  }

  asio::io_context io_{1};
  std::unique_ptr<file::filesystem> disk_;
  server::backend backend_;
  timer every_;
  commands commands_;
  std::uint64_t number_ = 0, left_ = 0, sent_ = 0;
  std::size_t bytes_ = 64, in_flight_ = 0;
  double rate_ = 0, begun_ = 0;
};

}  // namespace

int run_server(const arguments& a) {
  return bench_server(a).run();
}

}  // namespace tidewire::bench
