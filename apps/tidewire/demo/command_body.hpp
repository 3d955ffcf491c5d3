#pragma once

#include "refusal.hpp"

#include <tidewire/server/message.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

namespace tidewire::demo {

// A command's JSON document. No body stands for {}; 400 for what is no JSON object, 413 for more
// than the server takes.
asio::awaitable<outcome> read_command(server::request& req, boost::json::object& into);

// 204, or the refusal as a problem document.
server::response answer_of(const outcome& how);

}  // namespace tidewire::demo
