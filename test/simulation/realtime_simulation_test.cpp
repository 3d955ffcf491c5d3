// Clients with their disks, the real hub with its log, and a network between them, all in virtual
// time, with every fault of the lab; clients and server are killed and come back. The oracles are
// the laws R1 to R7 and R9 to R11.
#include <tidewire/core/error.hpp>
#include <tidewire/lab/client.hpp>
#include <tidewire/lab/disk.hpp>
#include <tidewire/lab/network.hpp>
#include <tidewire/lab/process.hpp>
#include <tidewire/lab/simulation.hpp>
#include <tidewire/lab/websocket_client.hpp>
#include <tidewire/lab/world.hpp>
#include <tidewire/realtime/realtime_connection.hpp>
#include <tidewire/server/message_hub.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace tidewire {
namespace {

using namespace std::chrono_literals;
using namespace realtime;

constexpr const char* origin = "http://hub:80";
constexpr const char* cursor_path = "/home/cursors";
constexpr std::size_t client_count = 2;
const std::vector<std::string> channels = {"hall", "room"};

// What the logs ever held, by channel, epoch and offset: what clients are judged by.
struct history {
  struct key {
    std::string channel, epoch;
    std::uint64_t offset;
    auto operator<=>(const key&) const = default;
  };
  std::map<key, std::string> ids;
  std::string broken;

  void append(const std::string& channel, const std::string& epoch, std::uint64_t offset,
              const std::string& id) {
    ids[{channel, epoch, offset}] = id;
    if (!known.insert({channel, epoch, 0, id}).second)
      broken = "R6: " + id + " is in the log of " + channel + " twice";
    // Ids are CLIENT:NUMBER, and published in the order of their numbers.
    auto colon = id.find(':');
    auto& newest = numbers[{channel, epoch, 0, id.substr(0, colon)}];
    auto number = std::stoull(id.substr(colon + 1)) + 1;
    if (number < newest) broken = "R6: " + id + " is behind what was published after it";
    newest = number;
  }
  struct entry {
    std::string channel, epoch;
    std::uint64_t unused;
    std::string id;
    auto operator<=>(const entry&) const = default;
  };
  std::set<entry> known;
  std::map<entry, std::uint64_t> numbers;
};

// The server's disk: survives the server, and writes the history.
class shared_store final : public server::message_store {
 public:
  // Of a million appends `failing_ppm` fail, half of them when the messages are in the log.
  shared_store(std::shared_ptr<server::message_store> to, history& h, rng faults,
               std::uint32_t failing_ppm)
      : to_(std::move(to)), h_(h), faults_(faults), failing_ppm_(failing_ppm) {}

  result<server::log_state> state(const std::string& c) override { return to_->state(c); }
  result<server::log_page> read(const std::string& c, std::uint64_t since, std::size_t limit,
                                std::size_t bytes) override {
    return to_->read(c, since, limit, bytes);
  }
  result<std::vector<server::append_outcome>> append(std::span<const server::new_message> all,
                                                     server::message_time now) override {
    bool fails = faults_.chance_ppm(failing_ppm_), late = faults_.chance_ppm(500'000);
    if (fails && !late) return make_error_code(tidewire::errc::limit_exceeded);
    auto outcomes = to_->append(all, now);
    for (std::size_t i = 0; outcomes && i < all.size(); ++i) {
      auto& o = (*outcomes)[i];
      if (o.error || o.duplicate) continue;
      h_.append(all[i].channel, to_->state(all[i].channel)->epoch, o.offset, all[i].id);
    }
    if (fails) return make_error_code(tidewire::errc::limit_exceeded);
    return outcomes;
  }
  result<std::optional<std::uint64_t>> find(const std::string& c, const std::string& id) override {
    return to_->find(c, id);
  }
  result<server::trimming> trim(server::message_time now) override { return to_->trim(now); }
  result<server::log_state> reset(const std::string& c) override { return to_->reset(c); }

 private:
  std::shared_ptr<server::message_store> to_;
  history& h_;
  rng faults_;
  std::uint32_t failing_ppm_;
};

// What one client process hears, and what must be true of it.
struct listener_oracle {
  std::map<std::string, cursor> at;  // nothing heard and nothing stored: absent
  std::map<std::string, std::uint64_t> resets;
  std::string broken, story;
  bool trims = false;

