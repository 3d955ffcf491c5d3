#include "commands.hpp"
#include "escape.hpp"
#include "listen_address.hpp"
#include "logging.hpp"
#include "options.hpp"
#include "terminal.hpp"
#include "units.hpp"

#include <tidewire/core/context.hpp>
#include <tidewire/core/error.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/lab/proxy.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cmath>
#include <csignal>
#include <fstream>
#include <iterator>
#include <memory>

namespace tidewire::cli {
namespace {

struct proxy_settings {
  std::string listen = "127.0.0.1:0", upstream, faults_file;
  lab::proxy_faults faults;
  std::uint64_t bandwidth = 0, cut_after = 0, reset_after = 0, stall_after = 0, seed = 0;
  double reset_probability = 0, reset_per_mib = 0, loss = 0;
  CLI::Option *has_cut = nullptr, *has_reset = nullptr, *has_stall = nullptr, *has_seed = nullptr;
  unsigned verbose = 0;
};

exit_code fail(exit_code code, const std::string& text) {
  write_stderr("tidewire proxy: " + text + "\n");
  return code;
}

std::uint32_t to_ppm(double probability) {
  return static_cast<std::uint32_t>(std::lround(probability * 1e6));
}

lab::proxy_faults faults_of(const proxy_settings& s) {
  auto f = s.faults;
  f.up_bytes_per_second = f.down_bytes_per_second = s.bandwidth;
  if (s.has_cut->count() > 0) f.truncate_after_bytes = s.cut_after;
  if (s.has_reset->count() > 0) f.reset_after_bytes = s.reset_after;
  if (s.has_stall->count() > 0) f.stall_after_bytes = s.stall_after;
  f.reset_ppm = to_ppm(s.reset_probability);
  f.reset_ppm_per_mib = to_ppm(s.reset_per_mib);
  f.loss_ppm = to_ppm(s.loss);
  return f;
}

std::string describe(const lab::proxy_counters& c) {
  return fmt::format(
      "connections={} open={} up={} down={} refused={} reset={} truncated={} stalled={} "
      "half_open={} upstream_failures={}",
      c.connections, c.open, format_size(c.bytes_up), format_size(c.bytes_down), c.refused, c.reset,
      c.truncated, c.stalled, c.half_open, c.upstream_failures);
}

// Runs the proxy until a signal.
class proxy_session {
 public:
  proxy_session(const proxy_settings& s, lab::proxy_options options, std::string host)
      : settings_(s),
        host_(std::move(host)),
        logger_(make_logger("proxy", s.verbose, false)),
        log_(logger_),
        ctx_(make_context()),
        proxy_(ctx_, std::move(options), faults_of(s)),
        signals_(io_, SIGINT, SIGTERM),
        every_(ctx_.exec) {}

  exit_code run() {
    if (auto listening = proxy_.listen(); !listening) return explain(listening.error());
    write_stdout("listening on " + listen_address{host_, proxy_.port()}.text() + "\n");
    error_code ended;
    proxy_.async_run([&](error_code ec) {
      ended = ec;
      every_.cancel();
      error_code ignored;
      signals_.cancel(ignored);
    });
    signals_.async_wait([this](error_code ec, int) {
      if (ec) return;
      error_code ignored;
      signals_.clear(ignored);  // the second signal has the system's default effect
      proxy_.stop();
    });
    if (settings_.verbose > 0) tell_counters();
    io_.run();
    logger_->info("proxy.ended {}", describe(proxy_.counters()));
    if (!ended || ended == condition::cancelled) return exit_code::ok;
    return fail(exit_code::network_exhausted, "stopped: " + ended.message());
  }

 private:
  context make_context() {
    auto random = settings_.has_seed->count() > 0 ? rng(settings_.seed) : rng::from_entropy();
    context ctx(io_.get_executor(), random);
    ctx.log = &log_;
    return ctx;
  }

  exit_code explain(const error_code& ec) {
    if (ec == make_error_code(tidewire::errc::invalid_argument))
      return fail(
          exit_code::usage,
          settings_.faults_file.empty()
              ? "--listen wants a numeric address, like 127.0.0.1:0 or [::1]:0"
              : fmt::format("--faults: {} is no fault file (docs/cli.md), or --listen is no "
                            "numeric address",
                            escape_terminal(settings_.faults_file)));
    return fail(
        exit_code::network_exhausted,
        fmt::format("can't listen on {}: {}", escape_terminal(settings_.listen), ec.message()));
  }

  void tell_counters() {
    every_.expires_after(std::chrono::seconds(5));
    every_.async_wait([this](error_code ec) {
      if (ec) return;
      logger_->info("proxy.counters {}", describe(proxy_.counters()));
      tell_counters();
    });
  }

