// What answers over HTTP come to: laws P2 and P3 end to end, on the lab's network.
#include "realtime/classify_answer.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/lab/client.hpp>
#include <tidewire/lab/network.hpp>
#include <tidewire/lab/world.hpp>
#include <tidewire/realtime/error.hpp>
#include <tidewire/realtime/http_poll.hpp>
#include <tidewire/realtime/poller.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tidewire::realtime {
namespace {

using namespace std::chrono_literals;

class tokens final : public authenticator {
 public:
  void authorize(std::string origin, bool refresh,
                 asio::any_completion_handler<void(error_code, std::string)> done) override {
    asked.push_back(origin);
    refreshes += refresh;
    std::move(done)(error_code(), "Bearer " + std::to_string(refreshes));
  }
  std::vector<std::string> asked;
  int refreshes = 0;
};

class http_poll_test : public testing::Test {
 protected:
  http_poll_test()
      : network(world, plan),
        host(network.add_host("http://h:80")),
        ctx(world.get_executor(), rng(1)) {
    other = network.add_host("http://other:80");
    options.pace.adapts = adaptation::none;
    auto handler = [this](server::request& r) -> asio::awaitable<server::response> {
      seen.push_back(r);
      co_return answer(r);
    };
    host.start(handler);
    other->start(handler);
    client = std::make_unique<lab::client>(network, world.get_executor());
  }

  static server::response plain(unsigned status, std::string body = {}, http::fields headers = {}) {
    server::response out;
    out.status = status;
    out.headers = std::move(headers);
    if (!body.empty()) out.body = server::text_body(std::move(body));
    return out;
  }
  http_poll request(const std::string& path = "/x") {
    return http_poll(*http::url::parse("http://h:80" + path));
  }
  void run(http_poll poll, clock::duration time) {
    polls = std::make_unique<poller<std::string>>(ctx, poll_text(ctx, *client, poll), options);
    data = *polls->data().connect([this](const std::string& v) { heard.push_back(v); });
    failures = *polls->failures().connect([this](const poll_failure& f) { failed.push_back(f); });
    ends = *polls->stopped().connect([this](const poll_end& e) { ended.push_back(e); });
    polls->start();
    world.run_for(time);
  }
  std::string header(std::size_t i, const char* name) {
    return std::string(seen.at(i).headers.find(name).value_or("(none)"));
  }

  lab::world world;
  lab::fault_plan plan{world};
  lab::network network;
  lab::host host;
  std::optional<lab::host> other;
  std::unique_ptr<lab::client> client;
  context ctx;
  poll_options options;
  std::function<server::response(server::request&)> answer = [](auto&) { return plain(200, "1"); };
  std::vector<server::request> seen;
  std::vector<std::string> heard;
  std::vector<poll_failure> failed;
  std::vector<poll_end> ended;
  std::unique_ptr<poller<std::string>> polls;
  signal<std::string>::connection data;
  signal<poll_failure>::connection failures;
  signal<poll_end>::connection ends;
};

// P3.
TEST_F(http_poll_test, a_304_is_a_success_without_change) {
  std::string version = "1";
  answer = [&](server::request& r) {
    auto tag = "\"v" + version + "\"";
    if (r.headers.find("if-none-match") == tag) return plain(304, {}, {{"ETag", tag}});
    return plain(200, version, {{"ETag", tag}});
  };
  run(request(), 21s);
  version = "2";
  world.run_for(10s);
  EXPECT_EQ(heard, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(header(0, "If-None-Match"), "(none)");
  EXPECT_EQ(header(1, "If-None-Match"), "\"v1\"");
  EXPECT_EQ(header(seen.size() - 1, "If-None-Match"), "\"v2\"");
  EXPECT_TRUE(failed.empty());
}

TEST_F(http_poll_test, the_same_bytes_are_no_change_with_or_without_a_tag) {
  int n = 0;
  answer = [&](auto&) { return plain(200, "same", {{"ETag", "\"" + std::to_string(n++) + "\""}}); };
  run(request(), 30s);
  answer = [&](auto&) { return plain(200, "same"); };
  world.run_for(30s);
  answer = [&](auto&) { return plain(204); };
  world.run_for(30s);
  EXPECT_EQ(heard, std::vector<std::string>{"same"});
  EXPECT_TRUE(failed.empty());
}

TEST_F(http_poll_test, a_304_that_nobody_asked_for_is_an_error) {
  answer = [](auto&) { return plain(304); };
  run(request(), 1s);
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].error, errc::bad_answer);
}

