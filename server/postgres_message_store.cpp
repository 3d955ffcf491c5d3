#include "message_store.hpp"
#include "postgres_append.hpp"
#include "postgres_message_sql.hpp"
#include "postgres_watch.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/server/message_store.hpp>
#include <tidewire/store_postgres/connection.hpp>
#include <tidewire/store_postgres/migration.hpp>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

namespace tidewire::server {
namespace {

namespace pg = store_postgres;

constexpr std::int64_t trimmed_channels = 256;  // looked at in one call of trim()
constexpr std::int64_t trimmed_rows = 1024;     // ids dropped in one
constexpr std::size_t asked_states = 1000;      // in one statement
constexpr int tries = 3;                        // of a call whose connection was lost
// After a connect that failed nobody waits for another one so soon.
constexpr auto connect_pause = std::chrono::milliseconds(300);

std::int64_t number(message_time t) {
  return t.time_since_epoch().count();
}

std::int64_t bounded(std::uint64_t n) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(n, INT64_MAX));
}

// The three columns from `first` on.
log_state read_state(const pg::rows& r, std::size_t row, int first) {
  return {std::string(r.text(row, first)), r.unsigned_integer(row, first + 1),
          r.unsigned_integer(row, first + 2)};
}

class postgres_message_store final : public message_store {
 public:
  postgres_message_store(pg::connection c, std::unique_ptr<postgres_watch> watch,
                         std::string notified, rng random, message_retention keep)
      : line_(std::move(c)),
        watch_(std::move(watch)),
        notified_(std::move(notified)),
        random_(random),
        keep_(keep) {}

  result<void> prepare();

  result<log_state> state(const std::string& channel) override;
  result<std::vector<log_state>> states(std::span<const std::string> channels) override;
  result<log_page> read(const std::string& channel, std::uint64_t since, std::size_t limit,
                        std::size_t max_bytes) override;
  result<std::vector<append_outcome>> append(std::span<const new_message> messages,
                                             message_time now) override;
  result<std::optional<std::uint64_t>> find(const std::string& channel,
                                            const std::string& id) override;
  result<trimming> trim(message_time now) override;
  result<log_state> reset(const std::string& channel) override;
  void watch(moved_handler moved) override { watch_->tell(std::move(moved)); }

 private:
  template <class Call>
  auto attempt(Call call) -> decltype(call());
  result<void> connect();

  result<append_ground> begin_append(std::span<const new_message> messages,
                                     const std::vector<std::string>& names);
  result<void> end_append(const append_plan& plan, message_time now);
  result<void> make(const std::vector<std::string>& names);
  pg::parameters making(const std::vector<std::string>& names) const;
  result<std::size_t> trim_some(message_time now);

  const postgres_message_sql sql_;
  pg::connection line_;
  std::unique_ptr<postgres_watch> watch_;
  std::string notified_;
  rng random_;
  message_retention keep_;
  std::uint64_t seed_ = 0;
  std::int64_t trimmed_up_to_ = 0;  // the channel at which the next trim() goes on
  std::chrono::steady_clock::time_point next_connect_;
  error_code connect_error_;
};

result<void> postgres_message_store::connect() {
  if (line_.usable()) return {};
  auto now = std::chrono::steady_clock::now();
  if (now < next_connect_) return connect_error_;
  auto done = line_.restore();
  if (done) return {};
  connect_error_ = done.error();
  next_connect_ = std::chrono::steady_clock::now() + connect_pause;
  return done;
}

// Each call may be repeated. What a lost connection had begun the server has rolled back, or it is
// done and the next try finds it.
template <class Call>
auto postgres_message_store::attempt(Call call) -> decltype(call()) {
  for (int n = 1;; ++n) {
    auto connected = connect();
    if (!connected) return connected.error();
    auto out = call();
    if (out) return out;
    if (line_.in_transaction()) (void)line_.execute("ROLLBACK");
    auto why = out.error();
    if (n == tries || (why != pg::errc::lost && why != pg::errc::rolled_back)) return out;
  }
}

