#include "message_store.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/server/message_store.hpp>
#include <tidewire/store_sqlite/database.hpp>

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace tidewire::server {
namespace {

namespace sql = store_sqlite;

constexpr std::uint32_t application_id = 0x54776d73;  // "Twms"
constexpr std::int64_t trimmed_channels = 256;        // looked at in one call of trim()
constexpr std::int64_t trimmed_rows = 1024;           // dropped in one, of each table

constexpr std::string_view version_1 = R"(
CREATE TABLE store (seed INTEGER NOT NULL) STRICT;
CREATE TABLE log (
  channel INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  epoch TEXT NOT NULL,
  oldest INTEGER NOT NULL,
  head INTEGER NOT NULL) STRICT;
CREATE TABLE message (
  channel INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  time INTEGER NOT NULL,
  id TEXT NOT NULL,
  user TEXT NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (channel, offset)) STRICT;
CREATE TABLE message_id (
  channel INTEGER NOT NULL,
  id TEXT NOT NULL,
  offset INTEGER NOT NULL,
  time INTEGER NOT NULL,
  fingerprint INTEGER NOT NULL,
  PRIMARY KEY (channel, id)) STRICT, WITHOUT ROWID;
CREATE INDEX message_id_time ON message_id (time);
)";

struct statements {
  sql::statement log, new_log, move_log, count_logs, renew_log;
  sql::statement page, add, drop, drop_all, first_time;
  sql::statement id, add_id, drop_ids, drop_all_ids;
  sql::statement next_logs;
};

struct log_row {
  std::int64_t channel = 0;  // 0: not in the table
  log_state state;
};

sql::database_options options() {
  sql::database_options out;
  out.application_id = application_id;
  out.migrations = {version_1};
  out.exclusive = true;
  out.busy_timeout = std::chrono::milliseconds(250);  // who has it keeps it
  return out;
}

std::int64_t number(message_time t) {
  return t.time_since_epoch().count();
}

class sqlite_message_store final : public message_store {
 public:
  sqlite_message_store(sql::database db, rng random, message_retention keep)
      : db_(std::move(db)), random_(random), keep_(keep) {}

  result<void> prepare();

  result<log_state> state(const std::string& channel) override {
    auto row = find_log(channel);
    if (!row) return row.error();
    return row->state;
  }
  result<log_page> read(const std::string& channel, std::uint64_t since, std::size_t limit,
                        std::size_t max_bytes) override;
  result<std::vector<append_outcome>> append(std::span<const new_message> messages,
                                             message_time now) override;
  result<std::optional<std::uint64_t>> find(const std::string& channel,
                                            const std::string& id) override;
  result<trimming> trim(message_time now) override;
  result<log_state> reset(const std::string& channel) override;

 private:
  using log_rows = std::unordered_map<std::string, log_row>;

  result<log_row> find_log(const std::string& channel);
  result<void> make_log(const std::string& channel, log_row& row);
  result<void> move_log(const log_row& row);
  result<append_outcome> append_one(const new_message& m, message_time now, log_rows& touched);
  result<void> drop_below(log_row& row, std::uint64_t offset);
  result<std::size_t> trim_logs(message_time now);

  sql::database db_;
  rng random_;
  message_retention keep_;
  std::uint64_t seed_ = 0;
  std::int64_t trimmed_up_to_ = 0;  // the channel at which the next trim() goes on
  statements run_;
};

result<void> sqlite_message_store::prepare() {
  struct wish {
    sql::statement& into;
    std::string_view text;
  };
  for (auto& [into, text] : {
           wish{run_.log, "SELECT channel, epoch, oldest, head FROM log WHERE name = ?"},
           wish{run_.new_log,
                "INSERT INTO log (name, epoch, oldest, head) VALUES (?, ?, 1, 0)"
                " RETURNING channel"},
           wish{run_.move_log, "UPDATE log SET oldest = ?, head = ? WHERE channel = ?"},
           wish{run_.renew_log, "UPDATE log SET epoch = ?, oldest = 1, head = 0 WHERE channel = ?"},
           wish{run_.count_logs, "SELECT count(*) FROM log"},
           wish{run_.next_logs,
                "SELECT channel, epoch, oldest, head FROM log"
                " WHERE channel > ? ORDER BY channel LIMIT ?"},
           wish{run_.page,
                "SELECT offset, time, id, user, data FROM message"
                " WHERE channel = ? AND offset > ? ORDER BY offset LIMIT ?"},
           wish{run_.add,
                "INSERT INTO message (channel, offset, time, id, user, data)"
                " VALUES (?, ?, ?, ?, ?, ?)"},
           wish{run_.drop, "DELETE FROM message WHERE channel = ? AND offset < ?"},
           wish{run_.drop_all, "DELETE FROM message WHERE channel = ?"},
           wish{run_.first_time,
                "SELECT offset FROM message WHERE channel = ? AND offset >= ?"
                " AND time >= ? ORDER BY offset LIMIT 1"},
           wish{run_.id, "SELECT offset, fingerprint FROM message_id WHERE channel = ? AND id = ?"},
           wish{run_.add_id,
                "INSERT INTO message_id (channel, id, offset, time, fingerprint)"
                " VALUES (?, ?, ?, ?, ?)"},
           wish{run_.drop_ids,
                "DELETE FROM message_id WHERE (channel, id) IN (SELECT m.channel, m.id"
                " FROM message_id m JOIN log USING (channel)"
                " WHERE m.time < ? AND m.offset < log.oldest LIMIT ?)"},
           wish{run_.drop_all_ids, "DELETE FROM message_id WHERE channel = ?"},
       }) {
    auto made = db_.prepare(text);
    if (!made) return made.error();
    into = std::move(*made);
  }
  // The store's own number, drawn once.
  auto insert =
      db_.prepare("INSERT INTO store (seed) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM store)");
  if (!insert) return insert.error();
  auto drawn = insert->bind(1, static_cast<std::int64_t>(random_())).run();
  if (!drawn) return drawn;
  auto seed = db_.prepare("SELECT seed FROM store");
  if (!seed) return seed.error();
  auto row = seed->step();
  if (!row) return row.error();
  seed_ = seed->unsigned_integer(0);
  return {};
}

result<log_row> sqlite_message_store::find_log(const std::string& channel) {
  log_row out;
  out.state.epoch = first_epoch(seed_, channel);
  auto row = run_.log.bind(1, channel).step();
  if (!row) return row.error();
  if (*row) {
    out.channel = run_.log.integer(0);
    out.state = {run_.log.text(1), run_.log.unsigned_integer(2), run_.log.unsigned_integer(3)};
    run_.log.reset();
  }
  return out;
}

result<void> sqlite_message_store::make_log(const std::string& channel, log_row& row) {
  auto counted = run_.count_logs.step();
  if (!counted) return counted.error();
  auto count = run_.count_logs.unsigned_integer(0);
  run_.count_logs.reset();
  if (count >= keep_.max_channels) return make_error_code(message_errc::too_many_channels);
  auto made = run_.new_log.bind(1, channel).bind(2, row.state.epoch).step();
  if (!made) return made.error();
  row.channel = run_.new_log.integer(0);
  run_.new_log.reset();
  return {};
}

result<void> sqlite_message_store::move_log(const log_row& row) {
  run_.move_log.bind(1, row.state.oldest).bind(2, row.state.head).bind(3, row.channel);
  return run_.move_log.run();
}

result<log_page> sqlite_message_store::read(const std::string& channel, std::uint64_t since,
                                            std::size_t limit, std::size_t max_bytes) {
  auto row = find_log(channel);
  if (!row) return row.error();
  log_page out;
  out.log = row->state;
  auto& page = run_.page.bind(1, row->channel).bind(2, since);
  page.bind(3, static_cast<std::int64_t>(std::min<std::size_t>(limit, 1'000'000)));
  std::size_t bytes = 0;
  while (true) {
    auto more = page.step();
    if (!more) return more.error();
    if (!*more) return out;
    stored_message m;
    m.data = page.text(4);
    bytes += m.data.size();
    if (bytes > max_bytes && !out.messages.empty()) break;
    m.offset = page.unsigned_integer(0);
    m.time = message_time(std::chrono::milliseconds(page.integer(1)));
    m.id = page.text(2);
    m.user = page.text(3);
    out.messages.push_back(std::move(m));
  }
  page.reset();
  return out;
}

result<std::vector<append_outcome>> sqlite_message_store::append(
    std::span<const new_message> messages, message_time now) {
  auto all = sql::transaction::begin(db_);
  if (!all) return all.error();
  std::vector<append_outcome> out;
  log_rows touched;
  for (const auto& m : messages) {
    auto one = append_one(m, now, touched);
    if (!one) return one.error();
    out.push_back(*one);
  }
  for (auto& [name, row] : touched) {
    if (row.channel == 0) continue;  // refused
    auto kept = row.state.head - row.state.oldest + 1;
    result<void> done = {};
    if (kept > keep_.max_messages) done = drop_below(row, row.state.head - keep_.max_messages + 1);
    if (done) done = move_log(row);
    if (!done) return done.error();
  }
  auto committed = all->commit();
  if (!committed) return committed.error();
  return out;
}

result<append_outcome> sqlite_message_store::append_one(const new_message& m, message_time now,
                                                        log_rows& touched) {
  append_outcome out;
  auto it = touched.find(m.channel);
  if (it == touched.end()) {
    auto found = find_log(m.channel);
    if (!found) return found.error();
    it = touched.emplace(m.channel, std::move(*found)).first;
  }
  auto& row = it->second;
  if (row.channel == 0) {
    auto made = make_log(m.channel, row);
    if (!made && made.error() != message_errc::too_many_channels) return made.error();
    if (!made) {
      out.error = made.error();
      return out;
    }
  }
  auto print = static_cast<std::int64_t>(fingerprint(m.data));
  auto known = run_.id.bind(1, row.channel).bind(2, m.id).step();
  if (!known) return known.error();
  if (*known) {
    out.duplicate = run_.id.integer(1) == print;
    if (out.duplicate)
      out.offset = run_.id.unsigned_integer(0);
    else
      out.error = message_errc::id_reused;
    run_.id.reset();
    return out;
  }
  out.offset = ++row.state.head;
  run_.add.bind(1, row.channel).bind(2, out.offset).bind(3, number(now)).bind(4, m.id);
  auto done = run_.add.bind(5, m.user).bind(6, m.data).run();
  run_.add_id.bind(1, row.channel).bind(2, m.id).bind(3, out.offset).bind(4, number(now));
  if (done) done = run_.add_id.bind(5, print).run();
  if (!done) return done.error();
  return out;
}

result<void> sqlite_message_store::drop_below(log_row& row, std::uint64_t offset) {
  row.state.oldest = offset;
  return run_.drop.bind(1, row.channel).bind(2, offset).run();
}

result<std::optional<std::uint64_t>> sqlite_message_store::find(const std::string& channel,
                                                                const std::string& id) {
  std::optional<std::uint64_t> out;
  auto row = find_log(channel);
  if (!row) return row.error();
  auto known = run_.id.bind(1, row->channel).bind(2, id).step();
  if (!known) return known.error();
  if (*known) {
    out = run_.id.unsigned_integer(0);
    run_.id.reset();
  }
  return out;
}

result<trimming> sqlite_message_store::trim(message_time now) {
  auto all = sql::transaction::begin(db_);
  if (!all) return all.error();
  auto looked_at = trim_logs(now);
  if (!looked_at) return looked_at.error();
  auto done = run_.drop_ids.bind(1, number(now - keep_.id_age)).bind(2, trimmed_rows).run();
  if (!done) return done.error();
  bool more =
      *looked_at == static_cast<std::size_t>(trimmed_channels) || db_.changes() == trimmed_rows;
  auto committed = all->commit();
  if (!committed) return committed.error();
  return more ? trimming::more : trimming::done;
}

// The next channels in turn; how many there were.
result<std::size_t> sqlite_message_store::trim_logs(message_time now) {
  std::vector<log_row> rows;
  auto& next = run_.next_logs.bind(1, trimmed_up_to_).bind(2, trimmed_channels);
  while (true) {
    auto found = next.step();
    if (!found) return found.error();
    if (!*found) break;
    rows.push_back(
        {next.integer(0), {next.text(1), next.unsigned_integer(2), next.unsigned_integer(3)}});
  }
  for (auto& row : rows) {
    if (row.state.oldest > row.state.head) continue;
    run_.first_time.bind(1, row.channel).bind(2, row.state.oldest);
    auto young = run_.first_time.bind(3, number(now - keep_.max_age)).step();
    if (!young) return young.error();
    auto oldest = *young ? run_.first_time.unsigned_integer(0) : row.state.head + 1;
    run_.first_time.reset();
    if (oldest == row.state.oldest) continue;
    auto done = drop_below(row, oldest);
    if (done) done = move_log(row);
    if (!done) return done.error();
  }
  bool last = rows.size() < static_cast<std::size_t>(trimmed_channels);
  trimmed_up_to_ = last ? 0 : rows.back().channel;
  return rows.size();
}

result<log_state> sqlite_message_store::reset(const std::string& channel) {
  auto all = sql::transaction::begin(db_);
  if (!all) return all.error();
  auto row = find_log(channel);
  if (!row) return row.error();
  result<void> done = {};
  if (row->channel == 0) done = make_log(channel, *row);
  row->state = {epoch_text(random_()), 1, 0};
  if (done) done = run_.renew_log.bind(1, row->state.epoch).bind(2, row->channel).run();
  if (done) done = run_.drop_all.bind(1, row->channel).run();
  if (done) done = run_.drop_all_ids.bind(1, row->channel).run();
  if (done) done = all->commit();
  if (!done) return done.error();
  return row->state;
}

}  // namespace

result<std::unique_ptr<message_store>> open_sqlite_message_store(const std::string& path,
                                                                 rng random,
                                                                 message_retention retention,
                                                                 std::string* said) {
  auto db = sql::database::open(path, options(), said);
  if (!db) return db.error();
  auto store = std::make_unique<sqlite_message_store>(std::move(*db), random, retention);
  auto ready = store->prepare();
  if (!ready) return ready.error();
  return std::unique_ptr<message_store>(std::move(store));
}

}  // namespace tidewire::server
