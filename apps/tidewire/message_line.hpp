#pragma once

#include <tidewire/realtime/message.hpp>
#include <tidewire/realtime/receipt.hpp>

#include <cstddef>
#include <string>

namespace tidewire::cli {

// For people: a text payload is its text, another one its JSON, without what could harm a terminal;
// before it the channel, when there are several.
std::string message_line(const realtime::message& m, bool with_channel);
// For programs: one line of JSON. The payload is in it as it was published.
std::string message_json(const realtime::message& m);
std::string reset_json(const realtime::reset& r);

// "acked 58 c7:1", "rejected c7:2: too_large".
std::string receipt_line(const realtime::publish_receipt& r, std::size_t line);
std::string receipt_json(const realtime::publish_receipt& r, std::size_t line);

}  // namespace tidewire::cli
