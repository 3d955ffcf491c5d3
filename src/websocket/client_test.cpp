#include "http/tls_test_support.hpp"
#include "websocket/client_test_support.hpp"
#include "websocket/frame_test_support.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <atomic>
#include <cstdlib>

namespace tidewire::websocket {
namespace {

using namespace std::chrono_literals;
using test::raw_connection;
using test::raw_server;

class client_test : public test::client_fixture {
 protected:
  // Answers the upgrade, then does as told.
  static raw_server::script after_upgrade(std::function<void(raw_connection&)> then) {
    return [then](raw_connection& c) {
      c.write(test::switching(test::key_of(c.read_head())));
      then(c);
    };
  }
  // One answer in place of 101, then silence until the client goes.
  static raw_server::script answers(std::string text) {
    return [text](raw_connection& c) {
      c.read_head();
      c.write(text);
      c.wait_closed();
    };
  }
  test::opened connect_to(const raw_server& server) { return connect(to(server.url("/r?a=b"))); }
};

TEST_F(client_test, asks_for_the_upgrade_with_the_callers_fields) {
  std::promise<std::string> asked;
  raw_server server([&](raw_connection& c) {
    auto head = c.read_head();
    c.write(test::switching(test::key_of(head), "Sec-WebSocket-Protocol: chat.v2\r\n"));
    asked.set_value(head);
    c.wait_closed();
  });
  auto request = to(server.url("/r?a=b"));
  request.headers.add("Authorization", "Bearer t");
  request.headers.add("Sec-WebSocket-Protocol", "chat.v1, chat.v2");
  request.headers.add("Sec-WebSocket-Key", "mine");  // not the caller's to say
  request.headers.add("Host", "elsewhere");
  auto got = connect(std::move(request));
  ASSERT_FALSE(got.error) << got.summary.detail;
  EXPECT_EQ(got.summary.status, 101u);
  auto head = asked.get_future().get();
  EXPECT_TRUE(head.starts_with("GET /r?a=b HTTP/1.1\r\n")) << head;
  EXPECT_NE(head.find("Host: 127.0.0.1:" + std::to_string(server.port()) + "\r\n"), head.npos);
  EXPECT_NE(head.find("Authorization: Bearer t\r\n"), head.npos);
  EXPECT_NE(head.find("User-Agent: tidewire/0.1\r\n"), head.npos);
  EXPECT_NE(head.find("Sec-WebSocket-Version: 13\r\n"), head.npos);
  EXPECT_EQ(head.find("mine"), head.npos);
  EXPECT_EQ(head.find("elsewhere"), head.npos);
  EXPECT_EQ(head.find("Extensions"), head.npos);
}

TEST_F(client_test, masks_differ_from_frame_to_frame) {
  std::promise<std::string> frames;
  raw_server server(after_upgrade([&](raw_connection& c) {
    frames.set_value(c.read(2 * (2 + 4 + 4)));
    c.wait_closed();
  }));
  auto got = connect_to(server);
  ASSERT_TRUE(got.socket);
  EXPECT_FALSE(write(*got.socket, "same"));
  EXPECT_FALSE(write(*got.socket, "same"));
  auto bytes = frames.get_future().get();
  EXPECT_NE(bytes.substr(2, 4), bytes.substr(12, 4));
  auto all = test::decode(bytes);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].payload, "same");
  EXPECT_EQ(all[1].payload, "same");
}

TEST_F(client_test, frames_that_came_with_the_answer_are_read) {
  // More than Beast has room for behind a head.
  auto first = test::encode(test::text(std::string(5000, 'a')), false);
  auto second = test::encode(test::text("b"), false);
  raw_server server([&](raw_connection& c) {
    auto key = test::key_of(c.read_head());
    c.write("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" +
            test::switching(key, "X-Long: " + std::string(3000, 'x') + "\r\n") + first + second);
    c.wait_closed();
  });
  auto got = connect_to(server);
  ASSERT_TRUE(got.socket) << got.error.message() << got.summary.detail;
  EXPECT_EQ(read(*got.socket).second.data, std::string(5000, 'a'));
  EXPECT_EQ(read(*got.socket).second.data, "b");
}

