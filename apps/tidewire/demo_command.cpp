#include "commands.hpp"
#include "demo/console_assets.hpp"
#include "demo/data_folder.hpp"
#include "demo/demo.hpp"
#include "demo/offered_files.hpp"
#include "escape.hpp"
#include "listen_address.hpp"
#include "logging.hpp"
#include "terminal.hpp"
#include "units.hpp"

#include <tidewire/core/context.hpp>
#include <tidewire/core/error.hpp>
#include <tidewire/file/filesystem.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <csignal>
#include <exception>
#include <memory>

namespace tidewire::cli {
namespace {

// Beside the offered files: for one large download and what belongs to it.
constexpr std::uint64_t room_for_downloads = 300ull * 1024 * 1024;

struct demo_settings {
  std::string listen = "127.0.0.1:8080", data;
  unsigned verbose = 0;
};

exit_code fail(exit_code code, const std::string& text) {
  write_stderr("tidewire demo: " + text + "\n");
  return code;
}

exit_code refuse_folder(const demo_settings& s, const error_code& ec) {
  auto shown = s.data.empty() ? std::string("the temporary directory") : escape_terminal(s.data);
  if (ec == boost::system::errc::device_or_resource_busy)
    return fail(exit_code::target_taken,
                fmt::format("{} is in use by another demo; give another --data DIR", shown));
  return fail(exit_code::disk, fmt::format("can't keep files in {}: {}; give a folder that can be "
                                           "written with --data DIR",
                                           shown, ec.message()));
}

exit_code refuse_address(const listen_address& where, const error_code& ec) {
  auto shown = escape_terminal(where.text());
  if (ec == make_error_code(tidewire::errc::invalid_argument))
    return fail(
        exit_code::usage,
        fmt::format("--listen: {} can be reached from other machines, or is no address; the "
                    "demo obeys whoever reaches it: give a loopback address like 127.0.0.1:0",
                    shown));
  return fail(exit_code::network_exhausted,
              fmt::format("can't listen on {}: {}; --listen 127.0.0.1:0 takes any free port", shown,
                          ec.message()));
}

// Runs the demo until a signal; the second one ends at once.
class demo_session {
 public:
  demo_session(const demo_settings& s, file::filesystem& disk, const demo::data_folder& data,
               std::vector<demo::offered_file> files, listen_address address)
      : address_(std::move(address)),
        logger_(make_logger("demo", s.verbose, s.verbose == 0)),
        log_(logger_),
        demo_(make_context(), disk, data, std::move(files), options_for(address_)),
        signals_(io_, SIGINT, SIGTERM) {}

  exit_code run() {
    if (auto listening = demo_.listen(); !listening)
      return refuse_address(address_, listening.error());
    address_.port = demo_.port();
    write_stdout("console on http://" + address_.text() + "\n");
    asio::co_spawn(io_, demo_.run(), [this](const std::exception_ptr& failure) {
      error_code ignored;
      signals_.cancel(ignored);
      if (failure) std::rethrow_exception(failure);
    });
    signals_.async_wait([this](error_code ec, int) {
      if (ec) return;
      error_code ignored;
      signals_.clear(ignored);  // the second signal has the system's default effect
      demo_.stop();
    });
    io_.run();
    return exit_code::ok;
  }

 private:
  static demo::demo_options options_for(const listen_address& where) {
    demo::demo_options o;
    o.address = where.host;
    o.port = where.port;
    o.version = TIDEWIRE_VERSION;
    o.page = demo::console_assets();
    return o;
  }
  context make_context() {
    context ctx(io_.get_executor(), rng::from_entropy());
    ctx.log = &log_;
    return ctx;
  }

  listen_address address_;
  std::shared_ptr<spdlog::logger> logger_;
  spdlog_sink log_;
  asio::io_context io_{1};
  demo::demo demo_;
  asio::signal_set signals_;
};

exit_code run_demo(const demo_settings& s) {
  // Who started us may ignore it; then no child could be waited for.
  std::signal(SIGCHLD, SIG_DFL);
  auto address = parse_listen_address(s.listen);
  if (!address)
    return fail(exit_code::usage, fmt::format("--listen: \"{}\" is not an address like "
                                              "127.0.0.1:8080 or [::1]:0",
                                              escape_terminal(s.listen)));
  if (address->host == "localhost") address->host = "127.0.0.1";
  auto disk = file::make_posix_filesystem();
  auto data = demo::data_folder::open(*disk, s.data);
  if (!data) return refuse_folder(s, data.error());
  auto files = demo::files_to_offer();
  auto needed = demo::bytes_to_make(*disk, (*data)->files(), files) + room_for_downloads;
  auto room = disk->free_space((*data)->path());
  if (!room) return refuse_folder(s, room.error());
  if (*room < needed)
    return fail(
        exit_code::disk,
        fmt::format("{} has {} left and the demo needs {}; give a folder on a larger disk "
                    "with --data DIR",
                    escape_terminal((*data)->path()), format_size(*room), format_size(needed)));
  if (auto made = demo::make_files(*disk, (*data)->files(), files); !made)
    return refuse_folder(s, made.error());
  return demo_session(s, *disk, **data, std::move(files), *address).run();
}

}  // namespace

void add_demo(CLI::App& app, action& chosen) {
  auto s = std::make_shared<demo_settings>();
  auto* command = app.add_subcommand(
      "demo", "See it work: a backend, bad links and clients, and a page that controls them.");
  command
      ->add_option("--listen", s->listen,
                   "Where the page is; port 0 is any free one (default: 127.0.0.1:8080)")
      ->type_name("HOST:PORT");
  command
      ->add_option("--data", s->data,
                   "Folder for the files, kept at the end (default: a temporary one)")
      ->type_name("DIR");
  command->add_flag("-v,--verbose", s->verbose, "Log on stderr");
  command->footer(
      "Prints its address on stdout once it listens. Cut the link, stall it, kill the client or\n"
      "restart the server in the page: the download goes on. SIGINT or SIGTERM ends everything\n"
      "with 0. It listens on loopback only.\n\n" +
      std::string(exit_code_help()));
  command->callback([s, &chosen] { chosen = [s] { return run_demo(*s); }; });
}

}  // namespace tidewire::cli
