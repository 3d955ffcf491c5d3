#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/file/filesystem.hpp>
#include <tidewire/http/digest.hpp>

#include <string>

namespace tidewire::cli {

// SHA-256 of a file, read in pieces of 1 MiB. Blocks.
result<http::sha256_digest> digest_of_file(file::filesystem& disk, const std::string& path);

}  // namespace tidewire::cli
