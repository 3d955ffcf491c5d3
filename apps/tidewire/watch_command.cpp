#include "commands.hpp"
#include "escape.hpp"
#include "message_line.hpp"
#include "options.hpp"
#include "realtime_options.hpp"
#include "terminal.hpp"

#include <tidewire/core/timer.hpp>
#include <tidewire/file/filesystem.hpp>
#include <tidewire/realtime/frame.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <charconv>
#include <csignal>
#include <memory>

namespace tidewire::cli {
namespace {

struct watch_options {
  realtime_options realtime;
  std::vector<std::string> channels;
  std::string cursor_file, since = "new";
  std::uint64_t count = 0;
  std::chrono::nanoseconds timeout{0};
  bool json = false;
};

exit_code usage(const std::string& fault) {
  write_stderr("tidewire watch: " + fault + "\nTry `tidewire watch --help`.\n");
  return exit_code::usage;
}

// One run: prints messages until enough were seen, a signal comes, or there is no way.
class watch_session {
 public:
  watch_session(const watch_options& o, realtime_plan& plan)
      : options_(o),
        plan_(plan),
        ctx_(make_context()),
        disk_(file::make_posix_filesystem()),
        edges_(ctx_, o.realtime),
        signals_(io_, SIGINT, SIGTERM),
        give_up_(io_.get_executor()) {
    auto parts = edges_.parts();
    if (!o.cursor_file.empty()) {
      store_ = realtime::make_file_cursor_store(io_.get_executor(), *disk_, o.cursor_file);
      parts.store = store_.get();
    }
    connection_ = std::make_unique<realtime::realtime_connection>(ctx_, parts, plan.connection);
    listen();
  }

  exit_code run() {
    signals_.async_wait([this](error_code ec, int number) {
      if (ec) return;
      signal_ = number;
      // Back to the system's default: the second one ends the process at once.
      error_code ignored;
      signals_.clear(ignored);
      close();
    });
    if (options_.timeout.count() > 0) {
      give_up_.expires_after(options_.timeout);
      give_up_.async_wait([this](error_code ec) {
        if (!ec && !heard_)
          fail(exit_code::network_exhausted, "nothing could be reached: " + last_error_);
      });
    }
    connection_->async_connect([this](error_code ec, realtime::mode) { connected(ec); });
    io_.run();
    if (signal_ != 0) return signal_ == SIGTERM ? exit_code::terminated : exit_code::interrupted;
    return code_;
  }

 private:
  context make_context() {
    context ctx(io_.get_executor(), rng::from_entropy());
    ctx.authorization = plan_.authorization.get();
    return ctx;
  }

  void listen() {
    message_ = *connection_->on_message().connect([this](const auto& m) { show(m); });
    reset_ = *connection_->on_reset().connect([this](const auto& r) { show(r); });
    up_ = *connection_->on_connected().connect([this](const realtime::connected_event& e) {
      heard_ = heard_ || e.mode == realtime::mode::websocket;
      if (options_.realtime.verbose) note(std::string("connected by ") + name_of(e.mode));
    });
    down_ = *connection_->on_disconnected().connect([this](const auto& e) {
      if (options_.realtime.verbose && !e.intentional)
        note("disconnected: " + escape_terminal(e.reason));
    });
    error_ = *connection_->on_error().connect([this](const auto& e) { trouble(e); });
  }

  void connected(const error_code& ec) {
    if (!ec || closed_) return;
    if (ec == realtime::errc::refused)
      return fail(exit_code::refused, "the server wants other credentials (--token-file)");
    if (ec == realtime::errc::unavailable) return;  // it goes on trying
    if (ec == realtime::errc::bad_answer)
      return fail(exit_code::partial_unusable,
                  escape_terminal(options_.cursor_file) +
                      " is no cursor file; it was left as it is. Name another one with --cursor");
    fail(exit_code::disk, escape_terminal(options_.cursor_file) + ": " + ec.message());
  }

  void show(const realtime::message& m) {
    if (closed_) return;
    heard_ = true;
    write_stdout(
        (options_.json ? message_json(m) : message_line(m, plan_.connection.channels.size() > 1)) +
        "\n");
    if (++shown_ == options_.count) close();
  }

  void show(const realtime::reset& r) {
    if (closed_) return;
    if (options_.json) write_stdout(reset_json(r) + "\n");
    if (!options_.realtime.quiet)
      note(fmt::format("{}: messages may have been missed ({}); going on behind offset {}",
                       escape_terminal(r.channel),
                       r.reason == "trimmed" ? "the server keeps no older ones"
                                             : "the server has another log now",
                       r.to.offset));
  }

