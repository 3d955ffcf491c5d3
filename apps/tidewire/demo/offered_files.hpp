#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/file/filesystem.hpp>

#include <boost/json/array.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidewire::demo {

// A file that the server under test offers.
struct offered_file {
  std::string name;
  std::uint64_t bytes = 0;
  std::string note;    // for people
  std::string sha256;  // in hex, once it was made or found
};

// What there is to download, before it is made. One name is markup: whoever shows it must show
// text.
std::vector<offered_file> files_to_offer();

// Makes those that are missing, of pseudo-random bytes that depend on the name alone; finds the
// digest of each. Blocks for about a second. A file of another size is made anew.
result<void> make_files(file::filesystem& disk, const std::string& folder,
                        std::vector<offered_file>& files);

// What make_files() would write.
std::uint64_t bytes_to_make(file::filesystem& disk, const std::string& folder,
                            const std::vector<offered_file>& files);

boost::json::array describe(const std::vector<offered_file>& files);

// Encoded as one segment of a URL's path (RFC 3986).
std::string path_segment(std::string_view name);

}  // namespace tidewire::demo