TEST_F(client_test, answers_that_are_no_upgrade) {
  const std::string up = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
  const std::string right = "Sec-WebSocket-Accept: %A\r\n";
  auto bad = make_error_code(errc::bad_handshake);
  auto refused = make_error_code(errc::refused);
  auto nonsense = http::make_error_code(http::errc::bad_message);
  struct row {
    std::string name, text;
    error_code error;
    unsigned status;
  };
  const std::string switching = "HTTP/1.1 101 Switching Protocols\r\n";
  std::vector<row> rows = {
      {"wrong key", switching + up + "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
       bad, 101},
      {"no key", switching + up + "\r\n", bad, 101},
      {"two keys", switching + up + right + right + "\r\n", bad, 101},
      {"no upgrade", switching + "Connection: Upgrade\r\n" + right + "\r\n", bad, 101},
      {"other protocol", switching + "Upgrade: h2c\r\nConnection: Upgrade\r\n" + right + "\r\n",
       bad, 101},
      {"no connection", switching + "Upgrade: websocket\r\n" + right + "\r\n", bad, 101},
      {"extension", switching + up + right + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
       bad, 101},
      {"subprotocol", switching + up + right + "Sec-WebSocket-Protocol: chat\r\n\r\n", bad, 101},
      {"with a body", switching + up + right + "Content-Length: 5\r\n\r\nhello", bad, 101},
      {"chunked", switching + up + right + "Transfer-Encoding: chunked\r\n\r\n", bad, 101},
      {"old version", "HTTP/1.0 101 Switching Protocols\r\n" + up + right + "\r\n", bad, 101},
      {"200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", refused, 200},
      {"endless body", "HTTP/1.1 403 Forbidden\r\n\r\nand so on", refused, 403},
      {"redirect", "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", refused, 302},
      {"folded", switching + up + "X: a\r\n b\r\n" + right + "\r\n", nonsense, 0},
      {"no HTTP", "SSH-2.0-OpenSSH\r\n\r\n", nonsense, 0},
  };
  for (const auto& r : rows) {
    raw_server server([&](raw_connection& c) {
      auto text = r.text;
      auto accept = test::accept_of(test::key_of(c.read_head()));
      for (auto at = text.find("%A"); at != text.npos; at = text.find("%A"))
        text.replace(at, 2, accept);
      c.write(text);
      c.wait_closed();
    });
    auto got = connect_to(server);
    EXPECT_EQ(got.error, r.error) << r.name << ": " << got.error.message();
    EXPECT_EQ(got.summary.status, r.status) << r.name;
    EXPECT_FALSE(got.summary.detail.empty()) << r.name;
  }
}

TEST_F(client_test, a_refusal_says_when_to_come_back) {
  raw_server server(answers("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n\r\n"));
  auto got = connect_to(server);
  EXPECT_EQ(got.error, make_error_code(errc::refused));
  EXPECT_EQ(got.summary.status, 503u);
  EXPECT_EQ(got.summary.retry_after, 7s);

  raw_server absurd(answers("HTTP/1.1 429 Too Many\r\nRetry-After: 99999999999\r\n\r\n"));
  EXPECT_EQ(connect_to(absurd).summary.retry_after, 24h);
}

TEST_F(client_test, an_endless_head_is_cut) {
  raw_server server([](raw_connection& c) {
    c.read_head();
    std::string line = "X-Pad: " + std::string(1000, 'x') + "\r\n";
    c.write("HTTP/1.1 101 Switching Protocols\r\n");
    while (c.write(line)) {
    }
  });
  EXPECT_EQ(connect_to(server).error, http::make_error_code(http::errc::limit_exceeded));
}

TEST_F(client_test, one_deadline_for_the_whole_handshake) {
  raw_server server([](raw_connection& c) { c.wait_closed(); });  // accepts and says nothing
  auto request = to(server.url());
  request.limits.handshake = 50ms;
  auto got = connect(std::move(request));
  EXPECT_EQ(got.error, make_error_code(tidewire::errc::timed_out));
  EXPECT_EQ(got.summary.detail, "timed out waiting for the answer to the upgrade");
  EXPECT_EQ(got.summary.status, 0u);
}

