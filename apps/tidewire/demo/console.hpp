#pragma once

#include "console_assets.hpp"

#include <tidewire/server/message.hpp>
#include <tidewire/server/router.hpp>

#include <span>
#include <string_view>

namespace tidewire::demo {

// Routes for the page and its files. `assets` must outlive the router's use.
void add_console(server::router& routes, std::span<const console_asset> assets);

// What every answer of the console's server says, whatever it is: nothing but our own scripts and
// styles runs, nobody may frame the page, types are as told. The page may connect to its own origin
// and to `also_to`, further ones with a space between.
void secure(server::response& answer, std::string_view also_to = {});

}  // namespace tidewire::demo
