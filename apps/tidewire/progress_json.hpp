#pragma once

#include "exit_code.hpp"

#include <tidewire/transfer/download_progress.hpp>
#include <tidewire/transfer/downloader.hpp>

#include <cstddef>
#include <string>

namespace tidewire::cli {

// The lines of --progress json: one JSON object each, without a newline. docs/cli.md is the schema;
// members may be added, never removed or given another meaning. Texts are escaped like everything
// else that is printed, so that `jq -r` on a terminal is safe.
std::string progress_json(std::size_t file, const std::string& url,
                          const transfer::download_progress& progress);
std::string event_json(std::size_t file, const std::string& url,
                       const transfer::download_event& event);
std::string result_json(std::size_t file, const std::string& url, exit_code code,
                        const transfer::download_result& result, const std::string& message,
                        double seconds);

const char* event_name(transfer::download_event::kind_type kind);

}  // namespace tidewire::cli
