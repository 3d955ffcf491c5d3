#pragma once

#include "http/raw_server_test_support.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/http/error.hpp>
#include <tidewire/websocket/beast_client.hpp>
#include <tidewire/websocket/error.hpp>

#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <future>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidewire::websocket::test {

using http::testing::raw_connection;
using http::testing::raw_server;

inline std::string key_of(const std::string& head) {
  auto at = head.find("Sec-WebSocket-Key: ");
  return at == head.npos ? "" : head.substr(at + 19, 24);
}

inline std::string accept_of(const std::string& key) {
  auto text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char hash[SHA_DIGEST_LENGTH], out[32];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash);
  auto n = EVP_EncodeBlock(out, hash, sizeof hash);
  return std::string(reinterpret_cast<char*>(out), static_cast<std::size_t>(n));
}

// The answer to an upgrade; `more` are further header lines.
inline std::string switching(const std::string& key, const std::string& more = {}) {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: " +
         accept_of(key) + "\r\n" + more + "\r\n";
}

struct opened {
  error_code error;
  std::unique_ptr<connection> socket;
  connect_summary summary;
};

// A client on an io_context that runs in the test's own thread.
class client_fixture : public testing::Test {
 protected:
  // Whatever proxy the machine's environment names must not come between.
  static beast_client_options direct() {
    beast_client_options out;
    out.proxy = "";
    return out;
  }
  static connect_request to(const std::string& url) {
    return connect_request(http::url::parse(url).value());
  }

  void make(beast_client_options options) {
    sockets = make_beast_client(context(io.get_executor(), rng(1)), std::move(options));
  }

  // Runs until the operation that `start` begins has completed.
  template <class Start>
  void complete(Start start) {
    bool done = false;
    start([&] { done = true; });
    io.restart();
    while (!done && io.run_one() > 0) {
    }
    EXPECT_TRUE(done);
  }
  void run() {
    io.restart();
    io.run();
  }

  opened connect(connect_request request) {
    if (!sockets) make(direct());
    opened out;
    complete([&](auto done) {
      sockets->async_connect(std::move(request), [&out, done](error_code ec, auto socket, auto s) {
        out.error = ec;
        out.socket = std::move(socket);
        out.summary = std::move(s);
        done();
      });
    });
    EXPECT_EQ(out.error.failed(), out.socket == nullptr);
    return out;
  }
  std::pair<error_code, message> read(connection& c) {
    std::pair<error_code, message> out;
    complete([&](auto done) {
      c.async_read([&out, done](error_code ec, message m) {
        out = {ec, std::move(m)};
        done();
      });
    });
    return out;
  }
  error_code write(connection& c, std::string_view data, bool text = true) {
    error_code out;
    complete([&](auto done) {
      c.async_write(data, text, [&out, done](error_code ec) {
        out = ec;
        done();
      });
    });
    return out;
  }
  error_code close(connection& c, close_code code, std::string why = {}) {
    error_code out;
    complete([&](auto done) {
      c.async_close(code, std::move(why), [&out, done](error_code ec) {
        out = ec;
        done();
      });
    });
    return out;
  }

  asio::io_context io{1};
  std::unique_ptr<client> sockets;
};

}  // namespace tidewire::websocket::test