  void heard(const message& m, const history& h) {
    auto known = h.ids.find({m.channel, m.epoch, m.offset});
    if (known == h.ids.end() || known->second != m.id)
      broken = "R1: delivered what the log does not have: " + m.id;
    auto& c = at[m.channel];
    if (!c.epoch.empty() && m.epoch != c.epoch) broken = "R4: another epoch without a reset";
    if (!c.epoch.empty() && m.offset != c.offset + 1)
      broken = "R1-R3: " + std::to_string(m.offset) + " after " + std::to_string(c.offset);
    if (c.epoch.empty() && m.offset != 1 && !trims)
      broken = "R1: begins with " + std::to_string(m.offset);
    c = {m.epoch, m.offset};
  }
  void heard(const reset& r) {
    auto& c = at[r.channel];
    // Nothing was heard yet of a log that was empty, or had lost its beginning.
    if (c.epoch.empty() && (r.from.offset == 0 || trims)) c = r.from;
    if (r.from != c) broken = "R4: a reset from elsewhere";
    if (r.to.epoch == c.epoch && r.to.offset <= c.offset) broken = "R4: a reset that goes back";
    story += " " + c.epoch + ":" + std::to_string(c.offset) + "->" + r.to.epoch + ":" +
             std::to_string(r.to.offset) + "(" + r.reason + ")";
    c = r.to;
    ++resets[r.channel];
  }
};

struct published {
  std::string channel, id, data;
  bool settled = false;
  publish_receipt receipt;
};

// One run of a client's program.
struct client_run {
  client_run(lab::world& w, lab::network& net, lab::disk& disk, std::string name,
             std::vector<published>& outbox, const history& h, rng& draw)
      : process(w), sockets(net, process.get_executor(), name), log(h), messages(outbox) {
    lab::client_options http_options;
    http_options.name = name;
    http = std::make_unique<lab::client>(net, process.get_executor(), http_options);
    disk.run_blocking_calls_on(process.get_executor());
    store = make_file_cursor_store(process.get_executor(), disk, cursor_path);
    connection_options o;
    o.websocket_url = *http::url::parse(std::string(origin) + "/realtime/" + name);
    o.poll_url = *http::url::parse(std::string(origin) + "/messages");
    o.channels = channels;
    o.begin = start_at::oldest;
    o.max_retry_after = 20s;
    o.long_poll = draw.chance_ppm(500'000) ? 25s : 0s;
    o.poll_limit = static_cast<std::size_t>(draw.between(1, 50));
    o.held_messages = static_cast<std::size_t>(draw.between(1, 16));
    o.publish_in_flight = static_cast<std::size_t>(draw.between(1, 8));
    o.store_interval = std::chrono::milliseconds(draw.between(0, 2000));
    connection_parts parts;
    parts.sockets = &sockets;
    parts.http = http.get();
    parts.store = store.get();
    context ctx(process.get_executor(), w.random(name + std::to_string(draw())));
    connection = std::make_unique<realtime_connection>(ctx, parts, o);
    listen();
    connection->async_connect([this](error_code ec, mode) { connect_error = ec; });
    for (auto& p : messages) {
      if (!p.settled) publish(p);
    }
  }
  ~client_run() {
    process.kill();  // first: as a SIGKILL, nothing is done in good order
  }

  void listen() {
    on_message =
        *connection->on_message().connect([this](const message& m) { oracle.heard(m, log); });
    on_reset = *connection->on_reset().connect([this](const reset& r) { oracle.heard(r); });
  }
  void publish(published& p) {
    connection->async_publish(p.channel, p.data, p.id, [this, &p](error_code, publish_receipt r) {
      if (p.settled) oracle.broken = "R6: two receipts for " + p.id;
      p.settled = true;
      p.receipt = std::move(r);
    });
  }
  // R7, with a frame that the server answers and that means nothing.
  void send() {
    bool by_socket = connection->status().mode == mode::websocket;
    if (connection->send("{\"t\":\"ping\"}") && !by_socket)
      oracle.broken = "R7: sent while not on WebSocket";
  }

  lab::process process;
  lab::websocket_client sockets;
  std::unique_ptr<lab::client> http;
  std::unique_ptr<cursor_store> store;
  std::unique_ptr<realtime_connection> connection;
  signal<message>::connection on_message;
  signal<reset>::connection on_reset;
  listener_oracle oracle;
  const history& log;
  std::vector<published>& messages;
  error_code connect_error;
};

struct machine {
  explicit machine(lab::world& w, std::string n) : name(std::move(n)), disk(w) {
    disk.make_directory("/home");
    outbox.reserve(4096);  // receipts point into it
  }
  std::string name;
  lab::disk disk;
  std::vector<published> outbox;
  std::unique_ptr<client_run> run;
  std::map<std::string, cursor> stored;  // what the run began with
};

// Over all seeds: a simulation in which nothing happened proves nothing.
struct {
  std::uint64_t published = 0, kills = 0, restarts = 0, wipes = 0;
} totals;

class scenario {
 public:
  scenario(std::uint64_t seed, const std::vector<lab::fault_event>* replay)
      : world_(seed),
        plan_(replay ? std::make_unique<lab::fault_plan>(world_, *replay)
                     : std::make_unique<lab::fault_plan>(world_)),
        network_(world_, *plan_),
        draw_(world_.random("scenario")),
        host_(network_.add_host(origin)) {
    world_.set_step_limit(4'000'000);
    begin_log();
    for (std::size_t i = 0; i < client_count; ++i)
      machines_.push_back(std::make_unique<machine>(world_, "client-" + std::to_string(i)));
  }

