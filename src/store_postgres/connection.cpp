#include "codes.hpp"
#include "link.hpp"
#include "remote_state.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/store_postgres/connection.hpp>

#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>

namespace tidewire::store_postgres {
namespace {

constexpr std::size_t max_prepared = 256;  // of a connection; what comes later is sent as it is
constexpr std::size_t max_listened = 64;

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

void trim_end(std::string& text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
}

}  // namespace

struct connection::impl {
  // What was sent and is not yet answered. A prepared statement is `name`, or about to be.
  struct step {
    enum kind { prepare, run } what;
    std::string sql, name;
  };
  using flight = std::vector<step>;

  connection_options options;
  std::shared_ptr<remote::state> wakes = std::make_shared<remote::state>();
  link line;
  std::string message, state;
  std::unordered_map<std::string, std::string> prepared;  // SQL to name
  std::uint64_t next_name = 1;
  std::deque<flight> flights;
  std::vector<std::string> listened;

  result<void> connect();
  deadline answer_until() const {
    auto t = options.call_timeout;
    return deadline_after(t.count() > 0 ? t + options.answer_grace : t);
  }

  error_code give_up(error_code why);
  error_code fail(errc why, std::string said);
  error_code understand(const PGresult* r);
  result<void> ready(const batch& statements);
  bool queue(const batch::entry& e, flight& into);
  bool queue_kept(const std::string& sql, flight& into, std::string& name);
  result<rows> take_answer(const step& s, deadline until, error_code& failed);
  void end_flight();
};

result<void> connection::impl::connect() {
  prepared.clear();
  flights.clear();
  auto done = line.connect(options, wakes->event, message, state);
  if (!done) {
    if (done.error() == errc::cancelled) (void)wakes->take_woken();
    return done;
  }
  auto free_cancel = [](pg_cancel* c) { PQfreeCancel(c); };
  wakes->replace_cancel(std::shared_ptr<pg_cancel>(PQgetCancel(line.get()), free_cancel));
  return {};
}

// The connection is of no use any more.
error_code connection::impl::give_up(error_code why) {
  line.close();
  flights.clear();
  wakes->replace_cancel(nullptr);
  wakes->end();
  if (message.empty()) message = why.message();
  return why;
}

error_code connection::impl::fail(errc why, std::string said) {
  message = std::move(said);
  state.clear();
  return why;
}

// What went wrong with a statement; nothing when all is well.
error_code connection::impl::understand(const PGresult* r) {
  switch (PQresultStatus(r)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
    case PGRES_PIPELINE_SYNC:
      return {};
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      return give_up(fail(errc::misuse, "COPY is not for this interface"));
    default:
      break;
  }
  auto* code = PQresultErrorField(r, PG_DIAG_SQLSTATE);
  state = code ? code : "";
  message = PQresultErrorMessage(r);
  trim_end(message);
  bool gone = PQstatus(line.get()) == CONNECTION_BAD;
  if (state.empty()) return gone ? errc::lost : errc::failed;
  auto why = errc_of(state);
  if (why == errc::timed_out && wakes->cancel_asked()) return errc::cancelled;
  return why;
}

connection::connection(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
connection::connection(connection&&) noexcept = default;
connection& connection::operator=(connection&&) noexcept = default;
connection::~connection() = default;

result<connection> connection::open(connection_options options, std::string* said) {
  auto made = std::make_unique<impl>();
  made->options = std::move(options);
  auto done = made->connect();
  if (!done) {
    if (said) *said = made->message;
    return done.error();
  }
  return connection(std::move(made));
}

bool connection::usable() const {
  return impl_->line.open();
}

result<void> connection::restore() {
  if (usable()) return {};
  auto done = impl_->connect();
  if (!done) return done;
  for (const auto& channel : impl_->listened) {
    done = execute("LISTEN " + quoted(channel));
    if (done) continue;
    impl_->give_up(done.error());  // half a connection would miss notifications
    return done;
  }
  return {};
}

// ---- asking

result<void> connection::impl::ready(const batch& statements) {
  if (!line.open()) return make_error_code(errc::lost);
  bool many = flights.size() >= max_in_flight || statements.size() > batch::max_statements;
  if (many) return make_error_code(tidewire::errc::limit_exceeded);
  for (const auto& e : statements.entries_)
    if (e.values.unfit_) return fail(errc::misuse, "a text has a NUL character in it");
  return {};
}

// The name under which the server knows the statement, or will. One whose preparation is still
// under way is prepared again under another name: the first may come to nothing.
bool connection::impl::queue_kept(const std::string& sql, flight& into, std::string& name) {
  auto known = prepared.find(sql);
  if (known != prepared.end()) {
    name = known->second;
    return true;
  }
  if (prepared.size() >= max_prepared) return true;
  name = "tw" + std::to_string(next_name++);
  into.push_back({step::prepare, sql, name});
  return PQsendPrepare(line.get(), name.c_str(), sql.c_str(), 0, nullptr) != 0;
}

bool connection::impl::queue(const batch::entry& e, flight& into) {
  std::string name;
  if (e.keep && !queue_kept(e.sql, into, name)) return false;
  std::vector<const char*> values;
  std::vector<int> lengths, formats;
  for (const auto& v : e.values.values_) {
    values.push_back(v.null ? nullptr : v.text.data());
    lengths.push_back(static_cast<int>(v.text.size()));
    formats.push_back(v.binary ? 1 : 0);
  }
  into.push_back({step::run, e.sql, name});
  auto count = static_cast<int>(values.size());
  if (!name.empty())
    return PQsendQueryPrepared(line.get(), name.c_str(), count, values.data(), lengths.data(),
                               formats.data(), 0) != 0;
  return PQsendQueryParams(line.get(), e.sql.c_str(), count, nullptr, values.data(), lengths.data(),
                           formats.data(), 0) != 0;
}

result<void> connection::send(const batch& statements) {
  auto& my = *impl_;
  auto good = my.ready(statements);
  if (!good) return good;
  bool first = my.flights.empty();
  if (first) my.wakes->begin();
  impl::flight going;
  bool queued = !first || PQenterPipelineMode(my.line.get());
  for (const auto& e : statements.entries_) queued = queued && my.queue(e, going);
  queued = queued && PQpipelineSync(my.line.get());
  if (!queued) {
    my.message = PQerrorMessage(my.line.get());
    return my.give_up(errc::lost);
  }
  my.flights.push_back(std::move(going));
  auto sent = my.line.flush(my.answer_until());
  // What the server said before it went is read by receive().
  if (!sent && sent.error() == errc::timed_out) return my.give_up(sent.error());
  return {};
}

// All results of one step, of which the last one that has something is the answer.
result<rows> connection::impl::take_answer(const step& s, deadline until, error_code& failed) {
  rows out;
  while (true) {
    auto next = line.next_result(until);
    if (!next) return next.error();
    if (!*next) break;
    rows holder(*next);
    if (PQresultStatus(*next) == PGRES_PIPELINE_ABORTED) continue;
    auto why = understand(*next);
    // COMMIT of a transaction that has failed is a ROLLBACK, and no error to the server.
    bool undone = !why && s.sql == "COMMIT" && PQcmdStatus(*next) == std::string_view("ROLLBACK");
    if (undone) why = fail(errc::failed, "the transaction had failed before, and was rolled back");
    if (why && !failed) failed = why;
    if (!line.open() || why == errc::lost) return why;
    out = std::move(holder);
    if (!why && s.what == step::prepare) prepared[s.sql] = s.name;
  }
  if (PQstatus(line.get()) == CONNECTION_BAD) return make_error_code(errc::lost);
  return out;
}

result<std::vector<rows>> connection::receive() {
  auto& my = *impl_;
  if (!usable()) return make_error_code(errc::lost);
  if (my.flights.empty()) return make_error_code(errc::misuse);
  auto going = std::move(my.flights.front());
  my.flights.pop_front();
  auto until = my.answer_until();
  error_code failed;
  std::vector<rows> out;
  for (const auto& s : going) {
    auto answer = my.take_answer(s, until, failed);
    if (!answer) return my.give_up(answer.error());
    if (s.what == impl::step::run) out.push_back(std::move(*answer));
  }
  auto sync = my.line.next_result(until);
  if (!sync) return my.give_up(sync.error());
  rows holder(*sync);
  if (!*sync || PQresultStatus(*sync) != PGRES_PIPELINE_SYNC) return my.give_up(errc::lost);
  my.end_flight();
  if (failed) return failed;
  return out;
}

void connection::impl::end_flight() {
  if (!flights.empty()) return;
  PQexitPipelineMode(line.get());
  wakes->end();
}

result<std::vector<rows>> connection::run(const batch& statements) {
  if (!impl_->flights.empty()) return make_error_code(errc::misuse);
  auto sent = send(statements);
  if (!sent) return sent.error();
  return receive();
}

result<rows> connection::query(const statement& s, const parameters& values) {
  batch one;
  one.add(s, values);
  auto answers = run(one);
  if (!answers) return answers.error();
  return std::move(answers->front());
}

result<rows> connection::query(std::string_view sql, const parameters& values) {
  batch one;
  one.add(std::string(sql), values);
  auto answers = run(one);
  if (!answers) return answers.error();
  return std::move(answers->front());
}

result<void> connection::execute(const std::string& sql) {
  auto& my = *impl_;
  auto good = my.ready({});
  if (!good) return good;
  if (!my.flights.empty()) return make_error_code(errc::misuse);
  my.wakes->begin();
  if (!PQsendQuery(my.line.get(), sql.c_str())) return my.give_up(errc::lost);
  auto until = my.answer_until();
  auto sent = my.line.flush(until);
  if (!sent && sent.error() == errc::timed_out) return my.give_up(sent.error());
  error_code failed;
  auto answer = my.take_answer({impl::step::run, sql, {}}, until, failed);
  if (!answer) return my.give_up(answer.error());
  my.wakes->end();
  if (failed) return failed;
  return {};
}

std::size_t connection::in_flight() const {
  return impl_->flights.size();
}

// ---- listening

result<void> connection::listen(std::string_view channel) {
  auto& all = impl_->listened;
  if (channel.empty() || channel.size() > 63) return make_error_code(errc::misuse);
  if (all.size() >= max_listened) return make_error_code(tidewire::errc::limit_exceeded);
  auto done = execute("LISTEN " + quoted(channel));
  if (done) all.emplace_back(channel);
  return done;
}

result<std::vector<notification>> connection::wait(std::chrono::milliseconds timeout) {
  auto& my = *impl_;
  if (!usable()) return make_error_code(errc::lost);
  if (!my.flights.empty()) return make_error_code(errc::misuse);
  auto until = std::chrono::steady_clock::now() + timeout;
  std::vector<notification> out;
  while (true) {
    if (!PQconsumeInput(my.line.get())) {
      my.message = PQerrorMessage(my.line.get());
      return my.give_up(errc::lost);
    }
    while (auto* n = PQnotifies(my.line.get())) {
      out.push_back({n->relname, n->extra, n->be_pid});
      PQfreemem(n);
    }
    if (my.wakes->take_woken() || !out.empty()) return out;
    auto more = my.line.read_more(until, my.wakes->event);
    if (!more) return my.give_up(more.error());
    if (!*more && std::chrono::steady_clock::now() >= until) return out;
  }
}

// ---- looking

bool connection::in_transaction() const {
  if (!usable()) return false;
  auto now = PQtransactionStatus(impl_->line.get());
  return now == PQTRANS_INTRANS || now == PQTRANS_INERROR;
}

int connection::process() const {
  return usable() ? PQbackendPID(impl_->line.get()) : 0;
}

remote connection::get_remote() const {
  remote out;
  out.state_ = impl_->wakes;
  return out;
}

std::string connection::place() const {
  if (!usable()) return {};
  auto text = [](const char* s) { return std::string(s ? s : ""); };
  auto* c = impl_->line.get();
  return text(PQhost(c)) + ":" + text(PQport(c)) + "/" + text(PQdb(c));
}

const std::string& connection::last_message() const {
  return impl_->message;
}

const std::string& connection::last_state() const {
  return impl_->state;
}

}  // namespace tidewire::store_postgres
