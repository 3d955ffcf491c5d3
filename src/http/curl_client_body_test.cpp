// Request bodies, and TLS.
#include "http/curl_client_test_support.hpp"
#include "http/tls_test_support.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/timer.hpp>

#include <future>

namespace tidewire::http {
namespace {

using namespace std::chrono_literals;
using testing::raw_connection;
using testing::raw_server;
using testing::recorder;
using testing::string_source;

class curl_client_body : public testing::curl_client_fixture {};

std::string sample(std::size_t size) {
  std::string out;
  for (std::size_t i = 0; out.size() < size; ++i) out += std::to_string(i) + ",";
  out.resize(size);
  return out;
}

std::string read_chunked(raw_connection& c) {
  std::string out;
  for (;;) {
    auto n = std::stoul("0" + c.read_line(), nullptr, 16);
    out += c.read(n);
    c.read_line();
    if (n == 0) return out;
  }
}

struct received {
  std::string head, body;
};

// Takes one body of either framing and answers.
raw_server::script taker(received& got) {
  return [&got](raw_connection& c) {
    got.head = c.read_head();
    auto at = got.head.find("Content-Length: ");
    got.body =
        at == std::string::npos ? read_chunked(c) : c.read(std::stoul(got.head.substr(at + 16)));
    c.write("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  };
}

TEST_F(curl_client_body, known_and_unknown_length) {
  for (auto method : {"PUT", "POST", "PATCH"})
    for (bool known : {true, false}) {
      received got;
      {
        raw_server server(taker(got));
        string_source source(sample(300'000));
        auto req = get(server.url("/up"));
        req.method = method;
        req.body = &source;
        if (known) req.content_length = source.text.size();
        auto r = fetch(std::move(req));
        EXPECT_FALSE(r.error) << r.error.message() << r.summary.detail;
        EXPECT_EQ(r.summary.status, 201u);
        EXPECT_TRUE(got.body == source.text) << method << known << got.body.size();
      }
      EXPECT_TRUE(got.head.starts_with(std::string(method) + " /up HTTP/1.1\r\n")) << got.head;
      EXPECT_EQ(got.head.find("Content-Length") != std::string::npos, known);
      EXPECT_EQ(got.head.find("Transfer-Encoding: chunked") != std::string::npos, !known);
      EXPECT_EQ(got.head.find("Expect"), std::string::npos);
    }
}

TEST_F(curl_client_body, methods_without_a_body) {
  const std::pair<const char*, bool> table[] = {
      {"POST", true}, {"PUT", true}, {"DELETE", false}, {"OPTIONS", false}};
  for (auto& [method, has_length] : table) {
    std::promise<std::string> head;
    raw_server server([&](raw_connection& c) {
      head.set_value(c.read_head());
      c.write("HTTP/1.1 204 No Content\r\n\r\n");
    });
    auto req = get(server.url());
    req.method = method;
    EXPECT_FALSE(fetch(std::move(req)).error);
    auto text = head.get_future().get();
    EXPECT_TRUE(text.starts_with(std::string(method) + " / ")) << text;
    EXPECT_EQ(text.find("Content-Length: 0\r\n") != std::string::npos, has_length) << text;
  }
}

TEST_F(curl_client_body, source_that_pauses_is_no_timeout) {
  received got;
  raw_server server(taker(got));
  string_source source(sample(5'000));
  recorder r;
  bool ready = false;
  source.hook = [&]() -> error_code {
    if (std::exchange(ready, false)) return {};
    auto wait = std::make_shared<timer>(io.get_executor());
    wait->expires_after(60ms);
    wait->async_wait([&, wait](error_code) {
      ready = true;
      r.control->resume();
    });
    return asio::error::try_again;
  };
  auto req = get(server.url());
  req.method = "PUT";
  req.body = &source;
  req.content_length = source.text.size();
  req.limits.head = 40ms;
  fetch(std::move(req), r);
  EXPECT_FALSE(r.error) << r.error.message() << r.summary.detail;
  EXPECT_EQ(got.body, source.text);
}

TEST_F(curl_client_body, source_that_fails_or_is_too_short) {
  for (bool fails : {true, false}) {
    raw_server server([](raw_connection& c) { c.wait_closed(); });
    string_source source(sample(5'000));
    if (fails)
      source.hook = [&]() -> error_code {
        if (source.at < 2'000) return {};
        return asio::error::access_denied;
      };
    auto req = get(server.url());
    req.method = "PUT";
    req.body = &source;
    req.content_length = source.text.size() + (fails ? 0 : 1);
    EXPECT_EQ(fetch(std::move(req)).error, errc::body_source_failed);
  }
}

TEST_F(curl_client_body, never_sends_more_than_announced) {
  received got;
  std::promise<std::string> rest;
  raw_server server([&](raw_connection& c) {
    taker(got)(c);
    rest.set_value(c.read(1));
  });
  string_source source(sample(5'000));
  auto req = get(server.url());
  req.method = "PUT";
  req.body = &source;
  req.content_length = 3'000;
  EXPECT_FALSE(fetch(std::move(req)).error);
  stop();  // closes the connection
  EXPECT_EQ(rest.get_future().get(), "");
  EXPECT_EQ(got.body, source.text.substr(0, 3'000));
}

TEST_F(curl_client_body, rewinds_when_a_kept_connection_was_dead) {
  received got;
  string_source source(sample(5'000));
  raw_server server([&](raw_connection& c) {
    if (c.number() > 1) return taker(got)(c);
    c.read_head();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    // Takes the second request whole, and goes without a word.
    c.read_head();
    c.read(source.text.size());
  });
  EXPECT_FALSE(fetch(get(server.url())).error);
  auto req = get(server.url());
  req.method = "PUT";
  req.body = &source;
  req.content_length = source.text.size();
  auto r = fetch(std::move(req));
  EXPECT_FALSE(r.error) << r.error.message() << r.summary.detail;
  EXPECT_EQ(source.rewinds, 1);
  EXPECT_EQ(r.summary.status, 201u);
  EXPECT_FALSE(r.summary.reused_connection);
  EXPECT_EQ(got.body, source.text);
}

// ---- TLS

class curl_client_tls : public testing::curl_client_fixture {
 protected:
  recorder fetch_from(unsigned short port, const std::string& ca_file, protocol version) {
    stop();
    auto options = direct();
    options.ca_file = ca_file;
    make(options);
    auto req = get("https://127.0.0.1:" + std::to_string(port) + "/");
    req.version = version;
    return fetch(std::move(req));
  }
};

TEST_F(curl_client_tls, accepts_what_the_file_vouches_for) {
  testing::certificate good("IP:127.0.0.1");
  testing::tls_server server(good, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  for (auto version : {protocol::negotiate, protocol::http1}) {
    auto r = fetch_from(server.port(), good.file(), version);
    EXPECT_FALSE(r.error) << r.error.message() << r.summary.detail;
    EXPECT_EQ(r.body, "ok");
  }
}

TEST_F(curl_client_tls, refuses_self_signed_and_other_hosts) {
  testing::certificate good("IP:127.0.0.1"), other_host("DNS:other.invalid");
  testing::tls_server server(good, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  auto unknown = fetch_from(server.port(), "", protocol::http1);
  EXPECT_EQ(unknown.error, errc::tls_failed) << unknown.summary.detail;
  auto wrong_authority = fetch_from(server.port(), other_host.file(), protocol::http1);
  EXPECT_EQ(wrong_authority.error, errc::tls_failed) << wrong_authority.summary.detail;
  testing::tls_server wrong(other_host, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  auto wrong_host = fetch_from(wrong.port(), other_host.file(), protocol::http1);
  EXPECT_EQ(wrong_host.error, errc::tls_failed) << wrong_host.summary.detail;
  EXPECT_FALSE(unknown.head || wrong_authority.head || wrong_host.head);
}

TEST_F(curl_client_tls, a_cut_handshake_is_retryable_and_plain_text_is_not) {
  raw_server cut([](raw_connection& c) {
    c.read(1);
    c.reset();
  });
  auto r = fetch_from(cut.port(), "", protocol::http1);
  EXPECT_EQ(r.error, errc::connect_failed) << r.summary.detail;
  raw_server closed([](raw_connection& c) {
    c.read(400);
    c.socket().shutdown(asio::socket_base::shutdown_both);
  });
  r = fetch_from(closed.port(), "", protocol::http1);
  EXPECT_EQ(r.error, errc::connect_failed) << r.summary.detail;
  raw_server plain([](raw_connection& c) {
    c.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    c.wait_closed();
  });
  r = fetch_from(plain.port(), "", protocol::http1);
  EXPECT_EQ(r.error, errc::tls_failed) << r.summary.detail;
}

}  // namespace
}  // namespace tidewire::http
