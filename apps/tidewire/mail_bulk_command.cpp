#include "bulk_plan.hpp"
#include "commands.hpp"
#include "escape.hpp"
#include "mail_options.hpp"
#include "options.hpp"
#include "terminal.hpp"

#include <tidewire/core/json_text.hpp>
#include <tidewire/email/email_queue.hpp>
#include <tidewire/queue/sqlite_task_store.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <memory>

namespace tidewire::cli {
namespace {

struct bulk_options {
  mail_server_options server;
  mail_message_options message;
  std::string table, store, on_unknown = "resend";
  std::size_t concurrency = 2;
  std::uint32_t attempts = 3, per_domain = 10;
  std::chrono::nanoseconds retry_delay = std::chrono::minutes(1);
  bool json = false, quiet = false;
};

exit_code usage(const std::string& fault) {
  write_stderr("tidewire mail bulk: " + fault + "\nTry `tidewire mail bulk --help`.\n");
  return exit_code::usage;
}

exit_code code_of(queue::task_state s) {
  switch (s) {
    case queue::task_state::done:
      return exit_code::ok;
    case queue::task_state::unknown:
      return exit_code::outcome_unknown;
    case queue::task_state::discarded:
    case queue::task_state::cancelled:
      return exit_code::refused;
    default:
      return exit_code::network_exhausted;
  }
}

// What the server said, out of a task's result.
std::string said_in(const std::string& result) {
  auto o = json_object_view::parse(result);
  auto text = o ? o->find("text") : std::nullopt;
  return text ? json_string(*text).value_or("") : std::string();
}

email::email_queue_options queue_options(const bulk_options& o) {
  email::email_queue_options out;
  out.max_concurrency = o.concurrency;
  out.max_attempts = o.attempts;
  out.retry_delay = std::chrono::duration_cast<queue::milliseconds>(o.retry_delay);
  out.per_domain.max_running = 0;
  out.per_domain.max_starts = o.per_domain;
  out.policy.on_unknown =
      o.on_unknown == "park" ? email::unknown_policy::park : email::unknown_policy::resend;
  auto longest = o.server.connect_timeout + o.server.timeout + std::chrono::seconds(30);
  out.timeout = std::chrono::duration_cast<queue::milliseconds>(longest);
  // What was sent must be known when the same run is repeated.
  out.queue.keep.max_finished = 10 * bulk_plan::max_rows;
  out.queue.stop_grace = std::chrono::seconds(0);
  return out;
}

// One run: puts all messages into the store, and sends until each of them has ended.
class bulk_session {
 public:
  bulk_session(const bulk_options& o, bulk_plan plan)
      : options_(o), plan_(std::move(plan)), signals_(io_, SIGINT, SIGTERM) {}

  exit_code run(mail::smtp_options server) {
    context ctx(io_.get_executor(), rng::from_entropy());
    std::string fault;
    auto client = mail::make_smtp_client(ctx, std::move(server), &fault);
    if (!client) return usage("--smtp: " + fault);
    client_ = std::move(*client);
    auto store = open_store(fault);
    if (!store) {
      write_stderr("tidewire mail bulk: --store: " + escape_terminal(fault) + "\n");
      return exit_code::disk;
    }
    queue_.emplace(ctx, std::move(store), *client_, queue_options(options_));
    held_up_ = *queue_->events().held_up.connect([this](const email::email_held_up& h) {
      if (closed_) return;
      auto said = h.why.code != 0 ? std::to_string(h.why.code) + " " + h.why.text : h.why.text;
      give_up(exit_code::refused, "the server does not serve us: " + escape_terminal(said));
    });
    signals_.async_wait([this](error_code ec, int number) {
      if (ec) return;
      give_up(number == SIGTERM ? exit_code::terminated : exit_code::interrupted, "stopped");
    });
    codes_.assign(plan_.letters.size(), exit_code::ok);
    left_ = plan_.letters.size();
    enqueue(0);
    io_.run();
    if (ended_by_) return *ended_by_;
    for (auto code : codes_)
      if (code != exit_code::ok) return code;
    return exit_code::ok;
  }

