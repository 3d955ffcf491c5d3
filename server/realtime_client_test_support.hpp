#pragma once

#include "raw_client_test_support.hpp"

#include <tidewire/realtime/frame.hpp>
#include <tidewire/websocket/beast_client.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tidewire::server::test {

// A WebSocket to a backend's /realtime/ann, whose calls are made on its strand and waited for here.
class realtime_client {
 public:
  realtime_client(server_fixture& fixture, std::uint16_t port, http::fields headers = {})
      : strand_(asio::make_strand(fixture.io.get_executor())) {
    auto ctx = fixture.make_context();
    ctx.exec = strand_;
    client_ = websocket::make_beast_client(ctx);
    auto url = http::url::parse("http://127.0.0.1:" + std::to_string(port) + "/realtime/ann");
    websocket::connect_request r(*url);
    r.headers = std::move(headers);
    std::promise<void> done;
    asio::post(strand_, [&] {
      client_->async_connect(std::move(r),
                             [&](error_code ec, std::unique_ptr<websocket::connection> made,
                                 const websocket::connect_summary&) {
                               failure = ec;
                               line = std::move(made);
                               done.set_value();
                             });
    });
    done.get_future().wait();
  }
  ~realtime_client() {
    on_strand([this] { line.reset(); });
    on_strand([this] { client_.reset(); });
  }

  void send(const realtime::frame& f) {
    std::promise<void> done;
    auto text = encode_frame(f);
    asio::post(strand_,
               [&] { line->async_write(text, true, [&](error_code) { done.set_value(); }); });
    done.get_future().wait();
  }
  // The next frame; nothing once it is over.
  std::optional<realtime::frame> next() {
    std::promise<std::optional<realtime::frame>> done;
    asio::post(strand_, [&] {
      line->async_read([&](error_code ec, websocket::message m) {
        auto f = realtime::decode_frame(m.data);
        failure = ec;
        done.set_value(ec || !f ? std::nullopt : std::optional(*f));
      });
    });
    return done.get_future().get();
  }

  std::unique_ptr<websocket::connection> line;  // null when it could not be made
  error_code failure;

 private:
  void on_strand(std::function<void()> call) {
    std::promise<void> done;
    asio::post(strand_, [&] {
      call();
      done.set_value();
    });
    done.get_future().wait();
  }

  executor strand_;
  std::unique_ptr<websocket::client> client_;
};

}  // namespace tidewire::server::test
