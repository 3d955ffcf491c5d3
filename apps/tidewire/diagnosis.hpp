#pragma once

#include "exit_code.hpp"

#include <tidewire/core/types.hpp>
#include <tidewire/transfer/downloader.hpp>

#include <string>
#include <string_view>

namespace tidewire::cli {

// What a failed download needs to be explained.
struct failure {
  error_code code;
  transfer::download_result result;
  std::string source;  // URL, redacted
  std::string target;  // file or folder asked for; empty for standard output
  int signal = 0;      // SIGINT or SIGTERM that ended it, or 0
};

// A path for people: escaped, without a leading "./".
std::string shown_path(std::string_view path);

exit_code exit_code_of(const error_code& code, int signal);

// One paragraph for stderr: what happened, what is kept where, what to do next. Safe to print.
std::string explain(const failure& f);

}  // namespace tidewire::cli
