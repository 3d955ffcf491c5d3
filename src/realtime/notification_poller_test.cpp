#include "realtime/notification_list.hpp"

#include <tidewire/lab/client.hpp>
#include <tidewire/lab/network.hpp>
#include <tidewire/lab/world.hpp>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace tidewire::realtime {
namespace {

using namespace std::chrono_literals;
using words = std::vector<std::string>;

words ids_of(const std::vector<notification>& all) {
  words out;
  for (auto& n : all) out.push_back(n.id);
  return out;
}

std::vector<notification> take(notification_list& list, const std::string& text) {
  return list.take(boost::json::parse(text).as_array());
}

TEST(notification_list, gives_the_oldest_first_and_each_once) {
  notification_list list;
  EXPECT_EQ(ids_of(take(list, R"([{"id":"b","message":"2","ts":"t"},{"id":"a","message":"1"}])")),
            (words{"a", "b"}));
  EXPECT_EQ(ids_of(take(list, R"([{"id":"c"},{"id":"b"},{"id":"a"}])")), words{"c"});
  EXPECT_EQ(ids_of(list.recent()), (words{"c", "b", "a"}));
  EXPECT_EQ(list.recent()[1].message, "2");
  EXPECT_EQ(list.recent()[1].time, "t");
}

TEST(notification_list, markup_stays_text_and_odd_entries_harm_nobody) {
  notification_list list;
  auto got =
      take(list, R"([{"id":7,"message":"<b>\u0000x</b>"},{"message":"no id"},3,null,{"id":{}},
                            {"id":"z","message":5}])");
  ASSERT_EQ(ids_of(got), (words{"z", "7"}));
  EXPECT_EQ(got[0].message, "");
  EXPECT_EQ(got[1].message, std::string("<b>\0x</b>", 9));
}

TEST(notification_list, is_bounded) {
  notification_list list;
  for (int i = 0; i < 3000; ++i) take(list, "[{\"id\":" + std::to_string(i) + "}]");
  EXPECT_EQ(list.recent().size(), notification_poller::max_recent);
  EXPECT_EQ(list.recent().front().id, "2999");
  EXPECT_TRUE(take(list, "[{\"id\":2999},{\"id\":2001}]").empty());
}

class notification_poller_test : public testing::Test {
 protected:
  notification_poller_test() : network(world, plan), host(network.add_host("http://h:80")) {
    world.set_step_limit(1'000'000);
    host.start([this](server::request& r) -> asio::awaitable<server::response> {
      targets.push_back(r.target);
      server::response out;
      out.status = status;
      if (status == 200) out.body = server::text_body(answer(r.query));
      co_return out;
    });
    client = std::make_unique<lab::client>(network, world.get_executor());
    context ctx(world.get_executor(), rng(1));
    polls = std::make_unique<notification_poller>(ctx, *client,
                                                  *http::url::parse("http://h:80/api/"), "me you");
    listen = *polls->received().connect([this](const notification& n) { heard.push_back(n.id); });
    ends = *polls->stopped().connect([this](const poll_end& e) { reason = e.reason; });
  }

  // As wire.md has it: newest first, those after `since`, else the newest `limit`.
  std::string answer(const std::string& query) {
    int since = -1, limit = 1000;
    if (query.starts_with("since=")) since = std::stoi(query.substr(6));
    if (query.starts_with("limit=")) limit = std::stoi(query.substr(6));
    std::string out;
    for (int i = count - 1; i > since && limit > 0; --i, --limit)
      out +=
          (out.empty() ? "" : ",") + ("{\"id\":\"" + std::to_string(i) + "\",\"message\":\"m\"}");
    return "[" + out + "]";
  }

  lab::world world;
  lab::fault_plan plan{world};
  lab::network network;
  lab::host host;
  std::unique_ptr<lab::client> client;
  std::unique_ptr<notification_poller> polls;
  signal<notification>::connection listen;
  signal<poll_end>::connection ends;
  std::optional<error_code> reason;
  unsigned status = 200;
  int count = 25;
  words targets, heard;
};

TEST_F(notification_poller_test, asks_for_the_last_20_and_then_for_what_is_new) {
  polls->start();
  world.run_for(1s);
  EXPECT_EQ(targets, words{"/api/users/me%20you/notifications?limit=20"});
  ASSERT_EQ(heard.size(), 20U);
  EXPECT_EQ(heard.front(), "5");
  EXPECT_EQ(heard.back(), "24");
  heard.clear();
  count = 28;
  world.run_for(10s);
  EXPECT_EQ(targets.back(), "/api/users/me%20you/notifications?since=24");
  EXPECT_EQ(heard, (words{"25", "26", "27"}));
  world.run_for(60s);
  EXPECT_EQ(heard.size(), 3U);
  EXPECT_EQ(polls->status().cursor, "27");
  EXPECT_EQ(polls->recent().size(), 23U);
}

TEST_F(notification_poller_test, waits_10_s_and_gives_up_after_3_errors) {
  polls->start();
  world.run_for(1s);
  EXPECT_EQ(polls->status().current_interval, 10s);
  status = 500;
  world.run_until_idle();
  EXPECT_EQ(targets.size(), 4U);
  EXPECT_EQ(reason, error_code(errc::too_many_errors));
}

TEST_F(notification_poller_test, an_empty_list_at_first_is_asked_for_again) {
  count = 0;
  polls->start();
  world.run_for(11s);
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_EQ(targets.back(), targets.front());
  count = 1;
  world.run_for(10s);
  EXPECT_EQ(heard, words{"0"});
}

TEST_F(notification_poller_test, a_listener_may_destroy_it_between_two) {
  auto killer = *polls->received().connect([this](const notification&) { polls.reset(); });
  polls->start();
  world.run_for(60s);
  EXPECT_FALSE(polls);
  EXPECT_EQ(heard, words{"5"});
}

}  // namespace
}  // namespace tidewire::realtime
