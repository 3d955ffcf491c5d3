// The three ways in which servers are spoken to.
#include <tidewire/realtime/error.hpp>
#include <tidewire/realtime/frame.hpp>
#include <tidewire/realtime/message_codec.hpp>

#include <gtest/gtest.h>

namespace tidewire::realtime {
namespace {

using namespace std::chrono_literals;

http::request request(const std::string& url = "http://hub/messages") {
  return http::request(*http::url::parse(url));
}

std::string polled(message_codec& codec, const channel_cursor& at, std::chrono::seconds wait = 0s,
                   const std::string& url = "http://hub/messages") {
  auto r = request(url);
  codec.prepare_poll(r, at, 500, wait);
  return std::string(r.target.target());
}

struct wire : ::testing::Test {
  std::unique_ptr<message_codec> codec = make_wire_codec("c7");

  template <class Event>
  Event one(const std::string& frame) {
    auto events = codec->decode(frame);
    EXPECT_TRUE(events && events->size() == 1 && std::holds_alternative<Event>(events->front()))
        << frame;
    return events && !events->empty() ? std::get<Event>(events->front()) : Event{};
  }
};

TEST_F(wire, hello_says_where_each_channel_stands) {
  auto text = codec->hello({{"a", {"e1", 41}}, {"b", {}}, {"c", {}, true}});
  ASSERT_TRUE(text);
  auto f = decode_frame(*text);
  ASSERT_TRUE(f);
  auto& hello = std::get<hello_frame>(*f);
  EXPECT_EQ(hello.client, "c7");
  EXPECT_EQ(hello.channels["a"], (subscription{"e1", 41}));
  EXPECT_EQ(hello.channels["b"], (subscription{std::nullopt, std::nullopt})) << "from now on";
  EXPECT_EQ(hello.channels["c"], (subscription{std::nullopt, 0})) << "everything";
  EXPECT_EQ(hello.token, "") << "the upgrade's header has it";
}

TEST_F(wire, reads_every_frame_of_a_server) {
  auto w = one<welcome>(
      R"({"t":"welcome","channels":{"room":{"epoch":"e1","recovered":true,"head":57}},"ping_ms":25000})");
  ASSERT_EQ(w.channels.size(), 1U);
  EXPECT_EQ(w.channels[0].at, (cursor{"e1", 57}));
  EXPECT_TRUE(w.channels[0].recovered);
  EXPECT_EQ(w.ping, 25s);
  auto m = one<message>(
      R"({"t":"msg","ch":"room","epoch":"e1","off":42,"id":"c7:19","ts":"x","d":{"a":[1.0]}})");
  EXPECT_EQ(m.offset, 42U);
  EXPECT_EQ(m.data, R"({"a":[1.0]})") << "as it was published";
  EXPECT_TRUE(one<publish_ack>(R"({"t":"ack","id":"c7:20","off":58,"dup":true})").duplicate);
  auto n = one<publish_nack>(R"({"t":"nack","id":"c7:20","why":"rate","retry_ms":100})");
  EXPECT_EQ(n.retry_after, 100ms);
  EXPECT_FALSE(one<publish_nack>(R"({"t":"nack","id":"c7:20","why":"no"})").retry_after);
  auto r = one<reset>(R"({"t":"reset","ch":"room","epoch":"e2","head":0,"why":"epoch"})");
  EXPECT_EQ(r.to, (cursor{"e2", 0}));
  auto b = one<goodbye>(R"({"t":"bye","why":"drain","retry_ms":1500})");
  EXPECT_EQ(b.retry_after, 1500ms);
  EXPECT_FALSE(b.unauthorized);
  EXPECT_TRUE(one<goodbye>(R"({"t":"bye","why":"token"})").unauthorized);
}

TEST_F(wire, skips_what_it_does_not_know_and_refuses_what_is_broken) {
  auto later = codec->decode(R"({"t":"from-the-future","x":1})");
  ASSERT_TRUE(later);
  EXPECT_TRUE(later->empty());
  EXPECT_TRUE(codec->decode(R"({"t":"pong"})")->empty());
  for (const auto* bad : {"", "[]", "{", R"({"t":1})", R"({"t":"msg","ch":"room"})",
                          R"({"t":"msg","ch":"room","epoch":"e","off":0,"id":"a","ts":"","d":1})"})
    EXPECT_FALSE(codec->decode(bad)) << bad;
}

TEST_F(wire, polls_by_cursor) {
  EXPECT_EQ(polled(*codec, {"room", {"e1", 41}}), "/messages?ch=room&epoch=e1&since=41&limit=500");
  EXPECT_EQ(polled(*codec, {"room", {}}), "/messages?ch=room&limit=500") << "from now on";
  EXPECT_EQ(polled(*codec, {"room", {}, true}), "/messages?ch=room&since=0&limit=500");
  EXPECT_EQ(polled(*codec, {"a b&c/ü", {}}, 25s, "http://hub/messages?key=1"),
            "/messages?key=1&ch=a%20b%26c%2F%C3%BC&limit=500&wait=25");
}

TEST_F(wire, reads_pages) {
  channel_cursor at{"room", {"e1", 41}};
  auto page = codec->decode_poll(
      at, 200,
      R"({"epoch":"e1","next":43,"head":57,"more":true,"messages":[{"off":42,"id":"a","d":1},{"off":43,"id":"b","d":{"x":2}}]})");
  ASSERT_TRUE(page);
  auto& p = std::get<message_page>(*page);
  EXPECT_TRUE(p.more);
  EXPECT_EQ(p.head, 57U);
  ASSERT_EQ(p.messages.size(), 2U);
  EXPECT_EQ(p.messages[1].data, R"({"x":2})");
  EXPECT_EQ(p.messages[1].channel, "room");
  auto gone = codec->decode_poll(at, 410, R"({"epoch":"e1","oldest":50})");
  ASSERT_TRUE(gone);
  EXPECT_EQ(std::get<reset>(*gone).to, (cursor{"e1", 49}));
  EXPECT_EQ(std::get<reset>(*gone).reason, "trimmed");
  for (const auto* bad :
       {"", "[]", "{}", R"({"epoch":"e1","head":1})", R"({"epoch":"e1","head":1,"messages":{}})",
        R"({"epoch":"e1","head":-1,"messages":[]})",
        R"({"epoch":"e1","head":1,"messages":[{"off":0,"d":1}]})",
        R"({"epoch":"e1","head":1,"messages":[{"off":1}]})"})
    EXPECT_FALSE(codec->decode_poll(at, 200, bad)) << bad;
  EXPECT_FALSE(codec->decode_poll(at, 410, "gone"));
}

TEST_F(wire, publishes_with_a_key) {
  auto r = request();
  auto body = codec->prepare_publish(r, {"c7:20", "room", "{\"a\":1}"});
  EXPECT_EQ(r.headers.find("Idempotency-Key"), "c7:20");
  EXPECT_EQ(body, R"({"ch":"room","id":"c7:20","d":{"a":1}})");
  auto ack = codec->decode_publish({"c7:20", "room", "1"}, R"({"off":58,"dup":false})");
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->offset, 58U);
  EXPECT_FALSE(codec->decode_publish({"c7:20", "room", "1"}, "<html>"));
}

TEST(chat_codec, speaks_as_the_lesson_does) {
  auto codec = make_chat_codec();
  EXPECT_FALSE(codec->has_offsets());
  EXPECT_FALSE(codec->acknowledges());
  EXPECT_FALSE(codec->hello({}));
  auto events = codec->decode(R"({"type":"message","payload":{"id":"1","text":"hi"}})");
  ASSERT_TRUE(events && events->size() == 1);
  auto& m = std::get<message>(events->front());
  EXPECT_EQ(m.channel, "chat");
  EXPECT_EQ(m.id, "1");
  EXPECT_EQ(m.offset, 0U);
  EXPECT_EQ(m.data, R"({"id":"1","text":"hi"})");
  EXPECT_TRUE(codec->decode(R"({"type":"typing","payload":{}})")->empty());
  EXPECT_FALSE(codec->decode("nonsense"));
  EXPECT_EQ(polled(*codec, {"chat", {}}, 0s, "http://hub/chat/messages"),
            "/chat/messages?limit=50");
  cursor seen;
  seen.id = "a/1";
  EXPECT_EQ(polled(*codec, {"chat", seen}, 0s, "http://hub/chat/messages"),
            "/chat/messages?since=a%2F1");
  EXPECT_EQ(codec->encode({"1", "chat", "{\"id\":\"1\"}"}),
            R"({"type":"message","payload":{"id":"1"}})");
}

TEST(chat_codec, lists_come_with_the_newest_first) {
  auto codec = make_chat_codec();
  cursor seen;
  seen.id = "1";
  auto page = codec->decode_poll({"chat", seen}, 200, R"([{"id":"3"},{"id":2},{"id":"1"}])");
  ASSERT_TRUE(page);
  auto& all = std::get<message_page>(*page).messages;
  ASSERT_EQ(all.size(), 2U) << "the one that was asked from is not new";
  EXPECT_EQ(all[0].id, "2");
  EXPECT_EQ(all[1].id, "3");
  EXPECT_FALSE(codec->decode_poll({"chat", {}}, 200, "{}"));
  EXPECT_FALSE(codec->decode_poll({"chat", {}}, 200, ""));
}

TEST(plain_codec, takes_whatever_json_comes) {
  auto codec = make_plain_codec("events", {"", "key", false});
  auto events = codec->decode(R"({"key":"k1","x":1})");
  ASSERT_TRUE(events && events->size() == 1);
  EXPECT_EQ(std::get<message>(events->front()).id, "k1");
  EXPECT_EQ(std::get<message>(codec->decode("[1,2]")->front()).id, "");
  EXPECT_FALSE(codec->decode("{"));
  auto page = codec->decode_poll({"events", {}}, 200, R"([{"key":"a"},{"key":"b"},3])");
  ASSERT_TRUE(page);
  auto& all = std::get<message_page>(*page).messages;
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].id, "a") << "the oldest first, as it came";
  auto r = request();
  EXPECT_EQ(codec->prepare_publish(r, {"c:1", "events", "{\"x\":1}"}), "{\"x\":1}");
  EXPECT_EQ(r.headers.find("Idempotency-Key"), "c:1");
  EXPECT_TRUE(codec->decode_publish({"c:1", "events", "1"}, ""));
}

}  // namespace
}  // namespace tidewire::realtime