TEST_F(client_test, failures_on_the_way) {
  raw_server closing([](raw_connection& c) { c.read_head(); });
  EXPECT_EQ(connect_to(closing).error, http::make_error_code(http::errc::receive_failed));

  unsigned short nobody = 0;
  {
    raw_server gone([](raw_connection&) {});
    nobody = gone.port();
  }
  auto refused = connect(to("http://127.0.0.1:" + std::to_string(nobody)));
  EXPECT_EQ(refused.error, http::make_error_code(http::errc::connect_failed));
  EXPECT_TRUE(refused.error == condition::retryable);

  auto unknown = connect(to("http://no-such-host.invalid/"));
  EXPECT_EQ(unknown.error, http::make_error_code(http::errc::resolve_failed));

  auto request = to("http://127.0.0.1:1/");
  request.headers.add("X", "a\r\nInjected: b");
  EXPECT_EQ(connect(std::move(request)).error, make_error_code(tidewire::errc::invalid_argument));
}

TEST_F(client_test, an_attempt_can_be_cancelled) {
  asio::cancellation_signal signal;
  raw_server server([&](raw_connection& c) {
    c.read_head();
    asio::post(io, [&] { signal.emit(asio::cancellation_type::terminal); });
    c.wait_closed();
  });
  make(direct());
  error_code ec;
  bool none = false;
  complete([&](auto done) {
    auto note = [&, done](error_code e, std::unique_ptr<connection> s, connect_summary) {
      ec = e;
      none = s == nullptr;
      done();
    };
    sockets->async_connect(to(server.url()), asio::bind_cancellation_slot(signal.slot(), note));
  });
  EXPECT_EQ(ec, asio::error::operation_aborted);
  EXPECT_TRUE(none);
}

TEST_F(client_test, credentials_of_the_url_are_sent) {
  std::promise<std::string> asked;
  raw_server server([&](raw_connection& c) { asked.set_value(c.read_head()); });
  connect(to("http://us%65r:p%3Aw@127.0.0.1:" + std::to_string(server.port()) + "/"));
  EXPECT_NE(asked.get_future().get().find("Authorization: Basic dXNlcjpwOnc=\r\n"),
            std::string::npos);
}

TEST_F(client_test, tunnels_through_a_proxy) {
  std::promise<std::string> asked, upgraded;
  raw_server proxy([&](raw_connection& c) {
    asked.set_value(c.read_head());
    c.write("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n");
    auto head = c.read_head();
    c.write(test::switching(test::key_of(head)) + test::encode(test::text("through"), false));
    upgraded.set_value(head);
    c.wait_closed();
  });
  beast_client_options options;
  options.proxy = "http://me:secret@127.0.0.1:" + std::to_string(proxy.port());
  make(options);
  auto got = connect(to("http://chat.invalid/r"));  // only the proxy needs to know the name
  ASSERT_TRUE(got.socket) << got.error.message() << " " << got.summary.detail;
  EXPECT_EQ(read(*got.socket).second.data, "through");
  auto tunnel = asked.get_future().get();
  EXPECT_TRUE(tunnel.starts_with("CONNECT chat.invalid:80 HTTP/1.1\r\n")) << tunnel;
  EXPECT_NE(tunnel.find("Proxy-Authorization: Basic bWU6c2VjcmV0\r\n"), tunnel.npos);
  auto head = upgraded.get_future().get();
  EXPECT_TRUE(head.starts_with("GET /r HTTP/1.1\r\n"));
  EXPECT_EQ(head.find("Proxy-"), head.npos);
}

