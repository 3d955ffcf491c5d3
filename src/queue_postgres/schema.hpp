#pragma once

#include <string>

namespace tidewire::queue_postgres {

// The channel of a schema's notifications.
std::string channel_of(const std::string& schema);

}  // namespace tidewire::queue_postgres
