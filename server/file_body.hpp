#pragma once

#include <tidewire/file/filesystem.hpp>
#include <tidewire/server/message.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tidewire::server {

// A part of a body: text, then bytes of the file.
struct file_part {
  std::string text;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// Sends parts of one open file as one generation: after each read the file must still have the
// status that the response's head was made from, or the body ends with an error and the edge closes
// the connection short of its length. The handle alone would not do: it survives a replacing
// rename, but not somebody who writes into the file.
std::unique_ptr<response_body> file_body(file::filesystem& disk, std::shared_ptr<file::handle> file,
                                         const file::status& generation,
                                         std::vector<file_part> parts);

}  // namespace tidewire::server
