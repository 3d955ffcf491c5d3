#include "commands.hpp"
#include "escape.hpp"
#include "get_options.hpp"
#include "get_session.hpp"
#include "options.hpp"
#include "terminal.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace tidewire::cli {
namespace {

constexpr auto purpose =
    "Download files over http and https. What arrived is kept beside the target (NAME.part); the "
    "same\n"
    "command resumes it after any interruption. The final name appears only when the bytes are "
    "whole\n"
    "and proved to be those of one version of the file.";

constexpr auto examples =
    "Examples:\n"
    "  tidewire get https://example.org/image.iso\n"
    "  tidewire get https://example.org/image.iso -o /srv/image.iso --checksum sha-256=HEX\n"
    "  tidewire get -d downloads --input-file list.txt -j 8 --limit-rate 2M\n"
    "  tidewire get https://example.org/data.tar -o - | tar x\n"
    "\n"
    "SIZE is in bytes, or with K, M, G (of 1024); TIME is like 250ms, 30s, 10m, 2h.\n"
    "With several files the exit code is that of the first one that failed, in the given order;\n"
    "the others are downloaded nevertheless.\n"
    "\n";

void add_targets(CLI::App& app, get_options& o) {
  app.add_option("urls", o.urls, "What to download")->type_name("URL");
  app.add_option("-o,--output", o.output, "Save under this name; - is standard output")
      ->type_name("FILE");
  app.add_option("-d,--dir", o.folder, "Save into this folder, which must exist (default: .)")
      ->type_name("DIR");
  app.add_option("-i,--input-file", o.input_file,
                 "A list: one URL a line, # comments, indented out=NAME and checksum=; - is stdin")
      ->type_name("LIST");
  app.add_option("--mirror", o.mirrors, "A further place of the same file; may be repeated")
      ->type_name("URL")
      ->take_all()
      ->expected(1);
  app.add_option("--checksum", o.checksum, "What the file must be: sha-256=HEX")
      ->type_name("sha-256=HEX");
  app.add_flag("--overwrite", o.overwrite, "Replace an existing file, once the new one is whole");
  app.add_flag("--accept-unverified", o.accept_unverified,
               "Take a body whose end only the connection's end marks");
}

void add_network(CLI::App& app, get_options& o) {
  app.add_option("-x,--connections", o.connections,
                 "Connections for one file: 1 to 64, or auto: as many as help (default: auto)")
      ->type_name("N|auto");
  add_size(app, "-k,--min-split", o.min_split, "No piece smaller than this (default: 1M)");
  app.add_option("-j,--jobs", o.jobs, "Files at once (default: 4)")
      ->check(CLI::Range(1u, 64u))
      ->type_name("N");
  add_size(app, "--limit-rate", o.limit_rate, "Bytes per second for each file (default: no limit)");
  add_size(app, "--lowest-speed", o.lowest_speed,
           "Replace a connection slower than this over 10 s (default: never)");
  app.add_option("--retries", o.retries,
                 "Retries of a connection without any progress, 0 to 30 s apart (default: 10)")
      ->check(CLI::Range(0u, 1'000'000u))
      ->type_name("N");
  add_duration(app, "--max-wait", o.max_wait,
               "The longest Retry-After of a server that is honoured (default: 10m)");
  add_duration(app, "--connect-timeout", o.connect_timeout,
               "For making a connection (default: 15s)");
  add_duration(app, "--timeout", o.timeout, "For an answer, and between two bytes (default: 30s)");
  app.add_option("--max-restarts", o.max_restarts,
                 "How often a file that changed is begun anew (default: 3)")
      ->check(CLI::Range(0u, 1000u))
      ->type_name("N");
  app.add_option("-H,--header", o.headers,
                 "\"Name: value\", or @FILE with such lines: use that for secrets; may be repeated")
      ->type_name("HEADER")
      ->take_all()
      ->expected(1);
  app.add_option("-A,--user-agent", o.user_agent, "In place of tidewire/VERSION")
      ->type_name("TEXT");
  app.add_option("--proxy", o.proxy,
                 "Proxy URL, \"\" for none (default: http_proxy, https_proxy, no_proxy)")
      ->type_name("URL");
  app.add_option("--ca-file", o.ca_file, "Trust these certificates in place of the system's")
      ->type_name("FILE");
}

void add_output(CLI::App& app, get_options& o) {
  add_choice(app, "--progress", o.progress, {"auto", "bar", "json", "none"},
             "On stderr: a bar on a terminal, else a line each 5 s; or NDJSON");
  add_duration(app, "--progress-interval", o.progress_interval,
               "How often --progress json reports, 50ms at least (default: 500ms)");
  add_choice(app, "--durability", o.durability, {"power", "process"},
             "What partial files survive: a power cut, or only the end of the process");
  app.add_flag("-q,--quiet", o.quiet, "Print failures only");
  app.add_flag("-v,--verbose", o.verbose, "Tell of retries, redirects and restarts");
}

exit_code get(const get_options& options) {
  auto made = make_plan(options);
  if (made.plan) return run_get(*made.plan);
  write_stderr("tidewire get: " + made.fault + "\nTry `tidewire get --help`.\n");
  return exit_code::usage;
}

}  // namespace

void add_get(CLI::App& app, action& chosen) {
  auto options = std::make_shared<get_options>();
  auto* command = app.add_subcommand("get", purpose);
  add_targets(*command, *options);
  add_network(*command, *options);
  add_output(*command, *options);
  command->footer(std::string(examples) + exit_code_help());
  command->callback([options, &chosen] { chosen = [options] { return get(*options); }; });
}

}  // namespace tidewire::cli
