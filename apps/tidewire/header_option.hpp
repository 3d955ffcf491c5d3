#pragma once

#include <tidewire/http/fields.hpp>

#include <string>

namespace tidewire::cli {

// Adds what --header gives: "Name: value", or "@FILE" with one such line each, so that a secret
// need not stand in the argument list, which every user of the machine can read. Returns what is
// wrong in words, or nothing. Never repeats a value: it may be the secret.
std::string add_headers(http::fields& headers, const std::string& option);

// One line; for the lines of a file and for the fuzzer.
std::string add_header_line(http::fields& headers, std::string_view line);

}  // namespace tidewire::cli