// The store's own number, drawn once, by whoever came first.
result<void> postgres_message_store::prepare() {
  pg::parameters drawn;
  drawn.add(static_cast<std::int64_t>(random_()));
  auto made =
      line_.query("INSERT INTO message_seed (seed) VALUES ($1) ON CONFLICT DO NOTHING", drawn);
  if (!made) return made.error();
  auto seed = line_.query("SELECT seed FROM message_seed");
  if (!seed) return seed.error();
  seed_ = seed->unsigned_integer(0, 0);
  return {};
}

result<log_state> postgres_message_store::state(const std::string& channel) {
  std::vector<std::string> one{channel};
  auto all = states(one);
  if (!all) return all.error();
  return std::move(all->front());
}

result<std::vector<log_state>> postgres_message_store::states(
    std::span<const std::string> channels) {
  std::unordered_map<std::string, log_state> found;
  for (std::size_t at = 0; at < channels.size(); at += asked_states) {
    auto piece = channels.subspan(at, std::min(asked_states, channels.size() - at));
    pg::parameters names;
    names.add_array(piece);
    auto answer = attempt([&] { return line_.query(sql_.states_of, names); });
    if (!answer) return answer.error();
    for (std::size_t row = 0; row < answer->size(); ++row)
      found.emplace(answer->text(row, 0), read_state(*answer, row, 1));
  }
  std::vector<log_state> out;
  for (const auto& channel : channels) {
    auto it = found.find(channel);
    out.push_back(it == found.end() ? log_state{first_epoch(seed_, channel), 1, 0} : it->second);
  }
  return out;
}

result<log_page> postgres_message_store::read(const std::string& channel, std::uint64_t since,
                                              std::size_t limit, std::size_t max_bytes) {
  pg::parameters p;
  p.add(channel).add(bounded(since)).add(bounded(std::min<std::size_t>(limit, 1'000'000)));
  p.add(bounded(max_bytes));
  auto answer = attempt([&] { return line_.query(sql_.page_of, p); });
  if (!answer) return answer.error();
  log_page out;
  out.log.epoch = first_epoch(seed_, channel);
  if (!answer->empty()) out.log = read_state(*answer, 0, 0);
  for (std::size_t row = 0; row < answer->size(); ++row) {
    if (answer->is_null(row, 3)) break;
    stored_message m;
    m.offset = answer->unsigned_integer(row, 3);
    m.time = message_time(std::chrono::milliseconds(answer->integer(row, 4)));
    m.id = answer->text(row, 5);
    m.user = answer->text(row, 6);
    m.data = answer->text(row, 7);
    out.messages.push_back(std::move(m));
  }
  return out;
}

result<std::optional<std::uint64_t>> postgres_message_store::find(const std::string& channel,
                                                                  const std::string& id) {
  pg::parameters p;
  p.add(channel).add(id);
  auto answer = attempt([&] { return line_.query(sql_.offset_of, p); });
  if (!answer) return answer.error();
  std::optional<std::uint64_t> out;
  if (!answer->empty()) out = answer->unsigned_integer(0, 0);
  return out;
}

// ---- appending: one round trip to lock and look, one to write and commit

result<std::vector<append_outcome>> postgres_message_store::append(
    std::span<const new_message> messages, message_time now) {
  std::vector<std::string> names;  // in the order in which they came, once each
  std::set<std::string> seen;
  for (const auto& m : messages)
    if (is_storable(m) && seen.insert(m.channel).second) names.push_back(m.channel);
  using outcomes = result<std::vector<append_outcome>>;
  return attempt([&]() -> outcomes {
    auto ground = begin_append(messages, names);
    if (ground && ground->logs.size() < names.size()) {
      // Channels that are new: made in a transaction of their own, before any lock is taken.
      auto made = make(names);
      if (!made) return made.error();
      ground = begin_append(messages, names);
    }
    if (!ground) return ground.error();
    auto plan = plan_append(messages, std::move(*ground), keep_.max_messages);
    auto done = end_append(plan, now);
    if (!done) return done.error();
    return std::move(plan.outcomes);
  });
}

