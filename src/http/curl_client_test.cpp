// The client against a server that says exactly what each test wants.
#include "http/curl_client_test_support.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/timer.hpp>

#include <future>

namespace tidewire::http {
namespace {

using namespace std::chrono_literals;
using testing::raw_connection;
using testing::raw_server;
using testing::recorder;

class curl_client : public testing::curl_client_fixture {};

// Answers each request of a connection with the same text.
raw_server::script always(std::string answer) {
  return [answer](raw_connection& c) {
    while (!c.read_head().empty() && c.write(answer)) {
    }
  };
}

// Answers once and closes.
raw_server::script once(std::string answer) {
  return [answer](raw_connection& c) {
    c.read_head();
    c.write(answer);
  };
}

TEST_F(curl_client, reuses_the_connection) {
  raw_server server(always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhello"));
  auto first = fetch(get(server.url()));
  EXPECT_FALSE(first.error) << first.error.message() << first.summary.detail;
  EXPECT_EQ(first.body, "hello");
  EXPECT_EQ(first.head->status, 200u);
  EXPECT_EQ(first.head->headers.find("a"), "b");
  EXPECT_EQ(first.head->content_length, 5u);
  EXPECT_TRUE(first.head->self_delimited);
  EXPECT_EQ(first.summary.status, 200u);
  EXPECT_EQ(first.summary.body_bytes, 5u);
  EXPECT_EQ(first.summary.detail, "");
  EXPECT_FALSE(first.summary.reused_connection);
  auto second = fetch(get(server.url()));
  EXPECT_FALSE(second.error);
  EXPECT_TRUE(second.summary.reused_connection);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(curl_client, sends_what_was_asked_and_nothing_more) {
  std::promise<std::string> head;
  raw_server server([&](raw_connection& c) {
    head.set_value(c.read_head());
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  auto req = get("http://us%40er:p%3Aw@127.0.0.1:" + std::to_string(server.port()) + "/a/../b?c#d");
  req.headers = {{"Range", "bytes=0-1"}, {"X-Empty", ""}};
  EXPECT_FALSE(fetch(std::move(req)).error);
  auto text = head.get_future().get();
  EXPECT_TRUE(text.starts_with("GET /a/../b?c HTTP/1.1\r\n")) << text;
  EXPECT_NE(text.find("\r\nAuthorization: Basic dXNAZXI6cDp3\r\n"), text.npos) << text;
  EXPECT_NE(text.find("\r\nRange: bytes=0-1\r\n"), text.npos) << text;
  EXPECT_NE(text.find("\r\nX-Empty:\r\n"), text.npos) << text;
  EXPECT_NE(text.find("\r\nUser-Agent: tidewire/"), text.npos) << text;
  for (auto absent : {"Accept-Encoding", "Expect", "Transfer-Encoding", "Content-Length", "Cookie"})
    EXPECT_EQ(text.find(absent), text.npos) << text;
}

TEST_F(curl_client, refuses_requests_that_would_smuggle) {
  raw_server server(always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  const field bad[] = {{"A", "b\r\nX: y"},
                       {"A\r\nB", "c"},
                       {"", "x"},
                       {"A b", "c"},
                       {"A", "\x01"},
                       {"Content-Length", "5"},
                       {"Transfer-Encoding", "chunked"},
                       {"A:", "b"}};
  for (auto& f : bad) {
    auto req = get(server.url());
    req.headers.add(f.name, f.value);
    EXPECT_EQ(fetch(std::move(req)).error, tidewire::errc::invalid_argument) << f.name;
  }
  for (auto method : {"", "GET /x HTTP/1.1\r\nA:", "CONNECT", "G T"}) {
    auto req = get(server.url());
    req.method = method;
    EXPECT_EQ(fetch(std::move(req)).error, tidewire::errc::invalid_argument) << method;
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(curl_client, chunked_body) {
  raw_server server(
      always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
             "5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: t\r\n\r\n"));
  auto r = fetch(get(server.url()));
  EXPECT_FALSE(r.error) << r.error.message();
  EXPECT_EQ(r.body, "hello world");
  EXPECT_EQ(r.head->content_length, std::nullopt);
  EXPECT_TRUE(r.head->self_delimited);
  EXPECT_FALSE(r.head->headers.find("trailer"));
}

TEST_F(curl_client, body_that_ends_with_the_connection) {
  raw_server server(once("HTTP/1.1 200 OK\r\n\r\nhello"));
  auto r = fetch(get(server.url()));
  EXPECT_FALSE(r.error) << r.error.message();
  EXPECT_EQ(r.body, "hello");
  EXPECT_FALSE(r.head->self_delimited);
}

TEST_F(curl_client, head_request_and_bodiless_statuses) {
  raw_server server([](raw_connection& c) {
    for (std::string head; !(head = c.read_head()).empty();) {
      auto none = head.starts_with("GET") ? "304 Not Modified" : "200 OK";
      c.write(std::string("HTTP/1.1 ") + none + "\r\nContent-Length: 9\r\n\r\n");
    }
  });
  auto req = get(server.url());
  req.method = "HEAD";
  auto head = fetch(std::move(req));
  EXPECT_FALSE(head.error) << head.error.message();
  EXPECT_EQ(head.head->content_length, 9u);
  EXPECT_TRUE(head.head->self_delimited);
  auto not_modified = fetch(get(server.url()));
  EXPECT_FALSE(not_modified.error) << not_modified.error.message();
  EXPECT_EQ(not_modified.summary.status, 304u);
  EXPECT_TRUE(not_modified.summary.reused_connection);
}

TEST_F(curl_client, truncated_bodies) {
  for (auto text : {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
                    "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello"}) {
    raw_server server(once(text));
    auto r = fetch(get(server.url()));
    EXPECT_EQ(r.error, errc::truncated_body) << text << r.summary.detail;
    EXPECT_EQ(r.summary.status, 200u);
    EXPECT_NE(r.summary.detail, "");
  }
}

TEST_F(curl_client, more_than_announced_is_neither_delivered_nor_taken_for_an_answer) {
  raw_server server([](raw_connection& c) {
    while (!c.read_head().empty())
      c.write(
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n"
          "Content-Length: 4\r\n\r\nevil");
  });
  for (int i = 0; i < 3; ++i) {
    auto r = fetch(get(server.url()));
    EXPECT_FALSE(r.error) << r.error.message();
    EXPECT_EQ(r.body, "hello");
  }
}

TEST_F(curl_client, messages_with_two_readings) {
  for (auto text :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n Content-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "SSH-2.0-x\r\n\r\n", "hello"}) {
    raw_server server(once(text));
    auto r = fetch(get(server.url()));
    EXPECT_EQ(r.error, errc::bad_message) << text << "\n" << r.error.message() << r.summary.detail;
    EXPECT_EQ(r.body, "") << text;
  }
}

TEST_F(curl_client, informational_responses_are_skipped) {
  raw_server server(
      once("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  auto r = fetch(get(server.url()));
  EXPECT_FALSE(r.error) << r.error.message();
  EXPECT_EQ(r.head->status, 200u);
  EXPECT_EQ(r.head->headers.size(), 1u);
  EXPECT_EQ(r.body, "ok");
}

TEST_F(curl_client, closes_without_an_answer) {
  raw_server silent([](raw_connection& c) { c.read_head(); });
  EXPECT_EQ(fetch(get(silent.url())).error, errc::receive_failed);
  raw_server rude([](raw_connection& c) {
    c.read_head();
    c.reset();
  });
  EXPECT_EQ(fetch(get(rude.url())).error, errc::receive_failed);
}

TEST_F(curl_client, reset_in_the_body) {
  std::promise<void> head_seen;
  raw_server server([&](raw_connection& c) {
    c.read_head();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
    head_seen.get_future().wait();
    c.reset();
  });
  recorder r;
  r.body_hook = [&] {
    head_seen.set_value();
    return flow::proceed;
  };
  fetch(get(server.url()), r);
  EXPECT_EQ(r.error, errc::receive_failed);
  EXPECT_EQ(r.summary.body_bytes, 5u);
}

TEST_F(curl_client, never_answers) {
  raw_server server([](raw_connection& c) { c.wait_closed(); });
  auto req = get(server.url());
  req.limits.head = 50ms;
  auto r = fetch(std::move(req));
  EXPECT_EQ(r.error, errc::head_timeout);
  EXPECT_EQ(r.summary.status, 0u);
  EXPECT_NE(r.summary.detail, "");
}

TEST_F(curl_client, endless_informational_responses_run_into_a_limit) {
  raw_server server([](raw_connection& c) {
    c.read_head();
    while (c.write("HTTP/1.1 100 Continue\r\n\r\n")) {
    }
  });
  EXPECT_EQ(fetch(get(server.url())).error, errc::limit_exceeded);
}

TEST_F(curl_client, goes_quiet_in_the_body) {
  raw_server server([](raw_connection& c) {
    c.read_head();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
    c.wait_closed();
  });
  auto req = get(server.url());
  req.limits.idle = 50ms;
  auto r = fetch(std::move(req));
  EXPECT_EQ(r.error, errc::idle_timeout);
  EXPECT_EQ(r.body, "hello");
}

TEST_F(curl_client, slow_but_steady_is_not_idle) {
  recorder r;
  std::promise<void> pieces[5];
  int at = 0;
  raw_server server([&](raw_connection& c) {
    c.read_head();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    for (auto& p : pieces) {
      c.write("x");
      p.get_future().wait();
      // The server's own pace, well below the limit each time and above it in sum.
      std::promise<void> never;
      never.get_future().wait_for(150ms);
    }
  });
  r.body_hook = [&] {
    pieces[at++].set_value();
    return flow::proceed;
  };
  auto req = get(server.url());
  req.limits.idle = 500ms;
  fetch(std::move(req), r);
  EXPECT_FALSE(r.error) << r.error.message();
  EXPECT_EQ(r.body, "xxxxx");
}

TEST_F(curl_client, endless_heads) {
  raw_server many([](raw_connection& c) {
    c.read_head();
    c.write("HTTP/1.1 200 OK\r\n");
    while (c.write("A: bcdefghijklmnopqrstuvwxyz\r\n")) {
    }
  });
  EXPECT_EQ(fetch(get(many.url())).error, errc::limit_exceeded);
  raw_server one([](raw_connection& c) {
    c.read_head();
    c.write("HTTP/1.1 200 OK\r\nA: ");
    while (c.write("bcdefghijklmnopqrstuvwxyz")) {
    }
  });
  EXPECT_EQ(fetch(get(one.url())).error, errc::limit_exceeded);
}

TEST_F(curl_client, refused_and_unknown) {
  std::string gone;
  {
    raw_server server([](raw_connection&) {});
    gone = server.url();
  }
  auto refused = fetch(get(gone));
  EXPECT_EQ(refused.error, errc::connect_failed);
  EXPECT_NE(refused.summary.detail, "");
  auto unknown = fetch(get("http://no-such-host.invalid/"));
  EXPECT_EQ(unknown.error, errc::resolve_failed) << unknown.summary.detail;
}

TEST_F(curl_client, redirect_is_delivered_not_followed) {
  raw_server server(always("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"));
  auto r = fetch(get(server.url()));
  EXPECT_FALSE(r.error);
  EXPECT_EQ(r.head->status, 302u);
  EXPECT_EQ(r.head->headers.find("location"), "/x");
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(curl_client, content_codings_are_left_alone) {
  // "hello" as gzip writes it.
  const std::string packed(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00"
      "\x00\x00",
      25);
  raw_server server(
      always("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n" + packed));
  auto r = fetch(get(server.url()));
  EXPECT_FALSE(r.error);
  EXPECT_EQ(r.body, packed);
}

TEST_F(curl_client, stopped_by_the_handler) {
  raw_server server([](raw_connection& c) {
    c.read_head();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
    c.wait_closed();
  });
  recorder in_head;
  in_head.head_hook = [] { return flow::stop; };
  fetch(get(server.url()), in_head);
  EXPECT_EQ(in_head.error, errc::stopped_by_handler);
  EXPECT_EQ(in_head.summary.status, 200u);
  EXPECT_EQ(in_head.body, "");
  recorder in_body;
  in_body.body_hook = [] { return flow::stop; };
  fetch(get(server.url()), in_body);
  EXPECT_EQ(in_body.error, errc::stopped_by_handler);
  EXPECT_EQ(in_body.summary.body_bytes, 0u);
}

TEST_F(curl_client, proxy_by_option) {
  std::promise<std::string> head;
  raw_server proxy([&](raw_connection& c) {
    head.set_value(c.read_head());
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nproxied");
  });
  stop();
  curl_client_options options;
  options.proxy = proxy.url();
  make(options);
  auto r = fetch(get("http://somewhere.invalid/x"));
  EXPECT_FALSE(r.error) << r.summary.detail;
  EXPECT_EQ(r.body, "proxied");
  EXPECT_TRUE(head.get_future().get().starts_with("GET http://somewhere.invalid/x HTTP/1.1\r\n"));
}

TEST_F(curl_client, proxy_that_refuses_a_tunnel) {
  raw_server proxy(once("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"));
  stop();
  curl_client_options options;
  options.proxy = proxy.url();
  make(options);
  auto r = fetch(get("https://somewhere.invalid/x"));
  EXPECT_EQ(r.error, errc::proxy_failed) << r.summary.detail;
  EXPECT_FALSE(r.head);
}

TEST_F(curl_client, many_at_once) {
  raw_server server([](raw_connection& c) {
    for (std::string head; !(head = c.read_head()).empty();) {
      auto body = head.substr(4, head.find(' ', 4) - 4);
      c.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
              body);
    }
  });
  std::vector<recorder> all(200);
  for (std::size_t i = 0; i < all.size(); ++i)
    start(get(server.url("/" + std::to_string(i))), all[i]);
  run();
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_FALSE(all[i].error) << all[i].error.message() << all[i].summary.detail;
    EXPECT_EQ(all[i].body, "/" + std::to_string(i));
  }
  EXPECT_LE(server.connections(), 32);
}

TEST_F(curl_client, waiting_for_a_turn_is_no_timeout) {
  stop();
  auto options = direct();
  options.max_connections = 1;
  make(options);
  std::promise<void> go;
  raw_server server([&](raw_connection& c) {
    c.read_head();
    go.get_future().wait_for(10s);
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    c.read_head();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  recorder first, second;
  start(get(server.url()), first);
  auto impatient = get(server.url());
  impatient.limits.connect = 1ms;
  impatient.limits.head = 5s;
  start(std::move(impatient), second);
  timer later(io.get_executor());
  later.expires_after(100ms);
  later.async_wait([&](error_code) { go.set_value(); });
  run();
  EXPECT_FALSE(first.error) << first.summary.detail;
  EXPECT_FALSE(second.error) << second.error.message() << second.summary.detail;
}

}  // namespace
}  // namespace tidewire::http