TEST_F(client_test, a_proxy_that_refuses) {
  for (std::string text :
       {"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "gibberish\r\n\r\n"}) {
    raw_server proxy(answers(text));
    beast_client_options options;
    options.proxy = "127.0.0.1:" + std::to_string(proxy.port());
    make(options);
    auto got = connect(to("http://chat.invalid/r"));
    EXPECT_EQ(got.error, http::make_error_code(http::errc::proxy_failed)) << got.error.message();
  }
  beast_client_options options;
  options.proxy = "socks5://127.0.0.1:1";
  make(options);
  EXPECT_EQ(connect(to("http://chat.invalid/")).error,
            http::make_error_code(http::errc::proxy_failed));
}

// An accepted certificate shows as an upgrade that is refused by status.
constexpr const char* refusal = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

TEST_F(client_test, tls_is_verified) {
  using http::testing::certificate;
  using http::testing::tls_server;
  certificate good("IP:127.0.0.1"), other("DNS:elsewhere.example");
  tls_server server(good, refusal), wrong_name(other, refusal);
  auto at = [](const tls_server& s) {
    return "https://127.0.0.1:" + std::to_string(s.port()) + "/";
  };
  auto failed = http::make_error_code(http::errc::tls_failed);

  EXPECT_EQ(connect(to(at(server))).error, failed);  // self-signed

  auto trusting = direct();
  trusting.ca_file = good.file();
  make(trusting);
  auto got = connect(to(at(server)));
  EXPECT_EQ(got.error, make_error_code(errc::refused)) << got.error.message() << got.summary.detail;
  EXPECT_EQ(got.summary.status, 404u);

  trusting.ca_file = other.file();  // trusted, but for another host
  make(trusting);
  EXPECT_EQ(connect(to(at(wrong_name))).error, failed);

  trusting.ca_file = "/nonexistent";
  make(trusting);
  got = connect(to(at(server)));
  EXPECT_EQ(got.error, failed);
  EXPECT_NE(got.summary.detail.find("certificates can't be read"), std::string::npos);
}

TEST_F(client_test, frames_travel_over_tls) {
  using http::testing::certificate;
  using http::testing::tls_server;
  certificate own("IP:127.0.0.1");
  std::string large(100'000, 'x');  // several records
  tls_server server(own, [&](const std::string& head) {
    return test::switching(test::key_of(head)) +
           test::encode({test::text("hello"), test::binary(large), test::close_frame(1000, "bye")},
                        false);
  });
  auto options = direct();
  options.ca_file = own.file();
  make(options);
  auto request = to("https://127.0.0.1:" + std::to_string(server.port()) + "/");
  request.limits.close_timeout = 50ms;
  auto got = connect(std::move(request));
  ASSERT_TRUE(got.socket) << got.error.message() << " " << got.summary.detail;
  EXPECT_EQ(read(*got.socket).second.data, "hello");
  EXPECT_EQ(read(*got.socket).second.data, large);
  EXPECT_EQ(read(*got.socket).first, make_error_code(errc::closed));
  EXPECT_EQ(got.socket->reason().text, "bye");
  run();
}

TEST_F(client_test, plain_text_in_place_of_tls) {
  raw_server server([](raw_connection& c) { c.write("HTTP/1.1 400 Bad Request\r\n\r\n"); });
  auto got = connect(to("https://127.0.0.1:" + std::to_string(server.port())));
  EXPECT_EQ(got.error, http::make_error_code(http::errc::tls_failed));
}

TEST_F(client_test, upgrades_then_says_nothing) {
  raw_server server(after_upgrade([](raw_connection& c) { c.wait_closed(); }));
  auto request = to(server.url());
  request.limits.close_timeout = 50ms;
  auto got = connect(std::move(request));
  ASSERT_TRUE(got.socket);
  auto before = got.socket->last_heard();
  error_code reading;
  got.socket->async_read([&](error_code ec, const message&) { reading = ec; });
  EXPECT_FALSE(write(*got.socket, "anybody?"));
  EXPECT_EQ(got.socket->last_heard(), before);
  EXPECT_EQ(close(*got.socket, close_code::normal), make_error_code(tidewire::errc::timed_out));
  run();
  EXPECT_EQ(reading, make_error_code(errc::closed));
  EXPECT_EQ(got.socket->reason().code, close_code::none);
}

TEST_F(client_test, any_byte_is_heard) {
  std::promise<void> go;
  auto gone = go.get_future().share();
  raw_server server(after_upgrade([&](raw_connection& c) {
    gone.wait();
    c.write(std::string(1, '\x81'));  // the first byte of a frame
    c.wait_closed();
  }));
  auto got = connect_to(server);
  ASSERT_TRUE(got.socket);
  auto before = got.socket->last_heard();
  got.socket->async_read([](error_code, const message&) {});
  go.set_value();
  io.restart();
  while (got.socket->last_heard() == before && io.run_one() > 0) {
  }
  EXPECT_GT(got.socket->last_heard(), before);
}

TEST_F(client_test, an_orderly_close) {
  std::promise<std::string> said;
  raw_server server(after_upgrade([&](raw_connection& c) {
    auto frame = c.read(2 + 4 + 2 + 3);
    c.write(test::encode(test::text("late"), false) +
            test::encode(test::close_frame(1001, "so"), false));
    said.set_value(frame);
  }));
  auto got = connect_to(server);
  ASSERT_TRUE(got.socket);
  error_code reading;
  got.socket->async_read([&](error_code ec, const message&) { reading = ec; });
  EXPECT_FALSE(close(*got.socket, close_code::going_away, "bye"));
  run();
  EXPECT_EQ(reading, make_error_code(errc::closed));
  EXPECT_EQ(got.socket->reason().code, close_code::going_away);
  EXPECT_EQ(got.socket->reason().text, "so");
  auto bytes = said.get_future().get();
  auto frames = test::decode(bytes);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].payload.substr(2), "bye");
  // And again: nothing is left to do.
  EXPECT_FALSE(close(*got.socket, close_code::normal));
  EXPECT_EQ(write(*got.socket, "x"), make_error_code(errc::closed));
  EXPECT_EQ(read(*got.socket).first, make_error_code(errc::closed));
}

