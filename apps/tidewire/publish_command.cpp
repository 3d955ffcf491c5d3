#include "commands.hpp"
#include "diagnosis.hpp"
#include "escape.hpp"
#include "line_reader.hpp"
#include "message_line.hpp"
#include "options.hpp"
#include "realtime_options.hpp"
#include "terminal.hpp"

#include <tidewire/core/json_text.hpp>
#include <tidewire/core/utf8.hpp>
#include <tidewire/realtime/frame.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <utility>

namespace tidewire::cli {
namespace {

struct publish_options {
  realtime_options realtime;
  std::string channel, data = "text", id_prefix;
  std::chrono::nanoseconds timeout = std::chrono::seconds(60);
  bool json = false;
};

// Lines that were read and not answered yet, at most: so much is lost when the process is killed.
constexpr std::size_t max_unanswered = 1024;

exit_code usage(const std::string& fault) {
  write_stderr("tidewire publish: " + fault + "\nTry `tidewire publish --help`.\n");
  return exit_code::usage;
}

// One run: publishes each line of standard input, and says what became of it.
class publish_session {
 public:
  publish_session(const publish_options& o, realtime_plan& plan)
      : options_(o),
        plan_(plan),
        ctx_(make_context()),
        edges_(ctx_, o.realtime),
        connection_(ctx_, edges_.parts(), plan.connection),
        signals_(io_, SIGINT, SIGTERM) {}

  exit_code run() {
    signals_.async_wait([this](error_code ec, int number) {
      if (ec) return;
      signal_ = number;
      error_code ignored;
      signals_.clear(ignored);
      close();
    });
    error_ = *connection_.on_error().connect([this](const auto& e) {
      // The first one is told: who waits at a terminal wants to know for what.
      bool first = std::exchange(untroubled_, false) && !options_.realtime.quiet;
      if ((options_.realtime.verbose || first) && !closed_)
        write_stderr(escape_terminal(e.detail) + "; trying again\n");
    });
    connection_.async_connect([this](error_code ec, realtime::mode) {
      if (ec != realtime::errc::refused || closed_) return;
      refused_ = true;
      write_stderr(
          fmt::format("tidewire publish: {}: the server wants other credentials (--token-file)\n",
                      plan_.shown_url));
      close();
    });
    reader_ = std::make_unique<line_reader>(STDIN_FILENO, io_.get_executor(),
                                            [this](line_reader::line l) { take(std::move(l)); });
    io_.run();
    if (signal_ != 0) return signal_ == SIGTERM ? exit_code::terminated : exit_code::interrupted;
    if (refused_) return exit_code::refused;
    return code_;
  }

 private:
  context make_context() {
    context ctx(io_.get_executor(), rng::from_entropy());
    ctx.authorization = plan_.authorization.get();
    return ctx;
  }

  void take(line_reader::line l) {
    if (closed_) return;
    if (l.end) {
      all_read_ = true;
      if (unanswered_ == 0) close();
      return;
    }
    auto number = ++lines_;
    ++unanswered_;
    if (unanswered_ < max_unanswered)
      reader_->next();
    else
      held_back_ = true;
    std::string id = options_.id_prefix.empty() ? connection_.client_id() : options_.id_prefix;
    id += ":" + std::to_string(number);
    std::string data, fault = read_payload(l, data);
    if (!fault.empty()) {
      realtime::publish_receipt r;
      r.id = id;
      r.state = realtime::receipt_state::rejected;
      r.reason = fault;
      r.sent = true;  // as far as the exit code goes: another try changes nothing
      return settle(number, r);
    }
    connection_.async_publish(
        options_.channel, std::move(data), id,
        [this, number](error_code, const realtime::publish_receipt& r) { settle(number, r); });
  }

  std::string read_payload(const line_reader::line& l, std::string& data) const {
    if (l.too_long) return "the line is longer than 65536 bytes";
    if (options_.data == "json") {
      data = l.text;
      auto ok = check_json(data, {realtime::max_payload_bytes, realtime::max_payload_depth});
      return ok ? std::string() : "the line is not JSON: " + ok.error().message();
    }
    if (!is_utf8(l.text)) return "the line is not UTF-8";
    append_json_string(data, l.text);
    return data.size() > realtime::max_payload_bytes ? "the line is longer than 65536 bytes" : "";
  }