  const proxy_settings& settings_;
  std::string host_;
  std::shared_ptr<spdlog::logger> logger_;
  spdlog_sink log_;
  asio::io_context io_{1};
  context ctx_;
  lab::proxy proxy_;
  asio::signal_set signals_;
  timer every_;
};

exit_code run_proxy(const proxy_settings& s) {
  auto listen = parse_listen_address(s.listen), upstream = parse_listen_address(s.upstream);
  if (!listen || !upstream || upstream->port == 0)
    return fail(exit_code::usage, fmt::format("{}: \"{}\" is not an address like 127.0.0.1:8080",
                                              listen ? "--upstream" : "--listen",
                                              escape_terminal(listen ? s.upstream : s.listen)));
  if (!s.faults_file.empty()) {
    // Checked here, since listen() can't tell a bad file from a bad address.
    std::ifstream file(s.faults_file);
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (!file || !lab::proxy_faults::from_json(text))
      return fail(exit_code::usage, fmt::format("--faults: {} can't be read or is no fault file; "
                                                "docs/cli.md has its format",
                                                escape_terminal(s.faults_file)));
  }
  lab::proxy_options options;
  options.listen_address = listen->host == "localhost" ? "127.0.0.1" : listen->host;
  options.listen_port = listen->port;
  options.upstream_host = upstream->host;
  options.upstream_port = upstream->port;
  options.faults_file = s.faults_file;
  auto host = options.listen_address;
  return proxy_session(s, std::move(options), std::move(host)).run();
}

void add_faults(CLI::App& app, proxy_settings& s) {
  auto& f = s.faults;
  add_duration(app, "--latency", f.latency, "Added in each direction");
  add_duration(app, "--jitter", f.jitter, "Added to that, at random from 0 to this");
  add_size(app, "--bandwidth", s.bandwidth, "Bytes per second of each connection and direction");
  s.has_cut = add_size(app, "--cut-after", s.cut_after,
                       "End each connection in good order after so much of the response");
  s.has_reset = add_size(app, "--reset-after", s.reset_after, "Reset it after so much");
  app.add_option("--reset-probability", s.reset_probability,
                 "Chance from 0 to 1 that a connection is reset, somewhere in its first MiB")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("P");
  app.add_option("--reset-per-mib", s.reset_per_mib, "Chance of a reset for every MiB moved")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("P");
  app.add_option("--loss", s.loss,
                 "Chance that a piece comes late, and all behind it, as TCP sends it again")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("P");
  s.has_stall = add_size(app, "--stall-after", s.stall_after,
                         "Stop moving after so much of the response, once a connection");
  add_duration(app, "--stall", f.stall, "How long; 0, the default, is for ever");
  app.add_flag("--half-open", f.half_open, "Swallow everything without a word");
  app.add_flag("--refuse", f.refuse, "Reset new connections at once");
  app.add_flag("--offline", f.offline, "Move nothing; keep the bytes");
  s.has_seed =
      app.add_option("--seed", s.seed, "The same seed draws the same faults")->type_name("N");
  app.add_option("--faults", s.faults_file,
                 "JSON file of faults in place of these options; read again when it changes")
      ->type_name("FILE");
}

}  // namespace

void add_proxy(CLI::App& app, action& chosen) {
  auto s = std::make_shared<proxy_settings>();
  auto* command =
      app.add_subcommand("proxy", "A bad network in a box: a TCP proxy that injects faults.");
  command->add_option("--listen", s->listen, "Where; port 0 is any free one (default: 127.0.0.1:0)")
      ->type_name("HOST:PORT");
  command->add_option("--upstream", s->upstream, "Where the connections go")
      ->type_name("HOST:PORT")
      ->required();
  add_faults(*command, *s);
  command->add_flag("-v,--verbose", s->verbose, "Log counters each 5 s");
  command->footer(
      "Examples:\n"
      "  tidewire proxy --upstream 127.0.0.1:8080 --latency 50ms --jitter 20ms --bandwidth 1M\n"
      "  tidewire proxy --upstream 127.0.0.1:8080 --reset-per-mib 0.02 --seed 7 -v\n"
      "  tidewire proxy --upstream 127.0.0.1:8080 --faults faults.json\n\n"
      "Prints its address on stdout once it listens. SIGINT or SIGTERM resets what is open and\n"
      "ends with 0.\n\n" +
      std::string(exit_code_help()));
  command->callback([s, &chosen] { chosen = [s] { return run_proxy(*s); }; });
}

}  // namespace tidewire::cli
