#include "hub_test_support.hpp"

#include <tidewire/core/json_text.hpp>

#include <gtest/gtest.h>

#include <numeric>
#include <set>

namespace tidewire::server {
namespace {

using namespace std::chrono_literals;
using namespace realtime;
using test::hub_world;
using websocket::close_code;

using offsets_t = std::vector<std::uint64_t>;

offsets_t range(std::uint64_t first, std::uint64_t last) {
  offsets_t out(last + 1 - first);
  std::iota(out.begin(), out.end(), first);
  return out;
}

std::string epoch_of(hub_world& w, const std::string& channel) {
  return w.store->state(channel)->epoch;
}

std::string type_of(const std::string& text) {
  auto object = json_object_view::parse(text);
  return object && object->find("t") ? *json_string(*object->find("t")) : text;
}

std::vector<std::string> types_of(const test::peer& p) {
  std::vector<std::string> out;
  for (const auto& text : p.texts) out.push_back(type_of(text));
  return out;
}

TEST(realtime_session, welcomes_then_replays_then_goes_on) {
  hub_world w;
  w.fill("room", 57);
  auto e = epoch_of(w, "room");
  auto p = w.join({{"room", {e, 41}}});
  ASSERT_FALSE(p->texts.empty());
  EXPECT_EQ(type_of(p->texts[0]), "welcome");
  auto welcome = p->all<welcome_frame>().at(0);
  EXPECT_EQ(welcome.channels.at("room"), (channel_state{e, true, 57}));
  EXPECT_EQ(welcome.ping, 25s);
  EXPECT_EQ(p->offsets("room"), range(42, 57));
  w.fill("room", 3);
  EXPECT_EQ(p->offsets("room"), range(42, 60));
  auto last = p->all<message_frame>().back();
  auto stored = w.store->read("room", 59, 1, 100)->messages.at(0);
  EXPECT_EQ(last.epoch, e);
  EXPECT_EQ(last.id, stored.id);
  EXPECT_EQ(last.data, "1");
  auto again = w.join({{"room", {e, 0}}});
  EXPECT_EQ(again->offsets("room"), range(1, 60)) << "a replay is the log";
  EXPECT_EQ(again->texts.back(), p->texts.back()) << "the same live and from the log";
}

TEST(realtime_session, without_a_cursor_it_is_from_now_on) {
  hub_world w;
  w.fill("room", 3);
  auto p = w.join({{"room", {}}, {"empty", {}}});
  EXPECT_EQ(p->all<welcome_frame>().at(0).channels.at("room").head, 3u);
  EXPECT_TRUE(p->offsets("room").empty());
  w.fill("room", 1);
  w.fill("empty", 1);
  w.fill("unheard", 1);
  EXPECT_EQ(p->offsets("room"), offsets_t{4});
  EXPECT_EQ(p->offsets("empty"), offsets_t{1});
  EXPECT_EQ(p->texts.size(), 3u);
}

TEST(realtime_session, a_long_history_comes_in_order_while_more_is_published) {
  message_hub_options o;
  o.ring_messages = 16;
  hub_world w(o);
  std::vector<new_message> batch;
  for (int i = 0; i < 3000; ++i) batch.push_back({"room", "b" + std::to_string(i), "", "1"});
  ASSERT_TRUE(w.store->append(batch, message_time(1'704'067'200s)));
  auto p = w.connect("/realtime/ann");
  p->send(frame(hello_frame{"c", {{"room", {{}, 0}}}, ""}));
  for (int i = 0; i < 300; ++i) {
    w.ask("POST", "/messages", "{\"ch\":\"room\",\"d\":1}",
          {{"Idempotency-Key", "live" + std::to_string(i)}});
    w.world.run_for(1ms);
  }
  w.world.run_for(10s);
  EXPECT_EQ(p->offsets("room"), range(1, 3300));
  EXPECT_FALSE(p->ended);
}

TEST(realtime_session, a_lost_cursor_is_one_reset_before_anything_newer) {
  message_retention keep;
  keep.max_messages = 3;
  hub_world w({}, keep);
  w.fill("room", 10);
  auto e = epoch_of(w, "room");
  struct row {
    subscription at;
    std::uint64_t head;
    reset_reason why;
  };
  for (const auto& [at, head, why] : std::vector<row>{
           {{"other", 9}, 7, reset_reason::epoch},
           {{e, 6}, 7, reset_reason::trimmed},
           {{std::nullopt, 0}, 7, reset_reason::trimmed},
           {{e, 11}, 10, reset_reason::epoch},
       }) {
    auto p = w.join({{"room", at}});
    EXPECT_FALSE(p->all<welcome_frame>().at(0).channels.at("room").recovered);
    ASSERT_GE(p->texts.size(), 2u);
    EXPECT_EQ(type_of(p->texts[1]), "reset");
    EXPECT_EQ(p->all<reset_frame>(), (std::vector<reset_frame>{{"room", e, head, why}}));
    EXPECT_EQ(p->offsets("room"), head == 10 ? offsets_t{} : range(8, 10));
    p->abort();
  }
  auto fits = w.join({{"room", {e, 7}}});
  EXPECT_TRUE(fits->all<reset_frame>().empty());
  EXPECT_EQ(fits->offsets("room"), range(8, 10));
}

TEST(realtime_session, a_log_that_begins_anew_is_one_reset) {
  hub_world w;
  w.fill("room", 3);
  auto p = w.join({{"room", {epoch_of(w, "room"), 1}}, {"other", {}}});
  w.hub->async_begin_anew("room", [](error_code, const log_state&) {});
  w.settle();
  w.fill("room", 2);
  w.fill("other", 1);
  auto e = epoch_of(w, "room");
  EXPECT_EQ(p->all<reset_frame>(), (std::vector<reset_frame>{{"room", e, 0, reset_reason::epoch}}));
  EXPECT_EQ(types_of(*p),
            (std::vector<std::string>{"welcome", "msg", "msg", "reset", "msg", "msg", "msg"}));
  EXPECT_EQ(p->offsets("room"), (offsets_t{2, 3, 1, 2}));
  EXPECT_EQ(p->all<message_frame>().at(2).epoch, e);
}

TEST(realtime_session, publishes_once_and_says_where) {
  hub_world w;
  auto p = w.join({{"room", {}}});
  p->send(frame(publish_frame{"c7:1", "room", "{\"a\": 1}"}));
  p->send(frame(publish_frame{"c7:2", "room", "2"}));
  w.settle();
  p->send(frame(publish_frame{"c7:1", "room", "{\"a\": 1}"}));
  w.settle();
  EXPECT_EQ(p->all<ack_frame>(),
            (std::vector<ack_frame>{{"c7:1", 1, false}, {"c7:2", 2, false}, {"c7:1", 1, true}}));
  EXPECT_EQ(p->offsets("room"), range(1, 2)) << "who publishes hears it as everybody does";
  EXPECT_EQ(p->all<message_frame>().at(0).data, "{\"a\": 1}");
  EXPECT_EQ(p->all<message_frame>().at(0).user, "ann");
}

TEST(realtime_session, an_acknowledged_message_survives_the_server) {
  hub_world w;
  auto p = w.join({{"room", {}}});
  p->send(frame(publish_frame{"a", "room", "1"}));
  w.settle();
  auto e = epoch_of(w, "room");
  w.start();
  w.settle();
  EXPECT_TRUE(p->ended);
  auto again = w.join({{"room", {e, 0}}});
  EXPECT_TRUE(again->all<reset_frame>().empty());
  EXPECT_EQ(again->offsets("room"), offsets_t{1});
  again->send(frame(publish_frame{"a", "room", "1"}));
  w.settle();
  EXPECT_EQ(again->all<ack_frame>(), (std::vector<ack_frame>{{"a", 1, true}}));
}

TEST(realtime_session, refuses_a_message_and_keeps_the_connection) {
  message_hub_options o;
  o.publish_per_second = 2;
  o.publish_burst = 2;
  o.allow = [](const std::string& user, const std::string& channel, message_hub_options::action a) {
    return channel != "mine" || (user == "ann" && a == message_hub_options::action::read);
  };
  hub_world w(o);
  auto p = w.join({{"room", {}}, {"mine", {}}});
  auto nack = [&](const std::string& text) {
    p->send(text);
    w.settle();
    return p->all<nack_frame>().back();
  };
  EXPECT_EQ(nack(R"({"t":"pub","id":"a","ch":"mine","d":1})"), (nack_frame{"a", "forbidden", {}}));
  EXPECT_EQ(nack(R"({"t":"pub","id":"b","d":1})"), (nack_frame{"b", "malformed", {}}));
  EXPECT_EQ(nack(R"({"t":"pub","id":"c","ch":"room","d":")" + std::string(65'536, 'x') + "\"}"),
            (nack_frame{"c", "too_large", {}}));
  p->send(frame(publish_frame{"d", "room", "1"}));
  EXPECT_EQ(nack(R"({"t":"pub","id":"d","ch":"room","d":2})"), (nack_frame{"d", "id_reused", {}}));
  auto fast = nack(R"({"t":"pub","id":"e","ch":"room","d":1})");
  EXPECT_EQ(fast.why, "rate");
  ASSERT_TRUE(fast.retry);
  EXPECT_LE(*fast.retry, 500ms);
  w.world.run_for(*fast.retry);
  w.faults->before_commit = 1;
  auto failed = nack(R"({"t":"pub","id":"e","ch":"room","d":1})");
  EXPECT_EQ(failed.why, "store");
  EXPECT_TRUE(failed.retry);
  EXPECT_FALSE(p->ended);
  EXPECT_EQ(w.store->state("room")->head, 1u);
}

TEST(realtime_session, what_the_store_took_and_did_not_say_reaches_the_listeners) {
  hub_world w;
  auto p = w.join({{"room", {}}});
  w.faults->after_commit = 1;
  p->send(frame(publish_frame{"a", "room", "1"}));
  w.settle();
  EXPECT_EQ(p->all<nack_frame>().size(), 1u);
  EXPECT_EQ(p->offsets("room"), offsets_t{1});
  w.faults->after_commit = w.faults->states = 1;  // nor can it be asked
  p->send(frame(publish_frame{"b", "room", "1"}));
  w.settle();
  p->send(frame(publish_frame{"b", "room", "1"}));
  p->send(frame(publish_frame{"c", "room", "1"}));
  w.settle();
  EXPECT_EQ(p->offsets("room"), range(1, 3));
  EXPECT_EQ(p->all<ack_frame>(), (std::vector<ack_frame>{{"b", 2, true}, {"c", 3, false}}));
  w.faults->after_commit = 1;
  w.faults->states = 2;  // nor the next time
  p->send(frame(publish_frame{"d", "room", "1"}));
  w.settle();
  p->send(frame(publish_frame{"e", "room", "1"}));
  w.settle();
  EXPECT_EQ(p->offsets("room"), range(1, 5));
}

TEST(realtime_session, closes_on_what_is_no_frame) {
  struct row {
    std::string text;
    close_code code;
    bool is_text = true;
  };
  auto deep = std::string(60, '[') + std::string(60, ']');
  for (const auto& [text, code, is_text] : std::vector<row>{
           {"", close_code::invalid_payload},
           {"hello", close_code::invalid_payload},
           {R"({"t":"ping")", close_code::invalid_payload},
           {R"({"t":"ping","t":"pong"})", close_code::invalid_payload},
           {R"({"t":"pub","id":"a","ch":"room","d":)" + deep + "}", close_code::invalid_payload},
           {R"({"t":"pub","id":"a","ch":"room","d":9223372036854775808})",
            close_code::invalid_payload},
           {R"({"t":"dance"})", close_code::policy_violation},
           {R"({"t":7})", close_code::policy_violation},
           {R"({"t":"pub","ch":"room","d":1})", close_code::policy_violation},
           {R"({"t":"hello","v":1,"client":"c","channels":{}})", close_code::policy_violation},
           {R"({"t":"ack","id":"a","off":1,"dup":false})", close_code::policy_violation},
           {R"({"t":"msg","ch":"room","epoch":"e","off":1,"id":"a","d":1})",
            close_code::policy_violation},
           {R"({"t":"ping"})", close_code::unsupported_data, false},
           {R"({"t":"pub","id":"a","ch":"room","d":")" + std::string(200'000, 'x') + "\"}",
            close_code::message_too_big},
       }) {
    hub_world w;
    auto p = w.join({{"room", {}}});
    p->send(text, is_text);
    w.world.run_for(5s);
    EXPECT_TRUE(p->ended) << text.substr(0, 60);
    EXPECT_EQ(p->closed.code, code) << text.substr(0, 60) << " " << p->failure.message();
    if (code != close_code::message_too_big) {
      EXPECT_EQ(types_of(*p).back(), "bye") << text.substr(0, 60);
    }
    EXPECT_EQ(w.store->state("room")->head, 0u);
  }
}

TEST(realtime_session, a_hello_comes_first_and_in_time) {
  hub_world w;
  auto silent = w.connect("/realtime/ann");
  auto pinging = w.connect("/realtime/ann");
  w.settle();
  pinging->send(frame(ping_frame()));
  auto hasty = w.connect("/realtime/ann");
  hasty->send(frame(publish_frame{"a", "room", "1"}));
  auto wrong = w.connect("/realtime/ann");
  wrong->send(R"({"t":"hello","v":2,"client":"c","channels":{}})");
  w.world.run_for(1s);
  EXPECT_TRUE(hasty->ended);
  EXPECT_EQ(hasty->closed.code, close_code::policy_violation);
  EXPECT_TRUE(wrong->ended);
  EXPECT_EQ(wrong->closed.code, close_code::policy_violation);
  EXPECT_FALSE(silent->ended);
  EXPECT_EQ(types_of(*pinging), (std::vector<std::string>{"pong"}));
  w.world.run_for(10s);
  EXPECT_TRUE(silent->ended);
  EXPECT_TRUE(pinging->ended) << "a ping is no hello";
  EXPECT_EQ(silent->closed.code, close_code::policy_violation);
  EXPECT_EQ(w.store->state("room")->head, 0u);
}

TEST(realtime_session, the_token_comes_in_the_header_or_in_the_hello) {
  message_hub_options o;
  o.token = "0123456789abcdef";
  hub_world w(o);
  auto hello = [&](const std::string& token, http::fields headers) {
    auto p = w.connect("/realtime/ann", std::move(headers));
    p->send(frame(hello_frame{"c", {{"room", {}}}, token}));
    w.world.run_for(1s);
    return p;
  };
  EXPECT_EQ(types_of(*hello(o.token, {})).at(0), "welcome");
  // The edge has looked at it: see screening.
  EXPECT_EQ(types_of(*hello("", {{"Authorization", "Bearer " + o.token}})).at(0), "welcome");
  for (std::string bad : {"", "0123456789abcdeX", "0123456789abcdef0", "0"}) {
    auto p = hello(bad, {});
    EXPECT_TRUE(p->ended);
    EXPECT_EQ(p->closed.code, close_code::policy_violation);
    EXPECT_EQ(p->all<bye_frame>().at(0).why, "token");
    EXPECT_EQ(p->texts.size(), 1u);
  }
}

TEST(realtime_session, the_application_says_who_may_listen) {
  message_hub_options o;
  o.allow = [](const std::string& user, const std::string& channel, message_hub_options::action) {
    return channel == "user:" + user;
  };
  hub_world w(o);
  EXPECT_EQ(types_of(*w.join({{"user:ann", {}}})).at(0), "welcome");
  auto p = w.join({{"user:ann", {}}, {"user:bob", {}}});
  EXPECT_EQ(p->all<bye_frame>().at(0).why, "forbidden");
}

TEST(realtime_session, has_a_name_for_its_user) {
  hub_world w;
  for (auto path : {"/realtime/", "/realtime/a/b", "/chat/a/b"}) {
    auto p = w.connect(path);
    w.settle();
    EXPECT_EQ(p->status, 404u) << path;
  }
}

TEST(realtime_session, a_peer_that_is_gone_without_a_word_is_noticed) {
  hub_world w;
  auto p = w.join({{"room", {}}});
  w.world.run_for(10min);
  EXPECT_FALSE(p->ended) << "a quiet one answers our pings";
  w.network.partition(hub_world::origin);
  w.world.run_for(25s * 4);
  w.network.heal();
  w.world.run_for(30s);
  EXPECT_TRUE(p->ended);
}

TEST(realtime_session, who_does_not_read_is_closed_and_misses_nothing) {
  message_hub_options o;
  o.publish_per_second = o.publish_burst = 1e6;
  hub_world w(o);
  auto p = w.join({{"room", {}}});
  auto healthy = w.join({{"room", {}}});
  p->reading = false;
  std::string big = "\"" + std::string(20'000, 'x') + "\"";
  for (int i = 0; i < 200; ++i) w.publish("room", "m" + std::to_string(i), big);
  w.world.run_for(2min);
  EXPECT_EQ(healthy->offsets("room"), range(1, 200)) << "others are not held up";
  EXPECT_FALSE(healthy->ended);
  p->resume();
  w.world.run_for(10s);
  EXPECT_TRUE(p->ended);
  auto had = p->offsets("room");
  ASSERT_FALSE(had.empty());
  EXPECT_LT(had.size(), 200u);
  EXPECT_EQ(had, range(1, had.back())) << "what came, came in order";
  auto again = w.join({{"room", {epoch_of(w, "room"), had.back()}}});
  w.world.run_for(10s);
  EXPECT_EQ(again->offsets("room"), range(had.back() + 1, 200));
}

TEST(realtime_session, who_was_up_to_date_and_falls_behind_is_told_so) {
  message_hub_options o;
  o.publish_per_second = o.publish_burst = 1e6;
  o.queue_messages = 50;
  hub_world w(o);
  auto p = w.join({{"room", {}}});
  p->reading = false;
  std::string big = "\"" + std::string(10'000, 'x') + "\"";
  for (int i = 0; i < 200; ++i) {
    w.ask("POST", "/messages", R"({"ch":"room","d":)" + big + "}",
          {{"Idempotency-Key", std::to_string(i)}});
    w.world.run_for(10ms);
  }
  p->resume();
  w.world.run_for(10s);
  EXPECT_TRUE(p->ended);
  ASSERT_EQ(p->all<bye_frame>().size(), 1u);
  EXPECT_EQ(p->all<bye_frame>()[0].why, "slow");
  EXPECT_TRUE(p->all<bye_frame>()[0].retry);
  EXPECT_EQ(p->closed.code, close_code::try_again_later);
  EXPECT_EQ(p->offsets("room"), range(1, p->offsets("room").back()));
}

TEST(realtime_session, who_publishes_and_does_not_read_is_not_read) {
  message_hub_options o;
  o.publish_per_second = o.publish_burst = 1e6;
  hub_world w(o);
  auto p = w.join({});
  p->reading = false;
  std::string pad(128 - 6, 'x');
  for (int i = 0; i < 20'000; ++i)
    p->send(frame(publish_frame{pad + std::to_string(100'000 + i), "room", "1"}));
  w.world.run_for(20s);
  auto head = w.store->state("room")->head;
  EXPECT_GT(head, 100u);
  EXPECT_LT(head, 10'000u) << "the answers would pile up";
  p->resume();
  w.world.run_for(2min);
  EXPECT_EQ(p->all<ack_frame>().size(), 20'000u);
  EXPECT_EQ(w.store->state("room")->head, 20'000u);
}

TEST(realtime_session, a_busy_channel_starves_no_other) {
  message_hub_options o;
  hub_world w(o);
  std::vector<new_message> batch;
  for (int i = 0; i < 900; ++i) batch.push_back({"busy", "b" + std::to_string(i), "", "1"});
  batch.push_back({"quiet", "q", "", "1"});
  ASSERT_TRUE(w.store->append(batch, message_time(1'704'067'200s)));
  auto p = w.join({{"busy", {{}, 0}}, {"quiet", {{}, 0}}});
  w.world.run_for(5s);
  EXPECT_EQ(p->offsets("busy"), range(1, 900));
  EXPECT_EQ(p->offsets("quiet"), offsets_t{1});
}

// R12: nobody comes back in lock step.
TEST(realtime_session, a_server_that_goes_spreads_its_clients) {
  hub_world w;
  std::vector<std::shared_ptr<test::peer>> all;
  for (int i = 0; i < 300; ++i) all.push_back(w.connect("/realtime/ann"));
  for (auto& p : all) p->send(frame(hello_frame{"c", {{"room", {}}}, ""}));
  w.settle();
  w.hub->drain();
  w.world.run_for(5s);
  std::multiset<std::int64_t> delays;
  for (auto& p : all) {
    ASSERT_TRUE(p->ended);
    EXPECT_EQ(p->closed.code, close_code::service_restart);
    auto bye = p->all<bye_frame>().at(0);
    EXPECT_EQ(bye.why, "drain");
    ASSERT_TRUE(bye.retry);
    EXPECT_GE(*bye.retry, 500ms);
    EXPECT_LE(*bye.retry, 10'500ms);
    delays.insert(bye.retry->count());
  }
  for (std::int64_t from = 500; from < 10'500; from += 1000) {
    auto in = std::distance(delays.lower_bound(from), delays.lower_bound(from + 1000));
    EXPECT_GT(in, 10) << from;
    EXPECT_LT(in, 60) << from;
  }
  auto late = w.connect("/realtime/ann");
  w.settle();
  EXPECT_EQ(late->status, 503u);
}

TEST(realtime_session, speaks_the_lessons_frames) {
  hub_world w;
  w.publish("chat", "before", R"("not for who comes later")");
  auto ann = w.connect("/chat/ann"), bob = w.connect("/chat/bob");
  w.settle();
  EXPECT_TRUE(ann->texts.empty());
  std::string said = R"({"type":"message","payload":{"id":"1","text":"hi","userId":"ann",)"
                     R"("timestamp":"t"}})";
  ann->send(said);
  w.settle();
  EXPECT_EQ(bob->texts, std::vector<std::string>{said});
  EXPECT_TRUE(ann->texts.empty()) << "who wrote it shows it already";
  ann->send(said);
  w.settle();
  EXPECT_EQ(bob->texts.size(), 1u) << "sent again";
  bob->send(R"({"type":"message","payload":{"id":"1","text":"same ms","userId":"bob"}})");
  w.settle();
  ASSERT_EQ(ann->texts.size(), 1u);
  EXPECT_NE(ann->texts[0].find("same ms"), std::string::npos);
  w.publish("chat", "other", R"({"text":"from elsewhere"})");
  ASSERT_EQ(bob->texts.size(), 2u);
  EXPECT_NE(bob->texts[1].find(R"("text":"from elsewhere")"), std::string::npos);
  ann->send(R"({"type":"message","payload":{"id":"","text":"x"}})");
  w.settle();
  ASSERT_EQ(ann->texts.size(), 3u);
  EXPECT_NE(ann->texts[2].find(R"("type":"error")"), std::string::npos);
  EXPECT_FALSE(ann->ended);
  ann->send(R"({"type":"dance"})");
  w.world.run_for(1s);
  EXPECT_TRUE(ann->ended);
  EXPECT_EQ(ann->closed.code, close_code::policy_violation);
}

TEST(realtime_session, a_store_that_fails_sends_everybody_away_at_other_times) {
  hub_world w;
  w.fill("room", 5);
  w.start();  // nothing is in memory
  w.faults->states = 2;
  std::set<std::int64_t> delays;
  for (int i = 0; i < 2; ++i) {
    auto p = w.join({{"room", {{}, 0}}});
    w.world.run_for(1s);
    ASSERT_TRUE(p->ended);
    EXPECT_EQ(p->closed.code, close_code::try_again_later);
    delays.insert(p->all<bye_frame>().at(0).retry->count());
  }
  EXPECT_EQ(delays.size(), 2u);
  w.faults->reads = 1;
  auto p = w.join({{"room", {{}, 0}}});
  w.world.run_for(1s);
  EXPECT_EQ(p->all<bye_frame>().at(0).why, "store");
  EXPECT_EQ(w.join({{"room", {{}, 0}}})->offsets("room"), range(1, 5));
}

}  // namespace
}  // namespace tidewire::server
