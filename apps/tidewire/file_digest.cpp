#include "file_digest.hpp"

#include <vector>

namespace tidewire::cli {

result<http::sha256_digest> digest_of_file(file::filesystem& disk, const std::string& path) {
  auto opened = disk.open(path, file::open_mode::read);
  if (!opened) return opened.error();
  http::sha256_hasher hasher;
  std::vector<std::byte> space(1024 * 1024);
  for (std::uint64_t at = 0;;) {
    auto got = (*opened)->read_at(at, space);
    if (!got) return got.error();
    if (*got == 0) return hasher.finish();
    hasher.update(std::span(space).first(*got));
    at += *got;
  }
}

}  // namespace tidewire::cli
