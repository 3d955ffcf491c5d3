#include "offered_files.hpp"

#include "file_digest.hpp"

#include <tidewire/core/rng.hpp>
#include <tidewire/http/digest.hpp>

#include <boost/json/object.hpp>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <span>
#include <utility>

namespace tidewire::demo {
namespace {

constexpr std::uint64_t mib = 1024 * 1024;
constexpr std::uint64_t seed = 20'240'229;

bool is_there(file::filesystem& disk, const std::string& path, std::uint64_t size) {
  auto file = disk.open(path, file::open_mode::read);
  auto found = file ? (*file)->size() : file.error();
  return found && *found == size;
}

result<std::string> write_file(file::filesystem& disk, const std::string& path,
                               const offered_file& what) {
  auto file = disk.open(path, file::open_mode::create);
  if (!file) return file.error();
  if (auto emptied = (*file)->truncate(0); !emptied) return emptied.error();
  auto random = rng(seed).stream(what.name);
  http::sha256_hasher hasher;
  std::vector<std::uint64_t> words(mib / sizeof(std::uint64_t));
  for (std::uint64_t at = 0; at < what.bytes;) {
    for (auto& w : words) w = random();
    auto piece = std::as_bytes(std::span(words));
    piece = piece.first(std::min<std::uint64_t>(piece.size(), what.bytes - at));
    hasher.update(piece);
    if (auto written = (*file)->write_at(at, piece); !written) return written.error();
    at += piece.size();
  }
  return hasher.finish().hex();
}

// The server gives no validators to a file so new that it may change again unseen (file_service's
// `settle`). This one will not.
void make_old(const std::string& path) {
  std::error_code ignored;
  auto now = std::filesystem::last_write_time(path, ignored);
  std::filesystem::last_write_time(path, now - std::chrono::hours(1), ignored);
}

}  // namespace

std::vector<offered_file> files_to_offer() {
  return {
      {"tide-16.bin", 16 * mib, "two seconds on the link as it is at the start", {}},
      {"tide-64.bin", 64 * mib, "time enough to cut and to stall", {}},
      {"tide-256.bin", 256 * mib, "for many connections, and to be killed again and again", {}},
      {"<img src=x onerror=alert(1)>.bin", 4 * mib, "its name is markup, and must stay text", {}},
  };
}

result<void> make_files(file::filesystem& disk, const std::string& folder,
                        std::vector<offered_file>& files) {
  for (auto& f : files) {
    auto path = folder + "/" + f.name, making = folder + "/.making";
    if (is_there(disk, path, f.bytes)) {
      auto digest = cli::digest_of_file(disk, path);
      if (!digest) return digest.error();
      f.sha256 = digest->hex();
      continue;
    }
    auto written = write_file(disk, making, f);
    if (!written) return written.error();
    make_old(making);
    if (auto renamed = disk.rename(making, path, true); !renamed) return renamed.error();
    f.sha256 = *written;
  }
  return {};
}

std::uint64_t bytes_to_make(file::filesystem& disk, const std::string& folder,
                            const std::vector<offered_file>& files) {
  std::uint64_t sum = 0;
  for (const auto& f : files)
    if (!is_there(disk, folder + "/" + f.name, f.bytes)) sum += f.bytes;
  return sum;
}

boost::json::array describe(const std::vector<offered_file>& files) {
  boost::json::array out;
  for (const auto& f : files) {
    boost::json::object o;
    o["name"] = f.name;
    o["bytes"] = f.bytes;
    o["sha256"] = f.sha256;
    o["note"] = f.note;
    out.push_back(std::move(o));
  }
  return out;
}

std::string path_segment(std::string_view name) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view plain = "-._~";
  std::string out;
  for (char c : name) {
    bool keep = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                plain.find(c) != plain.npos;
    auto octet = static_cast<unsigned char>(c);
    if (keep)
      out += c;
    else
      out.append(1, '%').append(1, digits[octet >> 4]).append(1, digits[octet & 15]);
  }
  return out;
}

}  // namespace tidewire::demo
