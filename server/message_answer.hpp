#pragma once

#include "message_text.hpp"

#include <tidewire/core/clock.hpp>
#include <tidewire/server/message.hpp>

#include <cstdint>
#include <string>

namespace tidewire::server {

// The answers of the routes for messages.
response json_answer(std::string text);
response bad_request(std::string detail);
// Every answer that names a state has it as its tag: a poll that brings nothing new is a 304.
response tagged(const request& req, const std::string& epoch, std::uint64_t next, std::string text);
// 410: the cursor is of no use. `oldest` is the first message that comes when the client goes on.
response lost(const log_state& log, const lost_cursor& where);
response retry_later(unsigned status, std::string title, std::string detail, clock::duration after);

}  // namespace tidewire::server
