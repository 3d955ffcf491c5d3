#include "task_store.hpp"

#include "claim_rows.hpp"
#include "insert_batch.hpp"
#include "schema.hpp"
#include "settle_batch.hpp"
#include "text.hpp"

#include <algorithm>
#include <utility>

// The round trip of apply(), and how a call meets the server.
namespace tidewire::queue_postgres {
namespace {

namespace pg = store_postgres;

constexpr int tries = 5;  // against other transactions
constexpr auto reconnect_pause = std::chrono::milliseconds(100);

std::string random_sender() {
  auto r = rng::from_entropy();
  return std::to_string(r());
}

void add_progress(pg::batch& b, const std::vector<queue::progress_note>& notes) {
  std::vector<std::int64_t> ids, fences;
  std::vector<std::string> texts;
  for (auto& n : notes) {
    ids.push_back(number(n.id));
    fences.push_back(number(n.fence));
    texts.push_back(storable(n.progress));
  }
  static const pg::statement note(
      "UPDATE running r SET progress = p.progress"
      " FROM unnest($1::bigint[], $2::bigint[], $3::text[]) p(id, fence, progress)"
      " WHERE r.id = p.id AND r.fence = p.fence");
  pg::parameters p;
  p.add_array(ids).add_array(fences).add_array(texts);
  b.add(note, std::move(p));
}

bool made_ready(const std::vector<queue::insert_outcome>& inserts) {
  return std::any_of(inserts.begin(), inserts.end(),
                     [](auto& i) { return !i.error && !i.duplicate; });
}

}  // namespace

pg::connection_options line_options(const queue::postgres_store_options& o) {
  pg::connection_options out;
  out.address = o.address;
  out.schema = o.schema;
  out.connect_timeout = o.connect_timeout;
  out.call_timeout = o.call_timeout;
  out.application_name = "tidewire queue";
  // And "never" counts as a cost at which the server would compile a plan: 50 ms for one row.
  for (auto plan : {"enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit"})
    out.settings.emplace_back(plan, "off");
  return out;
}

postgres_task_store::postgres_task_store(pg::connection line, queue::postgres_store_options options)
    : line_(std::move(line)),
      options_(std::move(options)),
      channel_(channel_of(options_.schema)),
      sender_(random_sender()) {}

postgres_task_store::~postgres_task_store() = default;

// Connects again when it must, and runs again what others' transactions undid. After a loss nobody
// knows whether the call was done: that is the caller's to know.
template <class Call>
auto postgres_task_store::attempt(Call call) -> decltype(call()) {
  std::lock_guard lock(mutex_);
  for (int n = 1;; ++n) {
    // Notices that the server has gone meanwhile, while nothing is lost by it: one look reads its
    // last words, the next finds the end.
    for (int look = 0; look < 2 && line_.usable(); ++look)
      (void)line_.wait(std::chrono::milliseconds(0));
    if (!line_.usable()) {
      // Callers that try again at once are not to hammer at a server that is down.
      auto now = std::chrono::steady_clock::now();
      if (now < next_connect_) return connect_error_;
      auto connected = line_.restore();
      if (!connected) {
        next_connect_ = now + reconnect_pause;
        connect_error_ = connected.error();
        return connect_error_;
      }
    }
    auto out = call();
    if (out || n == tries || out.error() != pg::errc::rolled_back) return out;
  }
}

result<postgres_task_store::answers> postgres_task_store::run(pg::batch b, bool changes) {
  return attempt([&]() mutable -> result<answers> {
    // Who has a thread that tells others leaves it to that.
    if (std::exchange(changes, false) && !watch_) add_notify(b);
    return line_.run(b);
  });
}

void postgres_task_store::add_notify(pg::batch& b) const {
  static const pg::statement notify("SELECT pg_notify($1, $2)");
  pg::parameters p;
  p.add(channel_).add(sender_);
  b.add(notify, std::move(p));
}

// Where it was not known before whether there would be something to tell.
void postgres_task_store::tell_others() {
  pg::batch b;
  add_notify(b);
  (void)attempt([&]() -> result<answers> {
    if (watch_) return answers();
    return line_.run(b);
  });
}

result<pg::rows> postgres_task_store::ask(const query& q) {
  pg::batch b;
  b.add(pg::statement(q.sql), q.values);
  auto all = run(std::move(b), false);
  if (!all) return all.error();
  return std::move(all->front());
}

result<pg::rows> postgres_task_store::change(const query& q) {
  pg::batch b;
  b.add(pg::statement(q.sql), q.values);
  auto all = run(std::move(b), true);
  if (!all) return all.error();
  changed();
  return std::move(all->front());
}

void postgres_task_store::changed() {
  {
    std::lock_guard lock(mutex_);
    if (watch_) watch_->announce();
  }
  watchers_->tell();
}

result<queue::store_answer> postgres_task_store::apply(queue::store_work work, queue::queue_time) {
  settle_batch settling(work.settlements, "");
  insert_batch inserting(work.inserts, "");
  static const pg::statement claim("SELECT * FROM claim($1::text[], $2::int, $3::bigint, $4, $5)");
  pg::batch b;
  settling.add_to(b);
  if (!work.progress.empty()) add_progress(b, work.progress);
  inserting.add_to(b);
  bool claims = work.claim && work.claim->count > 0 && !work.claim->kinds.empty();
  if (claims) b.add(claim, claim_values(*work.claim));
  queue::store_answer out;
  if (b.empty()) {
    out.inserts = inserting.read({});
    return out;
  }
  bool changes = settling.statements() + inserting.statements() > 0;
  auto got = run(std::move(b), changes);
  if (!got) return got.error();
  std::span<const pg::rows> rest(*got);
  out.settlements = settling.read(rest);
  rest = rest.subspan(settling.statements() + (work.progress.empty() ? 0 : 1));
  out.inserts = inserting.read(rest);
  rest = rest.subspan(inserting.statements());
  if (claims) out.claimed = read_claimed(rest.front(), work.claim->lanes);
  note_moved(out.claimed.size());
  if (!work.settlements.empty() || made_ready(out.inserts)) changed();
  return out;
}

void postgres_task_store::note_moved(std::size_t tasks) {
  std::lock_guard lock(mutex_);
  moved_ += tasks;
}

// Rows live for moments in these tables, and claims walk over the dead ones at an index' beginning
// until they are cleared away: the server's own housekeeping looks once a minute, which is millions
// of rows late. Who may not do it leaves it to that.
void postgres_task_store::tidy() {
  constexpr std::size_t many = 50'000;
  (void)attempt([this]() -> result<void> {
    if (moved_ < many) return {};
    moved_ = 0;
    return line_.execute("VACUUM (SKIP_LOCKED, TRUNCATE off) ready, running, pending, finished");
  });
}

std::shared_ptr<void> postgres_task_store::watch(std::function<void()> told) {
  auto out = watchers_->add(std::move(told));
  std::lock_guard lock(mutex_);
  if (watch_) return out;
  auto line = pg::connection::open(line_options(options_));
  // Without it, somebody has to ask from time to time.
  if (!line) return nullptr;
  change_watch::options o{channel_, sender_, options_.notify_interval, options_.look_interval};
  watch_ = std::make_unique<change_watch>(std::move(*line), std::move(o), watchers_,
                                          rng::from_entropy());
  return out;
}

}  // namespace tidewire::queue_postgres

namespace tidewire::queue {

result<std::unique_ptr<task_store>> open_postgres_task_store(const postgres_store_options& options,
                                                             std::string* said) {
  namespace pg = store_postgres;
  auto line = pg::connection::open(queue_postgres::line_options(options), said);
  if (!line) return line.error();
  auto migrated = pg::migrate(*line, postgres_task_schema(options.schema));
  if (!migrated) {
    bool newer = migrated.error() == pg::errc::newer_schema;
    if (said) *said = newer ? line->place() : line->last_message();
    return newer ? make_error_code(errc::newer_schema) : migrated.error();
  }
  return std::unique_ptr<task_store>(
      std::make_unique<queue_postgres::postgres_task_store>(std::move(*line), options));
}

}  // namespace tidewire::queue
