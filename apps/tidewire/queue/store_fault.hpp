#pragma once

#include "exit_code.hpp"

#include <tidewire/core/types.hpp>

#include <string>

namespace tidewire::cli {

// What a store's error means to a script.
exit_code exit_code_of_store(const error_code& code);

// What people should do about it; a sentence.
std::string advice_for_store(const error_code& code);

}  // namespace tidewire::cli