  void settle(std::size_t number, const realtime::publish_receipt& r) {
    using realtime::receipt_state;
    --unanswered_;
    bool good = r.state == receipt_state::acked;
    if (!good && code_ == exit_code::ok)
      code_ = r.state == receipt_state::rejected && r.sent ? exit_code::refused
                                                           : exit_code::network_exhausted;
    auto text = options_.json ? receipt_json(r, number) : receipt_line(r, number);
    if (options_.json || (good && !options_.realtime.quiet)) write_stdout(text + "\n");
    if (!good && !options_.json) write_stderr(text + "\n");
    if (closed_) return;
    if (std::exchange(held_back_, false)) reader_->next();
    if (all_read_ && unanswered_ == 0) close();
  }

  void close() {
    if (std::exchange(closed_, true)) return;
    error_code ignored;
    signals_.cancel(ignored);
    connection_.async_stop([this] {
      reader_.reset();
      edges_.stop();
    });
  }

  const publish_options& options_;
  realtime_plan& plan_;
  asio::io_context io_{1};
  context ctx_;
  realtime_edges edges_;
  realtime::realtime_connection connection_;
  asio::signal_set signals_;
  signal<realtime::error_event>::connection error_;
  std::unique_ptr<line_reader> reader_;
  std::size_t lines_ = 0, unanswered_ = 0;
  exit_code code_ = exit_code::ok;
  int signal_ = 0;
  bool all_read_ = false, closed_ = false, held_back_ = false, refused_ = false;
  bool untroubled_ = true;
};

exit_code publish(const publish_options& o) {
  auto made = make_realtime_plan(o.realtime);
  if (!made.plan) return usage(made.fault);
  if (!realtime::is_name(o.channel))
    return usage("a channel's name is 1 to 128 bytes of text without control characters");
  if (!o.id_prefix.empty() && (!realtime::is_name(o.id_prefix) || o.id_prefix.size() > 100))
    return usage("--id-prefix is 1 to 100 bytes of text without control characters");
  auto& connection = made.plan->connection;
  connection.publish_timeout = o.timeout;
  return publish_session(o, *made.plan).run();
}

constexpr auto purpose =
    "Publish each line of standard input to a channel, and say what became of it. Each is sent "
    "again\n"
    "until it is answered, and is in the channel's log once.";

constexpr auto footer =
    "Examples:\n"
    "  echo hello | tidewire publish https://example.org room\n"
    "  tidewire publish https://example.org room --data json --id-prefix job-7 < events.ndjson\n"
    "\n"
    "With --id-prefix a run that is repeated with the same lines publishes nothing twice.\n"
    "\n"
    "Exit codes: 0 every line is in the log; otherwise that of the first line that is not: 3 not\n"
    "answered within --timeout, it may be there; 4 rejected, or the server wants other "
    "credentials;\n"
    "2 wrong command line; 130 SIGINT, 143 SIGTERM.";

}  // namespace

void add_publish(CLI::App& app, action& chosen) {
  auto o = std::make_shared<publish_options>();
  auto* c = app.add_subcommand("publish", purpose);
  add_realtime(*c, o->realtime);
  c->add_option("channel", o->channel, "Where to publish")->type_name("CHANNEL")->required();
  add_choice(*c, "--data", o->data, {"text", "json"},
             "What the lines are: text, published as JSON strings, or JSON (default: text)");
  c->add_option("--id-prefix", o->id_prefix, "Ids are PREFIX:LINE (default: a random one)")
      ->type_name("PREFIX");
  add_duration(*c, "--timeout", o->timeout, "For the answer to a line (default: 60s)");
  c->add_flag("--json", o->json, "Print receipts as one line of JSON each");
  c->footer(footer);
  c->callback([o, &chosen] { chosen = [o] { return publish(*o); }; });
}

}  // namespace tidewire::cli