TEST_F(client_test, dropping_the_connection_ends_what_is_under_way) {
  std::promise<void> source;
  auto over = source.get_future().share();
  raw_server server(after_upgrade([over](raw_connection&) { over.wait(); }));  // reads nothing
  auto until_the_end = std::move(source);
  auto got = connect_to(server);
  ASSERT_TRUE(got.socket);
  int aborted = 0;
  auto count = [&](error_code ec) { aborted += ec == asio::error::operation_aborted; };
  std::string much(8 * 1024 * 1024, 'x');  // more than the kernel takes
  got.socket->async_read([&](error_code ec, const message&) { count(ec); });
  got.socket->async_write(much, false, count);
  got.socket->async_ping(count);
  got.socket->async_close(close_code::normal, "", count);
  io.restart();
  io.poll();
  got.socket.reset();
  run();
  // The ping waited behind the write, and gave way to the close.
  EXPECT_EQ(aborted, 3);
}

TEST_F(client_test, cancelling_a_read_ends_the_connection) {
  raw_server server(after_upgrade([](raw_connection& c) { c.wait_closed(); }));
  auto got = connect_to(server);
  ASSERT_TRUE(got.socket);
  asio::cancellation_signal signal;
  error_code reading;
  auto note = [&](error_code ec, const message&) { reading = ec; };
  got.socket->async_read(asio::bind_cancellation_slot(signal.slot(), note));
  io.restart();
  io.poll();
  signal.emit(asio::cancellation_type::terminal);
  run();
  EXPECT_EQ(reading, asio::error::operation_aborted);
  EXPECT_EQ(write(*got.socket, "x"), asio::error::operation_aborted);
}

TEST_F(client_test, a_reset_is_a_lost_connection) {
  raw_server server(after_upgrade([](raw_connection& c) { c.reset(); }));
  auto got = connect_to(server);
  ASSERT_TRUE(got.socket);
  EXPECT_EQ(read(*got.socket).first, make_error_code(errc::connection_lost));
  EXPECT_EQ(write(*got.socket, "x"), make_error_code(errc::connection_lost));
}

}  // namespace
}  // namespace tidewire::websocket