 private:
  std::shared_ptr<queue::task_store> open_store(std::string& fault) const {
    if (options_.store.empty()) return queue::make_memory_task_store();
    auto opened = queue::open_sqlite_task_store(options_.store, {}, &fault);
    if (opened) return std::move(*opened);
    if (fault.empty()) fault = opened.error().message();
    return nullptr;
  }

  // A piece of the list, then the next one.
  void enqueue(std::size_t from) {
    if (closed_) return;
    if (plan_.letters.empty()) return close();
    if (from >= plan_.letters.size()) return;
    auto to = std::min(from + 1000, plan_.letters.size());
    std::vector<mail::message> piece;
    for (auto i = from; i < to; ++i) piece.push_back(plan_.letters[i].message);
    auto how = email::email_queue::bulk();
    how.batch = plan_.batch;
    auto taken = [this, from, to](error_code ec, const std::vector<queue::insert_outcome>& all) {
      if (closed_) return;
      if (ec) return give_up(exit_code::disk, "the store failed: " + ec.message());
      for (std::size_t i = 0; i < all.size(); ++i) wait_for(from + i, all[i]);
      enqueue(to);
    };
    queue_->async_send_bulk(std::move(piece), std::move(how), asio::bind_executor(io_, taken));
  }

  void wait_for(std::size_t i, const queue::insert_outcome& taken) {
    if (taken.error) {
      queue::task_result refused;
      refused.state = queue::task_state::discarded;
      refused.error = taken.error.message();
      return tell(i, refused, false);
    }
    if (taken.duplicate) hasten(taken.id);
    auto ended = [this, i, old = taken.duplicate](error_code, const queue::task_result& r) {
      if (!closed_) tell(i, r, old);
    };
    queue_->tasks().handle(taken.id).async_wait(asio::bind_executor(io_, ended));
  }

  // Somebody who runs the command again does not want to wait for what an earlier run put off.
  void hasten(queue::task_id id) {
    std::function<result<bool>(queue::task_store&, queue::queue_time)> call =
        [id](queue::task_store& store, queue::queue_time now) { return store.hasten(id, now); };
    queue_->tasks().async_call<bool>(std::move(call), [](error_code, bool) {});
  }

  void tell(std::size_t i, const queue::task_result& r, bool old) {
    auto& letter = plan_.letters[i];
    codes_[i] = code_of(r.state);
    bool good = codes_[i] == exit_code::ok;
    if (options_.json) {
      boost::json::object o;
      o["type"] = "result";
      o["line"] = letter.line;
      o["to"] = escape_terminal(letter.message.to.email);
      o["task"] = r.id;
      o["state"] = to_string(r.state);
      o["text"] = escape_terminal(good ? said_in(r.result) : r.error);
      o["earlier"] = old;
      write_stdout(boost::json::serialize(o) + "\n");
    } else {
      auto said = good ? said_in(r.result) : r.error;
      auto text = fmt::format("{}: {}{} ({})\n", escape_terminal(letter.message.to.email),
                              good ? "sent" : "not sent, " + std::string(to_string(r.state)),
                              old && good ? " before" : "", escape_terminal(said));
      if (good && !options_.quiet) write_stdout(text);
      if (!good) write_stderr(text);
    }
    if (--left_ == 0) close();
  }

  void give_up(exit_code code, const std::string& why) {
    if (closed_) return;
    ended_by_ = code;
    write_stderr(fmt::format("tidewire mail bulk: {}; {} of {} have not ended.{}\n", why, left_,
                             plan_.letters.size(),
                             options_.store.empty() ? "" : " The same command goes on from here."));
    close();
  }

