#pragma once

#include "exit_code.hpp"

#include <CLI/App.hpp>

#include <functional>

namespace tidewire::cli {

// What the chosen command will do once the whole command line was understood.
using action = std::function<exit_code()>;

// Each adds its subcommand; when that is chosen, `chosen` is set.
void add_get(CLI::App& app, action& chosen);
void add_poll(CLI::App& app, action& chosen);
void add_transfers(CLI::App& app, action& chosen);
void add_watch(CLI::App& app, action& chosen);
void add_publish(CLI::App& app, action& chosen);
void add_queue(CLI::App& app, action& chosen);
void add_mail(CLI::App& app, action& chosen);
void add_mail_bulk(CLI::App& group, action& chosen);
void add_serve(CLI::App& app, action& chosen);
void add_proxy(CLI::App& app, action& chosen);
void add_demo(CLI::App& app, action& chosen);

// These two tell of all commands of `app`, which they keep a reference to.
void add_completion(CLI::App& app, action& chosen);
void add_man(CLI::App& app, action& chosen);

}  // namespace tidewire::cli