// P3.
TEST_F(http_poll_test, refusals_end_it_and_are_no_errors_of_a_maximum) {
  for (auto status : {400U, 401U, 403U, 404U, 410U}) {
    failed.clear();
    ended.clear();
    answer = [&](auto&) { return plain(status, "go away"); };
    run(request(), 60s);
    ASSERT_EQ(failed.size(), 1U) << status;
    EXPECT_EQ(failed[0].consecutive_errors, 0U);
    EXPECT_NE(failed[0].detail.find(std::to_string(status)), std::string::npos);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reason, errc::refused);
  }
}

TEST_F(http_poll_test, a_401_is_answered_with_one_new_token) {
  tokens hook;
  ctx.authorization = &hook;
  std::string good = "Bearer 1";
  answer = [&](server::request& r) {
    return r.headers.find("authorization") == good ? plain(200, "in") : plain(401);
  };
  run(request(), 11s);
  EXPECT_EQ(heard, std::vector<std::string>{"in"});
  EXPECT_EQ(hook.refreshes, 1);
  EXPECT_EQ(hook.asked, (std::vector<std::string>{"http://h:80", "http://h:80"}));
  EXPECT_EQ(seen.size(), 4U);  // the first one twice
  EXPECT_TRUE(failed.empty());
  good = "Bearer never";
  world.run_for(60s);
  EXPECT_EQ(hook.refreshes, 2);
  EXPECT_EQ(seen.size(), 6U);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].reason, errc::refused);
}

TEST_F(http_poll_test, credentials_stay_with_their_origin) {
  tokens hook;
  ctx.authorization = &hook;
  answer = [&](server::request& r) {
    if (r.path == "/x") return plain(302, {}, {{"Location", "http://other:80/y"}});
    return plain(200, "there");
  };
  run(request().header("Cookie", "secret").header("X-Mine", "yes"), 1s);
  EXPECT_EQ(heard, std::vector<std::string>{"there"});
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(header(0, "Authorization"), "Bearer 0");
  EXPECT_EQ(header(1, "Authorization"), "(none)");
  EXPECT_EQ(header(1, "Cookie"), "(none)");
  EXPECT_EQ(header(1, "X-Mine"), "yes");
}

TEST_F(http_poll_test, a_redirect_loop_ends_it) {
  answer = [](auto&) { return plain(302, {}, {{"Location", "/x"}}); };
  run(request(), 60s);
  EXPECT_EQ(seen.size(), 1U + http_poll::max_redirects);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].reason, errc::refused);
}

TEST_F(http_poll_test, a_retry_after_is_obeyed_in_seconds_and_as_a_date) {
  bool first = true;
  answer = [&](auto&) {
    return std::exchange(first, false) ? plain(503, {}, {{"Retry-After", "30"}}) : plain(200, "1");
  };
  run(request(), 29s);
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].error, errc::unavailable);
  EXPECT_EQ(failed[0].consecutive_errors, 0U);
  EXPECT_EQ(seen.size(), 1U);
  world.run_for(4s);
  EXPECT_EQ(seen.size(), 2U);
  // The world began on 2024-01-01 at midnight; 33 s have passed.
  answer = [&](auto&) {
    return plain(429, {}, {{"Retry-After", "Mon, 01 Jan 2024 00:01:40 GMT"}});
  };
  world.run_for(6s);
  auto before = seen.size();
  world.run_for(60s);
  EXPECT_EQ(seen.size(), before);
  world.run_for(6s);
  EXPECT_GT(seen.size(), before);
}

TEST_F(http_poll_test, a_body_above_the_limit_is_an_error) {
  answer = [](auto&) { return plain(200, std::string(2000, 'x')); };
  run(request().max_body_bytes(1999), 1s);
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].error, errc::bad_answer);
  run(request().max_body_bytes(2000), 1s);
  EXPECT_EQ(heard.size(), 1U);
}