  void close() {
    if (std::exchange(closed_, true)) return;
    error_code ignored;
    signals_.cancel(ignored);
    queue_->async_stop(asio::bind_executor(io_, [this](error_code) {
      client_->async_stop([] {});
      queue_.reset();
    }));
  }

  const bulk_options& options_;
  bulk_plan plan_;
  asio::io_context io_{1};
  asio::signal_set signals_;
  std::unique_ptr<mail::client> client_;
  std::optional<email::email_queue> queue_;
  signal<email::email_held_up>::connection held_up_;
  std::vector<exit_code> codes_;
  std::size_t left_ = 0;
  std::optional<exit_code> ended_by_;
  bool closed_ = false;
};

exit_code bulk(const bulk_options& o) {
  std::string fault, csv;
  auto server = make_smtp_options(o.server, fault);
  if (!server) return usage(fault);
  server->max_connections = o.concurrency;
  auto base = make_mail_message(o.message, fault);
  if (!base || !read_text_file(o.table, csv, fault)) return usage(fault);
  auto plan = make_bulk_plan(csv, *base, o.message.id, server->limits);
  if (!plan.faults.empty()) {
    std::string all;
    for (auto& one : plan.faults) all += (all.empty() ? "" : "\n  ") + one;
    return usage(escape_terminal(o.table) + ": " + all + "\nNothing was sent.");
  }
  return bulk_session(o, std::move(plan)).run(std::move(*server));
}

constexpr auto footer =
    "The table is CSV; its first line names the columns. Column `to` is the recipient; {{name}} "
    "in\n"
    "subject, text and HTML is what the row has in column `name`; column `id` tells rows apart "
    "that\n"
    "go to one address. Everything is checked before the first message is sent.\n"
    "\n"
    "Examples:\n"
    "  tidewire mail bulk people.csv --smtp smtp://mail.example.org:587 --username me \\\n"
    "    --password-file p --from shop@example.org --subject 'For {{name}}' --text-file t \\\n"
    "    --store mail.db\n"
    "\n"
    "With --store the messages survive a kill: the same command goes on, and sends nothing twice.\n"
    "\n"
    "Exit codes: 0 all were sent; otherwise that of the first row that was not: 3 attempts used "
    "up;\n"
    "4 refused for good, or the server does not serve us; 12 unknown, it may be sent; 2 wrong "
    "command\n"
    "line or table, nothing was sent; 8 the store; 130 SIGINT, 143 SIGTERM.";

}  // namespace

void add_mail_bulk(CLI::App& group, action& chosen) {
  auto o = std::make_shared<bulk_options>();
  auto* c = group.add_subcommand(
      "bulk", "Send a message to everybody in a table, at low priority, until each has an outcome");
  c->add_option("table", o->table, "The table; - is standard input")
      ->type_name("FILE.csv")
      ->required();
  add_mail_server(*c, o->server);
  add_mail_message(*c, o->message);
  c->add_option("--store", o->store, "Keep the messages in this SQLite file (default: in memory)")
      ->type_name("FILE");
  c->add_option("--concurrency", o->concurrency, "Messages at once (default: 2)")
      ->check(CLI::Range(1, 64))
      ->type_name("N");
  c->add_option("--attempts", o->attempts, "Tries for each message (default: 3)")
      ->check(CLI::Range(1, 1000))
      ->type_name("N");
  add_duration(*c, "--retry-delay", o->retry_delay,
               "Before the second try, random below it; it doubles (default: 1m)");
  c->add_option("--per-domain", o->per_domain,
                "Messages a second to one domain, 0: any (default: 10)")
      ->type_name("N");
  add_choice(*c, "--on-unknown", o->on_unknown, {"resend", "park"},
             "When nobody knows whether the server took it (default: resend)");
  c->add_flag("--json", o->json, "Print results as one line of JSON each");
  c->add_flag("-q,--quiet", o->quiet, "Tell of failures only");
  c->footer(footer);
  c->callback([o, &chosen] { chosen = [o] { return bulk(*o); }; });
}

}  // namespace tidewire::cli
