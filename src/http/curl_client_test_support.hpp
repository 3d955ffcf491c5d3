#pragma once

#include "http/raw_server_test_support.hpp"

#include <tidewire/http/curl_client.hpp>
#include <tidewire/http/error.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>

namespace tidewire::http::testing {

// Keeps what arrives; the hooks decide what happens next.
struct recorder final : exchange_handler {
  void on_start(std::shared_ptr<exchange_control> c) override { control = std::move(c); }
  flow on_head(const response_head& h) override {
    EXPECT_FALSE(head) << "a second head";
    head = h;
    return head_hook ? head_hook() : flow::proceed;
  }
  flow on_body(std::span<const std::byte> bytes) override {
    EXPECT_TRUE(head) << "body before the head";
    EXPECT_FALSE(ended) << "body after the completion";
    auto next = body_hook ? body_hook() : flow::proceed;
    if (next == flow::proceed)
      body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return next;
  }

  std::function<flow()> head_hook, body_hook;
  std::shared_ptr<exchange_control> control;
  std::optional<response_head> head;
  std::string body;

  // The outcome.
  bool ended = false;
  error_code error;
  exchange_summary summary;
};

// A body source over a string that may pause and fail.
struct string_source final : body_source {
  explicit string_source(std::string t) : text(std::move(t)) {}

  result<std::size_t> read(std::span<std::byte> space) override {
    if (hook)
      if (auto ec = hook()) return ec;
    auto n = std::min({space.size(), text.size() - at, piece});
    std::copy_n(reinterpret_cast<const std::byte*>(text.data()) + at, n, space.begin());
    at += n;
    return n;
  }
  bool rewind() override {
    at = 0;
    ++rewinds;
    return true;
  }

  std::string text;
  std::size_t at = 0, piece = 1000;
  int rewinds = 0;
  std::function<error_code()> hook;
};

class curl_client_fixture : public ::testing::Test {
 protected:
  explicit curl_client_fixture(curl_client_options options = direct()) { make(std::move(options)); }
  ~curl_client_fixture() override { stop(); }

  // Whatever proxy the machine's environment names must not come between.
  static curl_client_options direct() {
    curl_client_options out;
    out.proxy = "";
    return out;
  }

  void make(curl_client_options options) {
    http = make_curl_client(context(io.get_executor(), rng(1)), std::move(options));
  }

  request get(const std::string& text) { return request(url::parse(text).value()); }

  void start(request req, recorder& r) { http->async_exchange(std::move(req), r, note(r)); }
  void start(request req, recorder& r, asio::cancellation_signal& signal) {
    http->async_exchange(std::move(req), r, asio::bind_cancellation_slot(signal.slot(), note(r)));
  }
  void run() {
    io.restart();
    io.run();
  }
  // Runs one exchange to its end.
  void fetch(request req, recorder& r) {
    start(std::move(req), r);
    run();
    EXPECT_TRUE(r.ended);
  }
  recorder fetch(request req) {
    recorder r;
    fetch(std::move(req), r);
    return r;
  }

  void stop() {
    if (!http) return;
    bool stopped = false;
    http->stop([&] { stopped = true; });
    run();
    EXPECT_TRUE(stopped);
  }

  static std::function<void(error_code, exchange_summary)> note(recorder& r) {
    return [&r](error_code ec, exchange_summary s) {
      EXPECT_FALSE(r.ended) << "completed twice";
      r.ended = true;
      r.error = ec;
      r.summary = std::move(s);
    };
  }

  asio::io_context io{1};
  std::unique_ptr<client> http;
};

}  // namespace tidewire::http::testing