TEST_F(http_poll_test, sends_wait_and_cursor_in_the_query) {
  options.wait = 25s;
  options.cursor = "a b";
  run(request("/x?q=1").cursor_parameter("since"), 1s);
  EXPECT_EQ(seen.at(0).target, "/x?q=1&since=a%20b&wait=25");
}

TEST_F(http_poll_test, a_body_cut_with_its_connection_is_fetched_whole_the_next_time) {
  lab::link_faults cut;
  cut[lab::network_fault::lie_no_length] = 1'000'000;
  cut[lab::network_fault::truncate] = 1'000'000;
  network.set_faults(cut);
  auto whole = std::string(1000, 'x') + "end";
  answer = [&](server::request& r) {
    if (r.headers.find("if-none-match")) return plain(304);
    return plain(200, whole, {{"ETag", "\"v1\""}});
  };
  run(request(), 1s);
  network.set_faults(lab::link_faults{});
  world.run_for(60s);
  ASSERT_FALSE(heard.empty());
  EXPECT_EQ(heard.back(), whole);
}

TEST_F(http_poll_test, json_that_is_none_is_an_error_and_is_not_remembered) {
  std::string body = "{\"n\":1";
  answer = [&](server::request& r) {
    if (r.headers.find("if-none-match")) return plain(304);
    return plain(200, body, {{"ETag", "\"v1\""}});
  };
  auto cursor = [](const boost::json::value& v) {
    return boost::json::serialize(v.as_object().at("n"));
  };
  poller<boost::json::value> p(ctx, poll_json(ctx, *client, request(), cursor), options);
  std::vector<std::string> got;
  auto listen = *p.data().connect(
      [&](const boost::json::value& v) { got.push_back(boost::json::serialize(v)); });
  p.start();
  world.run_for(1s);
  EXPECT_EQ(p.status().consecutive_errors, 1U);
  body = "{\"n\":1}";
  world.run_for(10s);
  EXPECT_EQ(got, std::vector<std::string>{"{\"n\":1}"});
  EXPECT_EQ(p.status().cursor, "1");
}

TEST(classify_answer, by_status) {
  using enum answer_kind;
  auto of = [](unsigned status, bool conditional, http::fields headers = {}) {
    http::response_head head;
    head.status = status;
    head.headers = std::move(headers);
    return classify_answer(head, conditional);
  };
  EXPECT_EQ(of(200, false), body);
  EXPECT_EQ(of(203, true), body);
  EXPECT_EQ(of(206, false), unusable);
  EXPECT_EQ(of(304, true), unchanged);
  EXPECT_EQ(of(304, false), unusable);
  EXPECT_EQ(of(308, false), redirect);
  EXPECT_EQ(of(302, false, {{"Retry-After", "1"}}), unavailable);
  for (auto s : {408U, 425U, 429U, 500U, 503U, 599U}) EXPECT_EQ(of(s, true), unavailable) << s;
  for (auto s : {400U, 403U, 404U, 410U, 451U}) EXPECT_EQ(of(s, true), refused) << s;
  EXPECT_EQ(of(401, true), unauthorized);
  EXPECT_EQ(of(200, false, {{"Content-Encoding", "gzip"}}), unusable);
  EXPECT_EQ(of(200, false, {{"Content-Encoding", "identity"}}), body);
}

TEST(classify_answer, keeps_only_tags_that_prove_something) {
  http::response_head head;
  head.headers = {{"ETag", "W/\"a\""}};
  EXPECT_EQ(tag_to_keep(head), "W/\"a\"");
  head.self_delimited = false;
  EXPECT_EQ(tag_to_keep(head), "");
  head.self_delimited = true;
  head.headers = {{"ETag", "a"}};
  EXPECT_EQ(tag_to_keep(head), "");
  head.headers = {{"ETag", "\"a\""}, {"ETag", "\"b\""}};
  EXPECT_EQ(tag_to_keep(head), "");
  auto v = answer_validator::parse(answer_validator{"\"a\"", "ff"}.text());
  EXPECT_EQ(v.entity_tag, "\"a\"");
  EXPECT_EQ(v.digest, "ff");
}

}  // namespace
}  // namespace tidewire::realtime
