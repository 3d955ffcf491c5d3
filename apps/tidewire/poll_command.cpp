#include "commands.hpp"
#include "diagnosis.hpp"
#include "escape.hpp"
#include "header_option.hpp"
#include "options.hpp"
#include "terminal.hpp"
#include "units.hpp"

#include <tidewire/core/context.hpp>
#include <tidewire/core/error.hpp>
#include <tidewire/http/curl_client.hpp>
#include <tidewire/realtime/http_poll.hpp>
#include <tidewire/realtime/poller.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/serialize.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <csignal>
#include <memory>
#include <optional>

namespace tidewire::cli {
namespace {

struct poll_command_options {
  std::string url, since, cursor_parameter = "since", adapt = "gaps";
  std::vector<std::string> headers;
  std::chrono::nanoseconds interval = std::chrono::seconds(5);
  std::chrono::nanoseconds max_interval = std::chrono::seconds(60);
  std::chrono::nanoseconds wait{0}, timeout = std::chrono::seconds(30);
  std::uint64_t count = 0, max_body = 1024 * 1024;
  unsigned max_errors = 5;
  bool json = false, quiet = false;
};

exit_code usage(const std::string& fault) {
  write_stderr("tidewire poll: " + fault + "\nTry `tidewire poll --help`.\n");
  return exit_code::usage;
}

// One run: prints changes until enough were seen, a signal comes or the polling ends.
class poll_session {
 public:
  poll_session(const poll_command_options& o, const realtime::http_poll& request)
      : options_(o),
        ctx_(io_.get_executor(), rng::from_entropy()),
        client_(http::make_curl_client(ctx_)),
        signals_(io_, SIGINT, SIGTERM) {
    realtime::poll_options polling;
    polling.pace.interval = o.interval;
    polling.pace.max_interval = o.max_interval;
    polling.pace.max_consecutive_errors = o.max_errors;
    if (o.adapt == "activity") polling.pace.adapts = realtime::adaptation::activity;
    if (o.adapt == "none") polling.pace.adapts = realtime::adaptation::none;
    polling.wait = o.wait;
    polling.timeout = o.timeout;
    polling.cursor = o.since;
    if (o.json)
      watch(json_, realtime::poll_json(ctx_, *client_, request), polling,
            [](const boost::json::value& v) { return boost::json::serialize(v); });
    else
      watch(text_, realtime::poll_text(ctx_, *client_, request), polling,
            [](const std::string& v) { return escape_lines(v); });
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
    polls_->start();
    io_.run();
    if (signal_ != 0) return signal_ == SIGTERM ? exit_code::terminated : exit_code::interrupted;
    return code_;
  }

 private:
  // Bodies are text from a stranger; their lines stay lines.
  static std::string escape_lines(const std::string& body) {
    std::string out;
    for (std::size_t at = 0; at < body.size();) {
      auto end = std::min(body.find('\n', at), body.size());
      if (at > 0) out += '\n';
      out += escape_terminal(body.substr(at, end - at));
      at = end + 1;
    }
    return out;
  }

  template <class T, class Print>
  void watch(std::unique_ptr<realtime::poller<T>>& polls, realtime::poll_function<T> function,
             const realtime::poll_options& polling, Print print) {
    polls = std::make_unique<realtime::poller<T>>(ctx_, std::move(function), polling);
    polls_ = polls.get();
    auto on_data = [this, print](const T& value) { show(print(value)); };
    auto connected =
        std::make_shared<typename signal<T>::connection>(*polls->data().connect(on_data));
    data_ = connected;
    failures_ = *polls->failures().connect([this](const auto& f) { failed(f); });
    ends_ = *polls->stopped().connect([this](const auto& e) { ended(e); });
  }

  void show(const std::string& text) {
    if (closed_) return;
    write_stdout(text + "\n");
    if (!options_.quiet && !closed_)
      write_stderr(fmt::format("changed; next poll in {}\n", interval()));
    if (++shown_ == options_.count) close();
  }

  std::string interval() const { return format_duration(polls_->status().current_interval); }

  void failed(const realtime::poll_failure& f) {
    if (options_.quiet || !f.next_delay) return;
    auto why = f.detail.empty() ? f.error.message() : f.detail;
    write_stderr(
        fmt::format("{}; next poll in {}\n", escape_terminal(why), format_duration(*f.next_delay)));
  }

  void ended(const realtime::poll_end& e) {
    if (!e.reason) return;
    code_ = exit_code_of(e.reason, 0);
    auto why = e.detail.empty() ? e.reason.message() : e.detail;
    auto head = e.reason == realtime::errc::too_many_errors
                    ? fmt::format("{} polls in a row failed, the last: ", options_.max_errors)
                    : std::string("the server refused: ");
    write_stderr(fmt::format("tidewire poll: {}: {}{}. {}\n", shown_url(), head,
                             escape_terminal(why),
                             e.reason == realtime::errc::too_many_errors
                                 ? "Run the same command again, or raise --max-errors."
                                 : "Check the URL and the credentials (--header @FILE)."));
    close();
  }

