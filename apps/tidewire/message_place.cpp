#include "message_place.hpp"

#include "escape.hpp"
#include "terminal.hpp"

#include <tidewire/server/backend.hpp>
#include <tidewire/store_postgres/error.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace tidewire::cli {
namespace {

constexpr std::string_view before_file = "sqlite:";

std::string advice(store_postgres::errc why) {
  using enum store_postgres::errc;
  switch (why) {
    case unreachable:
    case timed_out:
    case lost:
      return "is the server running, and the address right?";
    case refused:
      return "the password comes from the URL, PGPASSWORD or ~/.pgpass; the database must exist";
    case newer_schema:
      return "nothing was changed: run the tidewire that wrote it, or a later one";
    case bad_address:
      return "give --store postgres://USER@HOST:PORT/DATABASE";
    default:
      return "see the server's log";
  }
}

exit_code code_of(store_postgres::errc why) {
  using enum store_postgres::errc;
  if (why == bad_address) return exit_code::usage;
  if (why == refused) return exit_code::refused;
  if (why == unreachable || why == timed_out || why == lost) return exit_code::network_exhausted;
  return exit_code::disk;
}

}  // namespace

message_place parse_store(const std::string& text, std::string& fault) {
  message_place out;
  if (text.starts_with("postgres://") || text.starts_with("postgresql://"))
    out.postgres = text;
  else if (text.starts_with(before_file))
    out.file = text.substr(before_file.size());
  // The text itself is not repeated: it may have a password.
  if (out.postgres.empty() && out.file.empty())
    fault = "must be sqlite:FILE or postgres://USER@HOST:PORT/DATABASE";
  return out;
}

bool shows_password(const message_place& place) {
  auto begin = place.postgres.find("://");
  if (begin == place.postgres.npos) return false;
  auto authority = place.postgres.substr(begin + 3);
  authority.resize(std::min(authority.find('/'), authority.size()));
  auto at = authority.rfind('@');
  bool named = place.postgres.find("password=") != place.postgres.npos;
  return named || (at != authority.npos && authority.substr(0, at).find(':') != authority.npos);
}

void add_store(CLI::App& app, message_place& into) {
  auto take = [&into](const std::string& text) {
    std::string fault;
    into = parse_store(text, fault);
    if (!fault.empty()) throw CLI::ValidationError("--store", fault);
  };
  app.add_option_function<std::string>(
         "--store", take,
         "Where messages are kept: sqlite:FILE, of this process alone (default: messages.db in "
         "--data), or postgres://USER@HOST:PORT/DATABASE, which several may share")
      ->type_name("STORE");
}

void apply(const message_place& place, server::backend_options& options) {
  options.messages_file = place.file;
  if (place.postgres.empty()) return;
  options.messages_in = server::message_storage::postgres;
  options.postgres.address = place.postgres;
  if (shows_password(place))
    write_stderr(
        "tidewire serve: everybody on this machine can see the password in --store: leave it out, "
        "and put it into ~/.pgpass or PGPASSWORD\n");
}

std::pair<exit_code, std::string> explain_store(const message_place& place, const error_code& why,
                                                const std::string& said) {
  auto text = fmt::format("the messages can't be opened ({})", why.message());
  if (!said.empty()) text += ": " + escape_terminal(said);
  if (place.postgres.empty()) return {exit_code::disk, text};
  bool known = why.category() == store_postgres::category();
  auto what = known ? static_cast<store_postgres::errc>(why.value()) : store_postgres::errc::failed;
  return {code_of(what), text + "\n  " + advice(what)};
}

}  // namespace tidewire::cli