  lab::simulation_result run() {
    make_faults();
    start_server();
    for (auto& m : machines_) start_client(*m);
    auto end = world_.now() + std::chrono::minutes(draw_.between(1, 6));
    while (world_.now() < end && failure_.empty()) {
      world_.run_for(std::chrono::milliseconds(draw_.between(1, 400)));
      something_happens();
      look();
    }
    heal();
    if (failure_.empty()) totals.published += history_.ids.size();
    return {failure_, world_.trace_hash(), plan_->recorded()};
  }

 private:
  void begin_log() {
    server::message_retention retention;
    if (draw_.chance_ppm(300'000))
      retention.max_messages = static_cast<std::uint64_t>(draw_.between(5, 40));
    log_ = server::make_memory_message_store(world_.random("log" + std::to_string(++logs_)),
                                             retention);
    trims_ = trims_ || retention.max_messages < 1000;
    for (auto& m : machines_) {
      if (m->run) m->run->oracle.trims = trims_;
    }
  }

  void make_faults() {
    auto each = static_cast<std::uint32_t>(draw_.between(500, 30'000));
    faults_ = lab::link_faults::harsh(each);
    using enum lab::network_fault;
    // Per frame, and sometimes far worse.
    for (auto f : {socket_reset, socket_half_open, socket_stall})
      faults_[f] = static_cast<std::uint32_t>(draw_.between(0, 20'000));
    network_.set_faults(faults_);
  }

  void start_server() {
    server::message_hub_options o;
    o.queue_messages = static_cast<std::size_t>(draw_.between(4, 64));
    o.ring_messages = static_cast<std::size_t>(draw_.between(1, 32));
    o.publish_per_second = static_cast<double>(draw_.between(2, 50));
    o.publish_burst = static_cast<double>(draw_.between(1, 50));
    o.batch_messages = static_cast<std::size_t>(draw_.between(1, 8));
    o.pending_messages = static_cast<std::size_t>(draw_.between(2, 32));
    auto ex = host_.get_executor();
    context ctx(ex, world_.random("server" + std::to_string(draw_())));
    routes_ = std::make_unique<server::router>();
    auto store =
        std::make_unique<shared_store>(log_, history_, world_.random("store faults"),
                                       static_cast<std::uint32_t>(draw_.between(0, 50'000)));
    hub_ = std::make_unique<server::message_hub>(ctx, std::move(store), ex, o);
    hub_->add_routes(*routes_);
    host_.start([routes = routes_.get()](server::request& r) { return routes->route(r); });
  }
  // SIGKILL, or the machine's power; with `forget` the disk went too.
  void restart_server(bool forget) {
    host_.crash(draw_.chance_ppm(300'000));
    hub_.reset();
    ++totals.restarts;
    world_.run_for(std::chrono::milliseconds(draw_.between(1, 8'000)));
    if (forget) {
      ++wipes_;
      ++totals.wipes;
      begin_log();
    }
    start_server();
  }

  void start_client(machine& m) {
    m.run =
        std::make_unique<client_run>(world_, network_, m.disk, m.name, m.outbox, history_, draw_);
    m.run->oracle.at = stored_of(m);
    m.run->oracle.trims = trims_;
    m.stored = m.run->oracle.at;
  }
  void kill_client(machine& m) {
    check_stored(m);
    ++totals.kills;
    m.run.reset();
    m.disk.kill();
    world_.run_for(std::chrono::milliseconds(draw_.between(1, 3'000)));
    start_client(m);
  }

  std::map<std::string, cursor> stored_of(machine& m) {
    std::map<std::string, cursor> out;
    auto paths = m.disk.paths();
    if (std::find(paths.begin(), paths.end(), cursor_path) == paths.end()) return out;
    auto bytes = m.disk.bytes(cursor_path);
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    for (auto& name : channels) out[name] = read_cursor(text, name);
    return out;
  }
  // {"room":{"epoch":"e","offset":1}}, by hand: what is tested does not judge itself.
  static cursor read_cursor(const std::string& text, const std::string& channel) {
    auto at = text.find("\"" + channel + "\":{");
    if (at == std::string::npos) return {};
    auto end = text.find('}', at);
    auto part = text.substr(at, end - at);
    cursor c;
    if (auto e = part.find("\"epoch\":\""); e != std::string::npos)
      c.epoch = part.substr(e + 9, part.find('"', e + 9) - e - 9);
    if (auto o = part.find("\"offset\":"); o != std::string::npos)
      c.offset = std::stoull(part.substr(o + 9));
    return c;
  }

  // R5: what is stored was heard before.
  void check_stored(machine& m) {
    for (auto& [name, c] : stored_of(m)) {
      auto& heard = m.run->oracle.at[name];
      if (c.epoch == heard.epoch && c.offset > heard.offset)
        failure_ = "R5: the stored cursor is ahead of what listeners have heard";
    }
  }

  void something_happens() {
    auto& m = *machines_[static_cast<std::size_t>(draw_.between(0, client_count - 1))];
    auto dice = draw_.between(0, 999);
    if (dice < 600) {
      publish(m);
    } else if (dice < 640) {
      m.run->send();
    } else if (dice < 650) {
      kill_client(m);
    } else if (dice < 656) {
      restart_server(draw_.chance_ppm(250'000));
    } else if (dice < 662) {
      hub_->drain();
      world_.run_for(std::chrono::milliseconds(draw_.between(10, 3'000)));
      restart_server(false);
    } else if (dice < 668) {
      block_websockets();
    } else if (dice < 674) {
      auto until = world_.now() + std::chrono::milliseconds(draw_.between(10, 20'000));
      network_.partition(origin, draw_.chance_ppm(500'000) ? m.name : "",
                         static_cast<lab::direction>(draw_.between(0, 2)), world_.now(), until);
    } else if (dice < 677) {
      world_.suspend(std::chrono::seconds(draw_.between(1, 3600)));
    }
  }

  // A proxy that lets no upgrade pass; polls go on.
  void block_websockets() {
    auto f = faults_;
    blocked_ = !blocked_;
    if (blocked_) f[lab::network_fault::socket_refused] = 1'000'000;
    network_.set_faults(f);
  }

  void publish(machine& m) {
    if (m.outbox.size() == m.outbox.capacity()) return;
    published p;
    p.channel = channels[static_cast<std::size_t>(draw_.between(0, 1))];
    p.id = m.name + ":" + std::to_string(m.outbox.size());
    p.data = "\"" + std::string(static_cast<std::size_t>(draw_.between(0, 200)), 'x') + "\"";
    m.outbox.push_back(std::move(p));
    m.run->publish(m.outbox.back());
  }

  void look() {
    if (!history_.broken.empty()) failure_ = history_.broken;
    for (auto& m : machines_) {
      if (!m->run->oracle.broken.empty()) failure_ = m->name + ": " + m->run->oracle.broken;
      for (auto& [name, count] : m->run->oracle.resets) {
        if (count > wipes_ && !trims_)
          failure_ = "R4: more resets than lost logs:" + m->run->oracle.story;
      }
    }
    if (world_.step_limit_reached()) failure_ = "too many steps: something goes round in circles";
  }

  bool settled() {
    for (auto& m : machines_) {
      auto status = m->run->connection->status();
      if (status.mode != mode::websocket || status.polling) return false;
      for (auto& p : m->outbox) {
        if (!p.settled) return false;
      }
      for (auto& name : channels) {
        auto log = log_->state(name);
        if (m->run->connection->cursor_of(name) != cursor{log->epoch, log->head}) return false;
      }
    }
    return true;
  }

  // A healthy network: within the longest Retry-After, a half-open socket's end and a probe
  // everything is where it belongs.
  void heal() {
    if (!failure_.empty()) return;
    network_.set_faults(lab::link_faults());
    network_.heal();
    auto deadline = world_.now() + 3min;
    while (world_.now() < deadline && !settled()) world_.run_for(100ms);
    look();
    if (failure_.empty() && !settled())
      failure_ = "R1, R6 or R9: not settled on a healthy network" + describe();
    for (auto& m : machines_) {
      if (!failure_.empty()) return;
      check_receipts(*m);
      check_stored(*m);
    }
  }

  std::string describe() {
    std::string out;
    for (auto& m : machines_) {
      auto s = m->run->connection->status();
      out += "\n  " + m->name + ": " + name_of(s.mode) + (s.polling ? ", polling" : "");
      out += ", " + std::to_string(s.unanswered_publications) + " unanswered";
      for (auto& name : channels) {
        auto log = log_->state(name);
        auto c = m->run->connection->cursor_of(name);
        out += ", " + name + " " + c.epoch + ":" + std::to_string(c.offset) + " of " + log->epoch +
               ":" + std::to_string(log->head);
      }
    }
    return out;
  }

  void check_receipts(machine& m) {
    for (auto& p : m.outbox) {
      if (p.receipt.state != receipt_state::acked)
        failure_ = "R6: " + p.id + " was not acked: " + p.receipt.reason;
      bool there = false;
      for (auto& e : history_.known) there = there || (e.channel == p.channel && e.id == p.id);
      if (!there) failure_ = "R6: " + p.id + " was acked and is in no log";
    }
  }

  lab::world world_;
  std::unique_ptr<lab::fault_plan> plan_;
  lab::network network_;
  rng draw_;
  lab::host host_;
  lab::link_faults faults_;
  history history_;
  std::shared_ptr<server::message_store> log_;
  std::unique_ptr<server::router> routes_;
  std::unique_ptr<server::message_hub> hub_;
  std::vector<std::unique_ptr<machine>> machines_;
  std::string failure_;
  std::uint64_t logs_ = 0, wipes_ = 0;
  bool trims_ = false, blocked_ = false;
};

TEST(RealtimeSimulation, ClientsAndHub) {
  auto options = lab::simulation_options::from_environment(300, "RealtimeSimulation.ClientsAndHub");
  options.folder = ::testing::TempDir();
  auto outcome = lab::run_simulations(
      options, [](std::uint64_t seed, const std::vector<lab::fault_event>* replay) {
        return scenario(seed, replay).run();
      });
  EXPECT_TRUE(outcome.ok) << outcome.report;
  if (options.faults_file.empty() && outcome.runs > 50) {
    EXPECT_GT(outcome.faults, outcome.runs) << "the network was too kind";
  }
  std::cout << outcome.runs << " seeds, " << outcome.faults << " faults, " << totals.published
            << " messages, " << totals.kills << " clients and " << totals.restarts
            << " servers killed, " << totals.wipes << " logs lost\n";
}

}  // namespace
}  // namespace tidewire
