#pragma once

#include <string>

namespace tidewire::queue {

// Names the run of the machine whose monotonic clock this is.
std::string boot_name();

}  // namespace tidewire::queue
