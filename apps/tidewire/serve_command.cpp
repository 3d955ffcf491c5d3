#include "commands.hpp"
#include "escape.hpp"
#include "listen_address.hpp"
#include "logging.hpp"
#include "message_place.hpp"
#include "options.hpp"
#include "prometheus_sink.hpp"
#include "terminal.hpp"

#include <tidewire/core/context.hpp>
#include <tidewire/core/error.hpp>
#include <tidewire/file/filesystem.hpp>
#include <tidewire/server/backend.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>

namespace tidewire::cli {
namespace {

struct serve_options {
  std::string listen = "127.0.0.1:8080", data, files, token_file;
  message_place store;
  std::vector<std::string> origins;
  server::http_server_options limits;
  std::chrono::nanoseconds grace = std::chrono::seconds(5);
  bool quiet = false;
  unsigned verbose = 0;
};

exit_code fail(exit_code code, const std::string& text) {
  write_stderr("tidewire serve: " + text + "\n");
  return code;
}

// The first line of the file. A short token can be guessed, so that it is refused.
std::string read_token(const std::string& path, std::string& fault) {
  std::ifstream file(path);
  std::string token;
  if (!file || !std::getline(file, token)) {
    fault = fmt::format("--token-file: {} can't be read or is empty", escape_terminal(path));
    return {};
  }
  while (!token.empty() && (token.back() == '\r' || token.back() == ' ')) token.pop_back();
  for (char c : token)
    if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) > '~')
      fault = "--token-file: a token has no spaces and no control characters";
  if (token.size() < 16) fault = "--token-file: a token has 16 characters at least";
  return token;
}

std::string listen_fault(const error_code& ec, const listen_address& address, bool token) {
  if (ec == make_error_code(tidewire::errc::invalid_argument) && !token)
    return fmt::format(
        "{} can be reached from other machines: that needs --token-file FILE. Without a token only "
        "a loopback address is served, like 127.0.0.1 or [::1]",
        escape_terminal(address.text()));
  return fmt::format("can't listen on {}: {}", escape_terminal(address.text()), ec.message());
}

// Runs the backend until a signal; the second one ends at once.
class serve_session {
 public:
  serve_session(const serve_options& o, server::http_server_options http, listen_address address)
      : options_(o),
        address_(std::move(address)),
        has_token_(!http.token.empty()),
        logger_(make_logger("serve", o.verbose, o.quiet)),
        log_(logger_),
        disk_(file::make_posix_filesystem()),
        ctx_(make_context()),
        backend_(ctx_, *disk_, make_options(std::move(http))),
        signals_(io_, SIGINT, SIGTERM) {}

  exit_code run() {
    auto listening = backend_.listen();
    if (!listening && !backend_.messages()) {
      auto [code, text] = explain_store(options_.store, listening.error(), backend_.fault());
      return fail(code, text);
    }
    if (!listening)
      return fail(listening.error() == make_error_code(tidewire::errc::invalid_argument)
                      ? exit_code::usage
                      : exit_code::network_exhausted,
                  listen_fault(listening.error(), address_, has_token_));
    address_.port = backend_.port();
    write_stdout("listening on http://" + address_.text() + "\n");
    error_code ended;
    backend_.async_run([&](error_code ec) {
      ended = ec;
      error_code ignored;
      signals_.cancel(ignored);
    });
    signals_.async_wait([this](error_code ec, int) {
      if (ec) return;
      logger_->info("serve.draining");
      error_code ignored;
      signals_.clear(ignored);  // the second signal has the system's default effect
      backend_.stop(options_.grace);
    });
    io_.run();
    if (ended && ended != condition::cancelled)
      return fail(exit_code::network_exhausted, "stopped: " + ended.message());
    return exit_code::ok;
  }

 private:
  context make_context() {
    context ctx(io_.get_executor(), rng::from_entropy());
    ctx.metrics = &metrics_;
    ctx.log = &log_;
    return ctx;
  }
  server::backend_options make_options(server::http_server_options http) {
    server::backend_options o;
    o.data_folder = options_.data;
    o.files_folder = options_.files;
    o.http = std::move(http);
    apply(options_.store, o);
    o.render_metrics = [this] { return metrics_.render(); };
    return o;
  }