result<append_ground> postgres_message_store::begin_append(std::span<const new_message> messages,
                                                           const std::vector<std::string>& names) {
  std::vector<std::string> channels, ids;
  for (const auto& m : messages) {
    if (!is_storable(m)) continue;
    channels.push_back(m.channel);
    ids.push_back(m.id);
  }
  pg::parameters locked, known;
  locked.add_array(names);
  known.add_array(channels).add_array(ids);
  pg::batch b;
  b.add("BEGIN").add(sql_.lock_logs, std::move(locked)).add(sql_.known_ids, std::move(known));
  auto answers = line_.run(b);
  if (!answers) return answers.error();
  append_ground out;
  const auto& logs = answers->at(1);
  for (std::size_t row = 0; row < logs.size(); ++row)
    out.logs[std::string(logs.text(row, 0))] = {logs.integer(row, 1), read_state(logs, row, 2)};
  const auto& found = answers->at(2);
  for (std::size_t row = 0; row < found.size(); ++row)
    out.ids[id_key(found.integer(row, 0), found.text(row, 1))] = {found.unsigned_integer(row, 2),
                                                                  found.integer(row, 3)};
  return out;
}

result<void> postgres_message_store::end_append(const append_plan& plan, message_time now) {
  if (plan.channels.empty()) return line_.execute("COMMIT");
  std::vector<std::int64_t> moved, oldest, heads;
  std::vector<std::string> said;
  for (std::size_t i = 0; i < plan.moved.size(); ++i) {
    const auto& [channel, state] = plan.moved[i];
    moved.push_back(channel);
    oldest.push_back(bounded(state.oldest));
    heads.push_back(bounded(state.head));
    said.push_back(moved_text(plan.moved_names[i], state));
  }
  pg::parameters messages, ids, logs, dropped, told;
  messages.add_array(plan.channels).add_array(plan.offsets).add(number(now));
  messages.add_array(plan.ids).add_array(plan.users).add_array(plan.data);
  ids.add_array(plan.channels).add_array(plan.offsets).add(number(now));
  ids.add_array(plan.ids).add_array(plan.fingerprints);
  logs.add_array(moved).add_array(oldest).add_array(heads);
  dropped.add_array(plan.cut).add_array(plan.cut_oldest);
  told.add(notified_).add_array(said);
  pg::batch b;
  b.add(sql_.add_messages, std::move(messages)).add(sql_.add_ids, std::move(ids));
  b.add(sql_.move_logs, std::move(logs));
  if (!plan.cut.empty()) b.add(sql_.drop_messages, std::move(dropped));
  b.add(sql_.notify, std::move(told)).add("COMMIT");
  auto done = line_.run(b);
  if (!done) return done.error();
  return {};
}

pg::parameters postgres_message_store::making(const std::vector<std::string>& names) const {
  std::vector<std::string> epochs;
  for (const auto& name : names) epochs.push_back(first_epoch(seed_, name));
  pg::parameters p;
  p.add_array(names).add_array(epochs).add(bounded(keep_.max_channels));
  return p;
}

result<void> postgres_message_store::make(const std::vector<std::string>& names) {
  pg::batch b;
  b.add("ROLLBACK").add(sql_.make_logs, making(names));
  auto done = line_.run(b);
  if (!done) return done.error();
  return {};
}

// ---- forgetting

result<trimming> postgres_message_store::trim(message_time now) {
  auto some = attempt([&] { return trim_some(now); });
  if (!some) return some.error();
  return *some > 0 ? trimming::more : trimming::done;
}

