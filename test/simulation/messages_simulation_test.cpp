// The backend's message hub over a bad network: its program crashes and comes back over the same
// store, the store fails, connections break in every way of the lab. Simple clients publish until
// they are told that they did, and follow two channels by polls and by WebSocket from their
// cursors. The oracles are the server's part of the laws R1, R3, R4, R6 and R11.
#include "hub_test_support.hpp"

#include <tidewire/core/json_text.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/http/url.hpp>
#include <tidewire/lab/client.hpp>
#include <tidewire/lab/simulation.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace tidewire {
namespace {

using namespace std::chrono_literals;
using namespace server;
using server::test::lasting_store;

constexpr const char* origin = "http://hub:80";
constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
const std::vector<std::string> channels{"room", "user:ann"};

// What one client has been given of one channel, and where it goes on.
struct follower {
  realtime::subscription at{std::nullopt, 0};
  std::vector<std::pair<std::uint64_t, std::string>> got;
  unsigned resets = 0;
};

// A publisher's own book.
struct published {
  std::string channel, id, data;
  std::optional<std::uint64_t> offset;
};

struct text_handler final : http::exchange_handler {
  unsigned status = 0;
  std::string body;
  http::flow on_head(const http::response_head& head) override {
    status = head.status;
    return http::flow::proceed;
  }
  http::flow on_body(std::span<const std::byte> bytes) override {
    body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return http::flow::proceed;
  }
};

struct text_source final : http::body_source {
  explicit text_source(std::string t) : text(std::move(t)) {}
  result<std::size_t> read(std::span<std::byte> space) override {
    auto n = std::min(space.size(), text.size() - at);
    std::copy_n(reinterpret_cast<const std::byte*>(text.data()) + at, n, space.begin());
    at += n;
    return n;
  }
  bool rewind() override {
    at = 0;
    return true;
  }
  std::string text;
  std::size_t at = 0;
};

class scenario {
 public:
  scenario(std::uint64_t seed, const std::vector<lab::fault_event>* replay)
      : world_(seed),
        plan_(replay ? std::make_unique<lab::fault_plan>(world_, *replay)
                     : std::make_unique<lab::fault_plan>(world_)),
        network_(world_, *plan_),
        draw_(world_.random("scenario")) {
    world_.set_step_limit(5'000'000);
    // One in eight on SQLite: the same laws hold there, at the price of real files.
    if (seed % 8 == 0) open_file(seed);
    if (!store_) store_ = make_memory_message_store(world_.random("store"));
    options_.ring_messages = static_cast<std::size_t>(draw_.between(1, 40));
    options_.queue_messages = static_cast<std::size_t>(draw_.between(20, 400));
    options_.batch_messages = static_cast<std::size_t>(draw_.between(1, 64));
    auto faults = lab::link_faults::harsh(static_cast<std::uint32_t>(draw_.between(500, 40'000)));
    faults.duplicate_any_method = true;
    // No checksum above TCP guards a message: a flipped bit is another message.
    faults[lab::network_fault::corrupt] = 0;
    network_.set_faults(faults);
    for (const auto& c : channels) epochs_[c] = store_->state(c)->epoch;
    start_server();
  }

  ~scenario() {
    clients_->kill();
    store_.reset();
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  lab::simulation_result run() {
    start_clients();
    while (failure_.empty() && world_.now() < trouble_ends_) trouble();
    heal();
    auto patience = world_.now() + 2h;
    while (failure_.empty() && !settled() && world_.now() < patience) world_.run_for(100ms);
    if (failure_.empty() && !settled()) failure_ = "no quiet after two healthy hours";
    judge();
    return {failure_, world_.trace_hash(), plan_->recorded()};
  }

 private:
  void open_file(std::uint64_t seed) {
    auto name = ::testing::TempDir() + "tidewire-sim-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    auto made = open_sqlite_message_store(folder_ + "/messages.db", rng(seed));
    if (made)
      store_ = std::move(*made);
    else
      failure_ = "the store can't be opened: " + made.error().message();
  }

  void start_server() {
    auto host = network_.add_host(origin);
    if (host.up()) host.crash(draw_.chance_ppm(300'000));
    context ctx(host.get_executor(), world_.random("server" + std::to_string(++starts_)));
    routes_ = std::make_unique<router>();
    hub_ = std::make_unique<message_hub>(ctx, std::make_unique<lasting_store>(store_, faults_),
                                         host.get_executor(), options_);
    hub_->add_routes(*routes_);
    auto* r = routes_.get();
    host.start([r](request& req) { return r->route(req); });
  }

  void start_clients() {
    auto ex = clients_->get_executor();
    http_ = std::make_unique<lab::client>(network_, ex);
    sockets_ = std::make_unique<lab::websocket_client>(network_, ex);
    for (int i = 0; i < 2; ++i) {
      asio::co_spawn(ex, post_all(i), asio::detached);
      asio::co_spawn(ex, poll(pollers_[i], i), asio::detached);
      asio::co_spawn(ex, listen(i), asio::detached);
    }
  }

  // Crashes, restarts and a store that fails, before and after its commits.
  void trouble() {
    world_.run_for(clock::duration(draw_.between(1'000'000, 3'000'000'000)));
    auto what = draw_.between(0, 7);
    auto few = static_cast<unsigned>(draw_.between(1, 3));
    if (what == 0) start_server();
    if (what == 1) faults_->before_commit = few;
    if (what == 2) faults_->after_commit = few;
    // Committed, not said so, and not to be asked either: the hub knows less than the log.
    if (what == 2 || what == 6) faults_->states = static_cast<unsigned>(draw_.between(0, 4));
    if (what == 6) faults_->after_commit = 1;
    if (what == 3) faults_->reads = few;
    if (what == 4) faults_->states = few;
    if (what == 5) hub_->drain(), world_.run_for(1s), start_server();
  }

  void heal() {
    *faults_ = {};
    network_.set_faults(lab::link_faults{});
    network_.heal();
    start_server();
    healthy_ = true;
  }

  asio::awaitable<void> pause(clock::duration most) {
    timer t(clients_->get_executor());
    t.expires_after(clock::duration(draw_.between(1'000'000, most.count())));
    auto [ignored] = co_await t.async_wait(quietly);
    (void)ignored;
  }

  static http::request ask(const std::string& method, const std::string& target) {
    http::request out(*http::url::parse(origin + target));
    out.method = method;
    out.limits.head = out.limits.idle = 20s;
    return out;
  }

  // Publishes one after the other, each until it is told the offset.
  asio::awaitable<void> post_all(int number) {
    for (int i = 0; i < 40; ++i) {
      published p;
      p.channel = channels[static_cast<std::size_t>(draw_.between(0, 1))];
      p.id = "p" + std::to_string(number) + ":" + std::to_string(i);
      p.data = "{\"n\":" + std::to_string(i) + "}";
      auto at = book_.size();
      book_.push_back(p);
      while (!book_[at].offset) {
        auto req = ask("POST", "/messages");
        req.headers.set("Idempotency-Key", p.id);
        text_source body("{\"ch\":\"" + p.channel + "\",\"d\":" + p.data + "}");
        req.body = &body;
        req.content_length = body.text.size();
        text_handler answer;
        auto asking = http_->async_exchange(std::move(req), answer, quietly);
        auto [ec, summary] = co_await std::move(asking);
        if (!ec && answer.status == 200) settle(book_[at], answer.body);
        if (!ec && answer.status / 100 == 4 && answer.status != 429)
          failure_ = "a message was refused: " + answer.body;
        auto pausing = pause(400ms);
        co_await std::move(pausing);
      }
    }
    ++done_publishing_;
  }

  void settle(published& p, const std::string& body) {
    auto object = json_object_view::parse(body);
    if (object && object->find("off")) p.offset = json_uint(*object->find("off"));
    if (!p.offset) failure_ = "an answer without an offset: " + body;
  }

  // Follows both channels by polls.
  asio::awaitable<void> poll(std::map<std::string, follower>& mine, int number) {
    while (true) {
      for (const auto& channel : channels) {
        auto& f = mine[channel];
        std::string target = "/messages?ch=" + channel + "&since=" + std::to_string(*f.at.since);
        if (f.at.epoch) target += "&epoch=" + *f.at.epoch;
        target += "&limit=" + std::to_string(draw_.between(1, 20));
        if (number == 1) target += "&wait=" + std::to_string(draw_.between(0, 10));
        text_handler answer;
        auto asking = http_->async_exchange(ask("GET", target), answer, quietly);
        auto [ec, summary] = co_await std::move(asking);
        if (!ec) take_page(f, answer);
      }
      auto pausing = pause(500ms);
      co_await std::move(pausing);
    }
  }

  void take_page(follower& f, const text_handler& answer) {
    auto page = json_object_view::parse(answer.body, {4'000'000, 40});
    if (answer.status == 410) ++f.resets;
    if (answer.status != 200) return;
    auto messages = page ? page->find("messages") : std::nullopt;
    auto all = messages ? json_elements(*messages) : std::nullopt;
    if (!all) {
      failure_ = "a page that is none: " + answer.body;
      return;
    }
    for (auto text : *all) {
      auto m = json_object_view::parse(text);
      take(f, *json_uint(*m->find("off")), *json_string(*m->find("id")));
    }
    f.at.epoch = *json_string(*page->find("epoch"));
    if (json_uint(*page->find("next")) != f.at.since) failure_ = "next is not the last offset";
  }

  // R1, R3: each message is the next one.
  void take(follower& f, std::uint64_t offset, std::string id) {
    if (offset != *f.at.since + 1)
      failure_ = "offset " + std::to_string(offset) + " came behind " + std::to_string(*f.at.since);
    f.got.emplace_back(offset, std::move(id));
    f.at.since = offset;
  }

  // Follows both channels by WebSocket, publishes there too, and begins again when it breaks.
  asio::awaitable<void> listen(int number) {
    auto& mine = listeners_[number];
    for (const auto& channel : channels) mine[channel];
    while (true) {
      websocket::connect_request r(*http::url::parse(std::string(origin) + "/realtime/ann"));
      auto connecting = sockets_->async_connect(std::move(r), quietly);
      auto [ec, socket, summary] = co_await std::move(connecting);
      if (!ec) {
        auto talking = talk(*socket, mine, number);
        co_await std::move(talking);
      }
      socket.reset();
      auto pausing = pause(800ms);
      co_await std::move(pausing);
    }
  }

  asio::awaitable<void> talk(websocket::connection& socket, std::map<std::string, follower>& mine,
                             int number) {
    realtime::hello_frame hello{"c" + std::to_string(number), {}, ""};
    for (auto& [channel, f] : mine) hello.channels[channel] = f.at;
    auto text = realtime::encode_frame(realtime::frame(std::move(hello)));
    auto [ec] = co_await socket.async_write(text, true, quietly);
    timer patience(socket.get_executor());  // silence for a minute: the connection is dead
    bool alive = !ec;
    while (alive) {
      auto publishing = publish_some(socket, number);
      co_await std::move(publishing);
      patience.expires_after(60s);
      patience.async_wait([&socket](error_code late) {
        if (!late) socket.abort();
      });
      auto [broken, m] = co_await socket.async_read(quietly);
      patience.cancel();
      alive = !broken && hear(m.data, mine);
    }
  }

  // The next message that is not acknowledged, again and again.
  asio::awaitable<void> publish_some(websocket::connection& socket, int number) {
    auto& next = to_publish_[number];
    if (next >= 15 || !draw_.chance_ppm(500'000)) co_return;
    auto id = "w" + std::to_string(number) + ":" + std::to_string(next);
    realtime::publish_frame f{id, channels[next % 2], std::to_string(next)};
    auto known = std::find_if(book_.begin(), book_.end(), [&](auto& p) { return p.id == id; });
    if (known == book_.end()) {
      published p;
      p.channel = f.channel;
      p.id = f.id;
      p.data = f.data;
      book_.push_back(std::move(p));
    } else if (known->offset) {
      ++next;
      co_return;
    }
    auto text = realtime::encode_frame(realtime::frame(std::move(f)));
    auto [ec] = co_await socket.async_write(text, true, quietly);
    (void)ec;
  }

  bool hear(const std::string& text, std::map<std::string, follower>& mine) {
    auto f = realtime::decode_frame(text);
    if (!f) {
      failure_ = "a frame that is none: " + text;
      return false;
    }
    if (auto* m = std::get_if<realtime::message_frame>(&*f)) {
      mine[m->channel].at.epoch = m->epoch;
      take(mine[m->channel], m->offset, m->id);
    }
    if (auto* w = std::get_if<realtime::welcome_frame>(&*f)) {
      for (auto& [channel, state] : w->channels) {
        mine[channel].at.epoch = state.epoch;
        if (!state.recovered) ++mine[channel].resets;
      }
    }
    if (auto* r = std::get_if<realtime::reset_frame>(&*f)) ++mine[r->channel].resets;
    if (auto* a = std::get_if<realtime::ack_frame>(&*f)) acknowledged(*a);
    if (auto* n = std::get_if<realtime::nack_frame>(&*f); n && !n->retry)
      failure_ = "a message was refused: " + n->why;
    return !std::holds_alternative<realtime::bye_frame>(*f);
  }

  void acknowledged(const realtime::ack_frame& a) {
    for (auto& p : book_) {
      if (p.id != a.id) continue;
      if (p.offset && *p.offset != a.offset) failure_ = "two offsets for " + a.id;
      p.offset = a.offset;
    }
  }

  bool settled() const {
    bool all = done_publishing_ == 2 &&
               std::all_of(book_.begin(), book_.end(), [](auto& p) { return p.offset; });
    for (const auto& channel : channels) {
      auto head = store_->state(channel)->head;
      for (int i = 0; i < 2; ++i) {
        auto p = pollers_[i].find(channel), l = listeners_[i].find(channel);
        all = all && p != pollers_[i].end() && *p->second.at.since == head;
        all = all && l != listeners_[i].end() && *l->second.at.since == head;
      }
    }
    return all;
  }

  void judge() {
    for (const auto& channel : channels) {
      auto page = store_->read(channel, 0, 100'000, 100'000'000);
      if (page->log.epoch != epochs_[channel]) fail("the epoch changed");
      std::vector<std::pair<std::uint64_t, std::string>> log;
      std::map<std::string, std::uint64_t> ids;
      for (auto& m : page->messages) {
        log.emplace_back(m.offset, m.id);
        if (m.offset != log.size()) fail("the log has a gap");
        if (!ids.emplace(m.id, m.offset).second) fail(m.id + " is in the log twice");
      }
      for (auto& p : book_) {
        if (p.channel != channel || !p.offset) continue;
        if (ids[p.id] != *p.offset) fail(p.id + " is not where its receipt says");
      }
      if (!healthy_) return;
      for (int i = 0; i < 2; ++i) {
        compare(pollers_[i][channel], log, "poll");
        compare(listeners_[i][channel], log, "listener");
      }
    }
    if (starts_ > 1) world_.note("restarts", {starts_});
  }

  void compare(const follower& f, const std::vector<std::pair<std::uint64_t, std::string>>& log,
               const std::string& who) {
    if (f.resets > 0) fail("a " + who + " was reset though nothing was lost");
    if (f.got != log) fail("a " + who + " was not given the log");
  }

  void fail(std::string why) {
    if (failure_.empty()) failure_ = std::move(why);
  }

  lab::world world_;
  std::unique_ptr<lab::fault_plan> plan_;
  lab::network network_;
  rng draw_;
  message_hub_options options_;
  std::string folder_;
  std::shared_ptr<message_store> store_;
  std::shared_ptr<lasting_store::faults> faults_ = std::make_shared<lasting_store::faults>();
  std::unique_ptr<router> routes_;
  std::unique_ptr<message_hub> hub_;
  std::unique_ptr<lab::process> clients_ = std::make_unique<lab::process>(world_);
  std::unique_ptr<lab::client> http_;
  std::unique_ptr<lab::websocket_client> sockets_;

  std::map<std::string, std::string> epochs_;
  std::vector<published> book_;
  std::map<std::string, follower> pollers_[2], listeners_[2];
  std::size_t to_publish_[2] = {0, 0};
  int done_publishing_ = 0;
  std::uint64_t starts_ = 0;
  bool healthy_ = false;
  clock::time_point trouble_ends_ = world_.now() + 3min;
  std::string failure_;
};

TEST(MessagesSimulation, HubOverABadNetwork) {
  auto options =
      lab::simulation_options::from_environment(200, "MessagesSimulation.HubOverABadNetwork");
  options.folder = ::testing::TempDir();
  auto outcome = lab::run_simulations(
      options, [](std::uint64_t seed, const std::vector<lab::fault_event>* replay) {
        return scenario(seed, replay).run();
      });
  EXPECT_TRUE(outcome.ok) << outcome.report;
  if (options.faults_file.empty() && outcome.runs > 50) {
    EXPECT_GT(outcome.faults, 20 * outcome.runs) << "the network was too kind";
  }
  std::cout << outcome.runs << " seeds, " << outcome.faults << " faults\n";
}

TEST(MessagesSimulation, TheSameSeedIsTheSameRun) {
  for (std::uint64_t seed : {3, 8}) {
    auto one = scenario(seed, nullptr).run();
    auto two = scenario(seed, nullptr).run();
    EXPECT_EQ(one.trace_hash, two.trace_hash) << seed;
    EXPECT_EQ(one.failure, two.failure);
  }
}

}  // namespace
}  // namespace tidewire