  const serve_options& options_;
  listen_address address_;
  bool has_token_;
  std::shared_ptr<spdlog::logger> logger_;
  spdlog_sink log_;
  app::prometheus_sink metrics_;
  asio::io_context io_{1};
  std::unique_ptr<file::filesystem> disk_;
  context ctx_;
  server::backend backend_;
  asio::signal_set signals_;
};

exit_code serve(const serve_options& o) {
  auto address = parse_listen_address(o.listen);
  if (!address)
    return fail(exit_code::usage, fmt::format("--listen: \"{}\" is not an address like "
                                              "127.0.0.1:8080 or [::1]:0",
                                              escape_terminal(o.listen)));
  auto http = o.limits;
  http.address = address->host == "localhost" ? "127.0.0.1" : address->host;
  http.port = address->port;
  http.allowed_origins = o.origins;
  if (!o.token_file.empty()) {
    std::string fault;
    http.token = read_token(o.token_file, fault);
    if (!fault.empty()) return fail(exit_code::usage, fault);
  }
  auto disk = file::make_posix_filesystem();
  for (auto& [option, folder] : {std::pair("--data", &o.data), std::pair("--files", &o.files)}) {
    auto is = disk->is_directory(*folder);
    if (!is || !*is)
      return fail(exit_code::disk, fmt::format("{}: {} is not a folder; create it first", option,
                                               escape_terminal(*folder)));
  }
  std::error_code ignored;
  if (std::filesystem::equivalent(o.data, o.files, ignored))
    return fail(exit_code::usage,
                "--data and --files are the same folder: what the backend keeps would be served");
  return serve_session(o, std::move(http), std::move(*address)).run();
}

void add_limits(CLI::App& app, serve_options& o) {
  auto& l = o.limits;
  app.add_option("--max-connections", l.max_connections, "In all (default: 4096)")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--max-connections-per-address", l.max_connections_per_address,
                 "Of one peer (default: 1024)")
      ->check(CLI::Range(1, 1'000'000));
  add_size(app, "--max-body", l.max_body_bytes, "Of a request (default: 16M)");
  add_duration(app, "--header-deadline", l.header_deadline, "For a request's head (default: 15s)");
  add_duration(app, "--body-deadline", l.body_deadline, "Between two reads (default: 60s)");
  add_duration(app, "--write-deadline", l.write_deadline, "Between two writes (default: 60s)");
  add_duration(app, "--keep-alive", l.keep_alive, "For the next request (default: 75s)");
  add_duration(app, "--grace", o.grace, "For running answers after SIGTERM (default: 5s)");
}

}  // namespace

void add_serve(CLI::App& app, action& chosen) {
  auto o = std::make_shared<serve_options>();
  auto* command = app.add_subcommand(
      "serve", "Serve a folder over HTTP with validators and ranges: the other half of `get`.");
  command
      ->add_option("--listen", o->listen, "Where; port 0 is any free one (default: 127.0.0.1:8080)")
      ->type_name("HOST:PORT");
  command->add_option("--data", o->data, "Folder for what the backend keeps")
      ->type_name("DIR")
      ->required();
  command->add_option("--files", o->files, "Folder that is served at /files/")
      ->type_name("FOLDER")
      ->required();
  add_store(*command, o->store);
  command
      ->add_option("--token-file", o->token_file,
                   "Ask every caller for this bearer token; needed beyond loopback")
      ->type_name("FILE");
  command->add_option("--allow-origin", o->origins, "A web origin that may send unsafe methods")
      ->type_name("ORIGIN")
      ->take_all()
      ->expected(1);
  add_limits(*command, *o);
  command->add_flag("-q,--quiet", o->quiet, "Log warnings and errors only");
  command->add_flag("-v,--verbose", o->verbose, "Log more");
  command->footer(
      "Examples:\n"
      "  tidewire serve --data state --files public\n"
      "  tidewire serve --listen 0.0.0.0:8080 --token-file token --data state --files public\n"
      "  tidewire serve --store postgres://tide@db/tide --data state --files public\n\n"
      "Prints its address on stdout once it listens; requests are logged on stderr. SIGINT or\n"
      "SIGTERM lets running answers finish and ends with 0. /metrics is in Prometheus' format,\n"
      "/healthz and /readyz are for supervisors.\n\n" +
      std::string(exit_code_help()));
  command->callback([o, &chosen] { chosen = [o] { return serve(*o); }; });
}

}  // namespace tidewire::cli
