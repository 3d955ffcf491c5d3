#pragma once

#include "transfer/download_connection.hpp"
#include "transfer/download_state.hpp"

#include <memory>
#include <vector>

namespace tidewire::transfer {

// What a person wants to know about a download now.
download_progress describe(download_state& state,
                           const std::vector<std::unique_ptr<download_connection>>& connections,
                           download_phase phase, double bytes_per_second);

}  // namespace tidewire::transfer
