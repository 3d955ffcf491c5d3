#include "hub_test_support.hpp"

#include <tidewire/core/json_text.hpp>

#include <gtest/gtest.h>

namespace tidewire::server {
namespace {

using namespace std::chrono_literals;
using test::hub_world;

std::string epoch_of(hub_world& w, const std::string& channel) {
  return w.store->state(channel)->epoch;
}

std::string member(const std::string& body, std::string_view name) {
  auto object = json_object_view::parse(body);
  if (!object || !object->find(name)) return "<none>";
  return std::string(*object->find(name));
}

std::vector<std::string> elements_of(const std::string& array) {
  auto all = json_elements(array);
  if (!all) return {};
  return {all->begin(), all->end()};
}

TEST(message_routes, a_poll_follows_the_log) {
  hub_world w;
  w.fill("room", 3);
  auto e = epoch_of(w, "room");
  auto first = w.get("/messages?ch=room&since=0&limit=2");
  EXPECT_EQ(first.status, 200u);
  EXPECT_EQ(member(first.body, "epoch"), "\"" + e + "\"");
  EXPECT_EQ(member(first.body, "next"), "2");
  EXPECT_EQ(member(first.body, "head"), "3");
  EXPECT_EQ(member(first.body, "more"), "true");
  EXPECT_EQ(first.header("ETag"), "\"" + e + ":2\"");
  auto messages = elements_of(member(first.body, "messages"));
  ASSERT_EQ(messages.size(), 2u);
  auto one = json_object_view::parse(messages[0]);
  EXPECT_EQ(one->find("off"), "1");
  EXPECT_EQ(one->find("id"), "\"fill1\"");
  EXPECT_EQ(one->find("d"), "1");
  EXPECT_EQ(*json_string(*one->find("ts")), "2024-01-01T00:00:00.000Z");
  auto rest = w.get("/messages?ch=room&epoch=" + e + "&since=2&limit=2");
  EXPECT_EQ(member(rest.body, "next"), "3");
  EXPECT_EQ(member(rest.body, "more"), "false");
}

TEST(message_routes, nothing_new_is_304) {
  hub_world w;
  w.fill("room", 3);
  auto e = epoch_of(w, "room");
  auto target = "/messages?ch=room&epoch=" + e + "&since=3";
  auto none = w.get(target);
  EXPECT_EQ(none.status, 200u);
  EXPECT_EQ(member(none.body, "messages"), "[]");
  auto same = w.get(target, {{"If-None-Match", "\"" + e + ":3\""}});
  EXPECT_EQ(same.status, 304u);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(same.header("ETag"), "\"" + e + ":3\"");
  w.fill("room", 1);
  EXPECT_EQ(w.get(target, {{"If-None-Match", "\"" + e + ":3\""}}).status, 200u);
}

TEST(message_routes, an_empty_channel_has_a_cursor_that_lasts) {
  hub_world w;
  auto now = w.get("/messages?ch=room");
  EXPECT_EQ(member(now.body, "next"), "0");
  auto e = *json_string(member(now.body, "epoch"));
  w.start();
  w.fill("room", 2);
  auto page = w.get("/messages?ch=room&epoch=" + e + "&since=0");
  EXPECT_EQ(page.status, 200u);
  EXPECT_EQ(member(page.body, "next"), "2");
}

TEST(message_routes, without_since_it_is_from_now_on) {
  hub_world w;
  w.fill("room", 3);
  auto now = w.get("/messages?ch=room");
  EXPECT_EQ(member(now.body, "messages"), "[]");
  EXPECT_EQ(member(now.body, "next"), "3");
}

TEST(message_routes, a_lost_cursor_is_410_and_says_how_to_go_on) {
  message_retention keep;
  keep.max_messages = 2;
  hub_world w({}, keep);
  w.fill("room", 5);  // 4 and 5 are left
  auto e = epoch_of(w, "room");
  struct row {
    std::string query, oldest, why;
  };
  for (const auto& [query, oldest, why] : std::vector<row>{
           {"epoch=0123&since=5", "4", "\"epoch\""},
           {"epoch=" + e + "&since=2", "4", "\"trimmed\""},
           {"since=0", "4", "\"trimmed\""},
           {"epoch=" + e + "&since=9", "6", "\"epoch\""},  // from the future: nothing twice
           {"epoch=" + e + "&since=9223372036854775807", "6", "\"epoch\""},
       }) {
    auto gone = w.get("/messages?ch=room&" + query);
    EXPECT_EQ(gone.status, 410u) << query;
    EXPECT_EQ(gone.header("Content-Type"), "application/problem+json");
    EXPECT_EQ(member(gone.body, "epoch"), "\"" + e + "\"");
    EXPECT_EQ(member(gone.body, "oldest"), oldest) << query;
    EXPECT_EQ(member(gone.body, "why"), why) << query;
    auto on = w.get("/messages?ch=room&epoch=" + e + "&since=" + member(gone.body, "next"));
    EXPECT_EQ(on.status, 200u) << query;
  }
}

TEST(message_routes, a_long_poll_waits_for_the_next_message) {
  hub_world w;
  w.fill("room", 1);
  auto e = epoch_of(w, "room");
  auto waiting = w.ask("GET", "/messages?ch=room&epoch=" + e + "&since=1&wait=25");
  w.world.run_for(20s);
  EXPECT_FALSE(waiting->done);
  w.fill("other", 1);
  EXPECT_FALSE(waiting->done);
  w.fill("room", 1);
  ASSERT_TRUE(waiting->done);
  EXPECT_EQ(member(waiting->body, "next"), "2");
  auto in_vain = w.ask("GET", "/messages?ch=room&epoch=" + e + "&since=2&wait=25", {},
                       {{"If-None-Match", "\"" + e + ":2\""}});
  w.world.run_for(24s);
  EXPECT_FALSE(in_vain->done);
  w.world.run_for(2s);
  ASSERT_TRUE(in_vain->done);
  EXPECT_EQ(in_vain->status, 304u);
  auto behind = w.get("/messages?ch=room&epoch=" + e + "&since=1&wait=25");
  EXPECT_TRUE(behind.done) << "there is something already";
}

TEST(message_routes, a_long_poll_ends_with_the_log_and_with_the_server) {
  hub_world w;
  w.fill("room", 1);
  auto e = epoch_of(w, "room");
  auto target = "/messages?ch=room&epoch=" + e + "&since=1&wait=50";
  auto one = w.ask("GET", target);
  w.settle();
  w.hub->async_begin_anew("room", [](error_code ec, const log_state&) { EXPECT_FALSE(ec); });
  w.settle();
  ASSERT_TRUE(one->done);
  EXPECT_EQ(one->status, 410u);
  auto two = w.ask("GET", "/messages?ch=other&wait=50");
  w.settle();
  EXPECT_FALSE(two->done);
  w.hub->drain();
  w.settle();
  ASSERT_TRUE(two->done);
  EXPECT_EQ(two->status, 200u);
  EXPECT_TRUE(w.get("/messages?ch=other&wait=50").done) << "and none begins to wait";
}

TEST(message_routes, long_polls_are_bounded) {
  message_hub_options o;
  o.waiting_polls = 2;
  o.longest_wait = 10s;
  hub_world w(o);
  std::vector<std::shared_ptr<test::answer>> all;
  for (int i = 0; i < 3; ++i) all.push_back(w.ask("GET", "/messages?ch=room&wait=3000"));
  w.settle();
  EXPECT_FALSE(all[0]->done);
  EXPECT_TRUE(all[2]->done) << "one too many is answered at once";
  w.world.run_for(10s);
  EXPECT_TRUE(all[0]->done) << "no wait is longer than the bound";
  EXPECT_FALSE(w.ask("GET", "/messages?ch=room&wait=5")->done);
}

TEST(message_routes, refuses_bad_questions) {
  hub_world w;
  w.fill("room", 1);
  for (std::string query :
       {"", "ch=", "ch=room&epoch=e", "ch=room&since=-1", "ch=room&since=1.5", "ch=room&since=x",
        "ch=room&since=9223372036854775808", "ch=room&limit=x", "ch=room&wait=x", "ch=a&ch=b",
        "ch=%zz", "ch=%ff", "ch=a%00b", "ch=a%0ab", "ch=room&since=1&epoch="}) {
    auto bad = w.get("/messages?" + query);
    EXPECT_EQ(bad.status, 400u) << query;
    EXPECT_EQ(bad.header("Content-Type"), "application/problem+json");
  }
  EXPECT_EQ(w.get("/messages?ch=" + std::string(129, 'a')).status, 400u);
  EXPECT_EQ(w.get("/messages?ch=r%c3%b6+om").status, 200u);
}

TEST(message_routes, a_message_is_taken_once) {
  hub_world w;
  auto first = w.publish("room", "c7:20", "{\"a\":1.10}");
  EXPECT_EQ(first.status, 200u);
  EXPECT_EQ(first.body, R"({"off":1,"dup":false})");
  EXPECT_EQ(w.publish("room", "c7:20", "{\"a\":1.10}").body, R"({"off":1,"dup":true})");
  EXPECT_EQ(w.publish("room", "\"c7:20\"", "{\"a\":1.10}").body, R"({"off":1,"dup":true})");
  auto reused = w.publish("room", "c7:20", "2");
  EXPECT_EQ(reused.status, 422u);
  EXPECT_EQ(member(reused.body, "type"), "\"idempotency-key-reused\"");
  w.start();
  EXPECT_EQ(w.publish("room", "c7:20", "{\"a\":1.10}").body, R"({"off":1,"dup":true})");
  EXPECT_EQ(w.store->read("room", 0, 10, 100)->messages.at(0).data, "{\"a\":1.10}");
}

TEST(message_routes, refuses_bad_messages) {
  hub_world w;
  struct row {
    std::string body;
    unsigned status;
  };
  auto nested = std::string(40, '[') + std::string(40, ']');
  for (const auto& [body, status] : std::vector<row>{
           {"", 400},
           {"{", 400},
           {"[]", 400},
           {"{\"ch\":\"room\"}", 400},
           {"{\"d\":1}", 400},
           {"{\"ch\":\"\",\"d\":1}", 400},
           {"{\"ch\":7,\"d\":1}", 400},
           {"{\"ch\":\"room\",\"d\":1,\"d\":2}", 400},
           {"{\"ch\":\"room\",\"d\":{\"a\":1,\"a\":2}}", 400},
           {"{\"ch\":\"room\",\"d\":9223372036854775808}", 400},
           {"{\"ch\":\"room\",\"d\":\"\xff\"}", 400},
           {"{\"ch\":\"room\",\"d\":" + nested + "}", 400},
           {"{\"ch\":\"room\",\"d\":\"" + std::string(65'535, 'x') + "\"}", 413},
           {"{\"ch\":\"room\",\"d\":\"" + std::string(200'000, 'x') + "\"}", 413},
       }) {
    auto bad = w.post("/messages", body, {{"Idempotency-Key", "k"}});
    EXPECT_EQ(bad.status, status) << body.substr(0, 80);
    EXPECT_EQ(bad.header("Content-Type"), "application/problem+json");
  }
  EXPECT_EQ(w.post("/messages", R"({"ch":"room","d":1})").status, 400u) << "without a key";
  EXPECT_EQ(w.post("/messages", R"({"ch":"room","id":"a","d":1})").status, 200u);
  EXPECT_EQ(w.publish("room", std::string(129, 'k')).status, 400u);
  EXPECT_EQ(w.store->state("room")->head, 1u);
}

TEST(message_routes, a_store_that_fails_is_503_and_nothing_is_lost) {
  hub_world w;
  w.faults->before_commit = 1;
  auto failed = w.publish("room", "a");
  EXPECT_EQ(failed.status, 503u);
  EXPECT_FALSE(failed.header("Retry-After").empty());
  EXPECT_EQ(w.publish("room", "a").body, R"({"off":1,"dup":false})");
  w.faults->after_commit = 1;
  EXPECT_EQ(w.publish("room", "b").status, 503u);
  EXPECT_EQ(member(w.get("/messages?ch=room&since=0").body, "next"), "2") << "it is there";
  EXPECT_EQ(w.publish("room", "b").body, R"({"off":2,"dup":true})");
  w.faults->reads = 1;
  EXPECT_EQ(w.get("/messages?ch=room&since=0").status, 503u);
}

// Found by simulation: seed 337.
TEST(message_routes, a_cursor_beyond_what_is_in_memory_is_not_lost) {
  hub_world w;
  w.fill("room", 1);
  auto listener = w.join({{"room", {epoch_of(w, "room"), 1}}});
  w.faults->after_commit = w.faults->states = 1;
  EXPECT_EQ(w.publish("room", "b").status, 503u);  // it is in the log, and nobody here knows
  auto page = w.get("/messages?ch=room&since=0&epoch=" + epoch_of(w, "room"));
  EXPECT_EQ(member(page.body, "next"), "2");
  auto next = w.get("/messages?ch=room&since=2&epoch=" + epoch_of(w, "room"));
  EXPECT_EQ(next.status, 200u) << next.body;
  EXPECT_EQ(listener->offsets("room"), std::vector<std::uint64_t>{2});
  w.faults->after_commit = w.faults->states = 1;
  EXPECT_EQ(w.publish("room", "c").status, 503u);
  auto joined = w.join({{"room", {epoch_of(w, "room"), 3}}});
  EXPECT_TRUE(joined->all<realtime::reset_frame>().empty());
  EXPECT_EQ(listener->offsets("room"), (std::vector<std::uint64_t>{2, 3}));
}

TEST(message_routes, publishing_too_fast_is_429) {
  message_hub_options o;
  o.publish_per_second = 1;
  o.publish_burst = 2;
  hub_world w(o);
  EXPECT_EQ(w.publish("room", "a").status, 200u);
  EXPECT_EQ(w.publish("room", "b").status, 200u);
  auto slow = w.publish("room", "c");
  EXPECT_EQ(slow.status, 429u);
  EXPECT_EQ(slow.header("Retry-After"), "1");
  w.world.run_for(1s);
  EXPECT_EQ(w.publish("room", "c").status, 200u);
}

TEST(message_routes, the_application_says_who_may_do_what) {
  message_hub_options o;
  o.allow = [](const std::string&, const std::string& channel, message_hub_options::action what) {
    return channel != "secret" && what == message_hub_options::action::read;
  };
  hub_world w(o);
  EXPECT_EQ(w.get("/messages?ch=secret").status, 403u);
  EXPECT_EQ(w.get("/messages?ch=room").status, 200u);
  EXPECT_EQ(w.publish("room", "a").status, 403u);
}

TEST(message_routes, the_lessons_chat_works_unchanged) {
  hub_world w;
  auto say = [&](const std::string& id, const std::string& user, const std::string& text) {
    return w.post("/chat/messages", R"({"id":")" + id + R"(","text":")" + text + R"(","userId":")" +
                                        user + R"(","timestamp":"t"})");
  };
  EXPECT_EQ(w.get("/chat/messages?limit=50").body, "[]");
  EXPECT_EQ(say("100", "ann", "one").status, 201u);
  EXPECT_EQ(say("100", "ann", "one").status, 200u) << "sent again";
  EXPECT_EQ(say("100", "bob", "at the same time").status, 201u);
  EXPECT_EQ(say("200", "ann", "two").status, 201u);
  auto all = w.get("/chat/messages?limit=50");
  auto elements = elements_of(all.body);
  ASSERT_EQ(elements.size(), 3u) << all.body;
  EXPECT_EQ(elements[0], R"({"id":"200","text":"two","userId":"ann","timestamp":"t"})")
      << "the newest first";
  EXPECT_EQ(elements_of(w.get("/chat/messages?limit=1").body).size(), 1u);
  auto since = w.get("/chat/messages?since=100");
  EXPECT_EQ(elements_of(since.body).size(), 2u);
  EXPECT_EQ(w.get("/chat/messages?since=200").body, "[]");
  EXPECT_EQ(w.get("/chat/messages?since=200", {{"If-None-Match", all.header("ETag")}}).status,
            304u);
  EXPECT_EQ(member(w.get("/chat/messages?ch=chat&since=0").body, "next"), "3") << "and ours";
}

TEST(message_routes, chat_shows_messages_of_other_clients_in_its_shape) {
  hub_world w;
  w.publish("chat", "a", R"("just a text")");
  w.publish("chat", "b", R"({"text":"no id"})");
  w.publish("chat", "c", "[1]");
  auto all = elements_of(w.get("/chat/messages").body);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(member(all[2], "text"), R"("just a text")");
  EXPECT_EQ(member(all[2], "id"), R"("a")");
  EXPECT_EQ(member(all[1], "text"), R"("no id")");
  EXPECT_EQ(member(all[0], "text"), R"("[1]")");
}

TEST(message_routes, refuses_bad_chat_messages) {
  hub_world w;
  for (std::string body :
       {"", "[]", "{}", R"({"id":"1"})", R"({"text":"a"})", R"({"id":"","text":"a"})",
        R"({"id":true,"text":"a"})", R"({"id":"1","text":"a","userId":5})"})
    EXPECT_EQ(w.post("/chat/messages", body).status, 400u) << body;
  EXPECT_EQ(w.post("/chat/messages", R"({"id":5,"text":"a"})").status, 201u);
}

TEST(message_routes, notifications_are_the_users_channel) {
  hub_world w;
  w.publish("user:ann", "n1", R"({"message":"hello","link":"/x","id":"theirs"})");
  w.publish("user:ann", "n2", R"("bare")");
  w.publish("user:bob", "n3", R"({"message":"not for ann"})");
  auto all = w.get("/users/ann/notifications?limit=20");
  EXPECT_EQ(all.status, 200u);
  auto elements = elements_of(all.body);
  ASSERT_EQ(elements.size(), 2u);
  EXPECT_EQ(elements[0], R"({"id":"n2","message":"bare","ts":"2024-01-01T00:00:00.100Z"})");
  EXPECT_EQ(elements[1], R"({"id":"n1","message":"hello","ts":"2024-01-01T00:00:00.000Z",)"
                         R"("link":"/x"})");
  EXPECT_EQ(elements_of(w.get("/users/ann/notifications?since=n1").body).size(), 1u);
  EXPECT_EQ(w.get("/users/ann/notifications?since=n2").body, "[]");
  EXPECT_EQ(elements_of(w.get("/users/ann/notifications?since=gone").body).size(), 2u);
  for (std::string path :
       {"/users/ann", "/users//notifications", "/users/a/b/notifications", "/users/notifications"})
    EXPECT_EQ(w.get(path).status, 404u) << path;
  EXPECT_EQ(w.get("/users/ann/notifications?limit=x").status, 400u);
}

}  // namespace
}  // namespace tidewire::server