  void trouble(const realtime::error_event& e) {
    last_error_ = escape_terminal(e.detail);
    bool by_poll = connection_->status().mode != realtime::mode::websocket;
    if (e.error == realtime::errc::refused && by_poll && !heard_ && !closed_)
      return fail(exit_code::refused, "the server refused: " + last_error_);
    bool first = !heard_ && !options_.realtime.quiet && std::exchange(quiet_start_, false);
    if (options_.realtime.verbose || first) note(last_error_ + "; trying again");
  }

  static void note(const std::string& text) { write_stderr(text + "\n"); }

  void fail(exit_code code, const std::string& why) {
    if (closed_) return;
    code_ = code;
    write_stderr(fmt::format("tidewire watch: {}: {}\n", plan_.shown_url, why));
    close();
  }

  void close() {
    if (std::exchange(closed_, true)) return;
    error_code ignored;
    signals_.cancel(ignored);
    give_up_.cancel();
    connection_->async_stop([this] { edges_.stop(); });
  }

  const watch_options& options_;
  realtime_plan& plan_;
  asio::io_context io_{1};
  context ctx_;
  std::unique_ptr<file::filesystem> disk_;
  std::unique_ptr<realtime::cursor_store> store_;
  realtime_edges edges_;
  std::unique_ptr<realtime::realtime_connection> connection_;
  asio::signal_set signals_;
  timer give_up_;
  signal<realtime::message>::connection message_;
  signal<realtime::reset>::connection reset_;
  signal<realtime::connected_event>::connection up_;
  signal<realtime::disconnected_event>::connection down_;
  signal<realtime::error_event>::connection error_;
  std::string last_error_ = "no answer";
  std::uint64_t shown_ = 0;
  exit_code code_ = exit_code::ok;
  int signal_ = 0;
  bool closed_ = false, heard_ = false, quiet_start_ = true;
};

// "new", "all", or EPOCH:OFFSET as --json tells them.
std::string read_since(const std::string& text, realtime::connection_options& o) {
  if (text == "new") return {};
  if (text == "all") {
    o.begin = realtime::start_at::oldest;
    return {};
  }
  auto colon = text.rfind(':');
  std::uint64_t offset = 0;
  bool good = colon != std::string::npos && colon > 0 && colon + 1 < text.size();
  if (good) {
    auto [end, ec] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), offset);
    good = ec == std::errc() && end == text.data() + text.size() && o.channels.size() == 1;
  }
  if (!good) return "--since is new, all, or EPOCH:OFFSET of the one channel";
  o.cursors[o.channels[0]] = {text.substr(0, colon), offset, {}};
  return {};
}

exit_code watch(const watch_options& o) {
  auto made = make_realtime_plan(o.realtime);
  if (!made.plan) return usage(made.fault);
  auto& connection = made.plan->connection;
  for (auto& channel : o.channels)
    if (!realtime::is_name(channel))
      return usage("a channel's name is 1 to 128 bytes of text without control characters");
  if (o.channels.size() > realtime::connection_options::max_channels)
    return usage("at most 128 channels");
  connection.channels = o.channels;
  if (auto fault = read_since(o.since, connection); !fault.empty()) return usage(fault);
  return watch_session(o, *made.plan).run();
}

constexpr auto purpose =
    "Print the messages of channels as they come, each once and in order. Over WebSocket and, "
    "where\n"
    "that does not work, by polling. With --cursor the next run goes on where this one ended.";

constexpr auto footer =
    "Examples:\n"
    "  tidewire watch https://example.org room\n"
    "  tidewire watch https://example.org room hall --cursor seen.json --json\n"
    "  tidewire watch https://example.org room --since all --count 10\n"
    "\n"
    "Exit codes: 0 --count messages were printed; 2 wrong command line; 3 nothing could be "
    "reached\n"
    "within --timeout; 4 the server refused (401, 403, 404 ...); 8 the cursor file can't be read;\n"
    "10 it is not a cursor file; 130 SIGINT, 143 SIGTERM.";

}  // namespace

void add_watch(CLI::App& app, action& chosen) {
  auto o = std::make_shared<watch_options>();
  auto* c = app.add_subcommand("watch", purpose);
  add_realtime(*c, o->realtime);
  c->add_option("channels", o->channels, "What to watch")->type_name("CHANNEL...")->required();
  c->add_option("--cursor", o->cursor_file, "Go on from this file, and keep it up to date")
      ->type_name("FILE");
  c->add_option("--since", o->since,
                "Where to begin without a cursor: new, all, or EPOCH:OFFSET (default: new)")
      ->type_name("WHERE");
  c->add_option("--count", o->count, "End after so many messages; 0: never (default: 0)")
      ->type_name("N");
  add_duration(*c, "--timeout", o->timeout,
               "Give up when nothing was reached for so long at the start; 0: never (default: 0)");
  c->add_flag("--json", o->json, "Print messages and resets as one line of JSON each");
  c->footer(footer);
  c->callback([o, &chosen] { chosen = [o] { return watch(*o); }; });
}

}  // namespace tidewire::cli
