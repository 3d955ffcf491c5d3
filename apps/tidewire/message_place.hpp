#pragma once

#include "exit_code.hpp"

#include <tidewire/core/types.hpp>

#include <string>
#include <utility>

namespace CLI {
class App;
}
namespace tidewire::server {
struct backend_options;
}

namespace tidewire::cli {

// Where a backend keeps its messages: `--store`.
struct message_place {
  std::string postgres;  // an address, which may have a password: never shown
  std::string file;      // of SQLite; with neither it is in the data folder
};

// "sqlite:FILE", "postgres://…" or "postgresql://…". `fault` says what is wrong with it otherwise.
message_place parse_store(const std::string& text, std::string& fault);
// Whether the address has a password in it, which others can then see among the processes.
bool shows_password(const message_place& place);

void add_store(CLI::App& app, message_place& into);
void apply(const message_place& place, server::backend_options& options);

// For people: why the messages can't be opened, and what to do. `said` is the backend's fault().
std::pair<exit_code, std::string> explain_store(const message_place& place, const error_code& why,
                                                const std::string& said);

}  // namespace tidewire::cli