// Whether (1) or not (0) there may be more.
result<std::size_t> postgres_message_store::trim_some(message_time now) {
  pg::parameters p;
  p.add(trimmed_up_to_).add(trimmed_channels).add(number(now - keep_.max_age));
  auto looked_at = line_.query(sql_.old_logs, p);
  if (!looked_at) return looked_at.error();
  std::vector<std::int64_t> channels, young;
  std::vector<std::string> epochs;
  for (std::size_t row = 0; row < looked_at->size(); ++row) {
    if (looked_at->integer(row, 2) >= looked_at->integer(row, 3)) continue;
    channels.push_back(looked_at->integer(row, 0));
    epochs.emplace_back(looked_at->text(row, 1));
    young.push_back(looked_at->integer(row, 3));
  }
  pg::parameters old, ids;
  old.add_array(channels).add_array(epochs).add_array(young);
  ids.add(number(now - keep_.id_age)).add(trimmed_rows);
  pg::batch b;
  b.add(sql_.trim_logs, std::move(old)).add(sql_.drop_ids, std::move(ids));
  auto done = line_.run(b);
  if (!done) return done.error();
  auto seen = looked_at->size();
  bool last = seen < static_cast<std::size_t>(trimmed_channels);
  trimmed_up_to_ = last ? 0 : looked_at->integer(seen - 1, 0);
  bool all_ids = done->at(1).affected() < static_cast<std::uint64_t>(trimmed_rows);
  return std::size_t(last && all_ids ? 0 : 1);
}

result<log_state> postgres_message_store::reset(const std::string& channel) {
  log_state fresh{epoch_text(random_()), 1, 0};
  std::vector<std::string> said{moved_text(channel, fresh)};
  pg::parameters renewed, name, told;
  renewed.add(channel).add(fresh.epoch);
  name.add(channel);
  told.add(notified_).add_array(said);
  pg::batch b;
  b.add(sql_.make_logs, making({channel}))
      .add(sql_.renew_log, std::move(renewed))
      .add(sql_.drop_all, name);
  b.add(sql_.drop_all_ids, name).add(sql_.notify, std::move(told));
  auto done = attempt([&] { return line_.run(b); });
  if (!done) return done.error();
  if (done->at(1).empty()) return make_error_code(message_errc::too_many_channels);
  return fresh;
}

pg::connection_options line_options(const postgres_store_options& o) {
  pg::connection_options out;
  out.address = o.address;
  out.schema = o.schema;
  out.connect_timeout = o.connect_timeout;
  out.call_timeout = o.call_timeout;
  // Every statement goes by keys. A plan that was made when the tables were small must not scan
  // them when they are not.
  for (auto plan : {"enable_seqscan", "enable_hashjoin", "enable_mergejoin"})
    out.settings.emplace_back(plan, "off");
  return out;
}

}  // namespace

result<std::unique_ptr<message_store>> open_postgres_message_store(
    const postgres_store_options& options, rng random, message_retention retention,
    std::string* said) {
  auto line = pg::connection::open(line_options(options), said);
  if (!line) return line.error();
  pg::schema_part part;
  part.schema = options.schema;
  part.name = "messages";
  part.migrations = {postgres_messages_version_1};
  auto fail = [&](error_code why) {
    if (said) *said = why == pg::errc::newer_schema ? line->place() : line->last_message();
    return why;
  };
  auto migrated = pg::migrate(*line, part);
  if (!migrated) return fail(migrated.error());
  auto ears = pg::connection::open(line_options(options), said);
  if (!ears) return ears.error();
  auto notified = options.schema + "_messages";
  auto watch = std::make_unique<postgres_watch>(std::move(*ears), notified, options.look_interval,
                                                random.stream("reconnect"));
  auto store = std::make_unique<postgres_message_store>(std::move(*line), std::move(watch),
                                                        notified, random, retention);
  auto ready = store->prepare();
  if (!ready) return ready.error();
  return std::unique_ptr<message_store>(std::move(store));
}

}  // namespace tidewire::server