  std::string shown_url() const {
    auto url = http::url::parse(options_.url);
    return url ? escape_terminal(url->redacted()) : std::string();
  }

  void close() {
    if (std::exchange(closed_, true)) return;
    error_code ignored;
    signals_.cancel(ignored);
    polls_->async_stop([this] { client_->stop([] {}); });
  }

  const poll_command_options& options_;
  asio::io_context io_{1};
  context ctx_;
  std::unique_ptr<http::client> client_;
  asio::signal_set signals_;
  std::unique_ptr<realtime::poller<boost::json::value>> json_;
  std::unique_ptr<realtime::poller<std::string>> text_;
  realtime::poller_base* polls_ = nullptr;
  std::shared_ptr<void> data_;
  signal<realtime::poll_failure>::connection failures_;
  signal<realtime::poll_end>::connection ends_;
  std::uint64_t shown_ = 0;
  exit_code code_ = exit_code::ok;
  int signal_ = 0;
  bool closed_ = false;
};

exit_code poll(const poll_command_options& o) {
  auto url = http::url::parse(o.url);
  if (!url) {
    auto why = url.error() == http::errc::unsupported_scheme
                   ? "only http and https URLs can be polled"
                   : "that is not a URL";
    return usage(why);
  }
  if (o.interval < std::chrono::milliseconds(1)) return usage("--interval must be 1ms or more");
  if (o.max_interval < o.interval) return usage("--max-interval must not be below --interval");
  realtime::http_poll request(*url);
  http::fields headers;
  for (auto& h : o.headers)
    if (auto fault = add_headers(headers, h); !fault.empty()) return usage(fault);
  for (auto& h : headers) request.header(h.name, h.value);
  request.max_body_bytes(o.max_body);
  if (!o.since.empty()) request.cursor_parameter(o.cursor_parameter);
  return poll_session(o, request).run();
}

constexpr auto purpose =
    "Poll a URL and print what changed, with conditional requests and an interval that follows "
    "the\n"
    "changes. Text is printed as it is, one change after the other; with --json each change is "
    "one\n"
    "line of JSON. The interval is told on stderr.";

constexpr auto footer =
    "Examples:\n"
    "  tidewire poll https://example.org/status.json --json\n"
    "  tidewire poll https://example.org/build --interval 1s --count 2\n"
    "  tidewire poll https://example.org/events --wait 25s --interval 500ms\n"
    "\n"
    "Exit codes: 0 --count changes were printed; 2 wrong command line; 3 too many failed polls in "
    "a\n"
    "row; 4 the server refused (401, 403, 404, 410 ...); 130 SIGINT, 143 SIGTERM.";

}  // namespace

void add_poll(CLI::App& app, action& chosen) {
  auto o = std::make_shared<poll_command_options>();
  auto* c = app.add_subcommand("poll", purpose);
  c->add_option("url", o->url, "What to poll")->type_name("URL")->required();
  add_duration(*c, "--interval", o->interval,
               "Between two polls while things change (default: 5s)");
  add_duration(*c, "--max-interval", o->max_interval, "The longest wait (default: 60s)");
  add_duration(*c, "--wait", o->wait,
               "Long-poll: ask the server to hold answers back so long, by ?wait= (default: no)");
  add_duration(*c, "--timeout", o->timeout, "Of one poll, besides --wait (default: 30s)");
  add_choice(*c, "--adapt", o->adapt, {"gaps", "activity", "none"},
             "What the interval follows (default: gaps)");
  c->add_option("--max-errors", o->max_errors, "Failed polls in a row; 0: never (default: 5)")
      ->check(CLI::Range(0u, 1'000'000u))
      ->type_name("N");
  c->add_option("--count", o->count, "End after so many changes; 0: never (default: 0)")
      ->type_name("N");
  c->add_option("--since", o->since, "Sent as ?since= with each request")->type_name("CURSOR");
  add_size(*c, "--max-body", o->max_body, "The largest answer (default: 1M)");
  c->add_option("-H,--header", o->headers,
                "\"Name: value\", or @FILE with such lines: use that for secrets; may be repeated")
      ->type_name("HEADER")
      ->take_all()
      ->expected(1);
  c->add_flag("--json", o->json, "Answers must be JSON; print each on one line");
  c->add_flag("-q,--quiet", o->quiet, "Tell of the end only");
  c->footer(footer);
  c->callback([o, &chosen] { chosen = [o] { return poll(*o); }; });
}

}  // namespace tidewire::cli
