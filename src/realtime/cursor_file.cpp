#include "realtime/cursor_file.hpp"

#include <tidewire/realtime/error.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <span>

namespace tidewire::realtime {
namespace {

namespace json = boost::json;
constexpr std::string_view format = "tidewire-cursors";
constexpr std::int64_t version = 1;

std::string text_of(const json::object& from, std::string_view name) {
  auto* v = from.if_contains(name);
  return v && v->is_string() ? std::string(v->get_string()) : std::string();
}

// Nothing when it is missing, negative or no whole number.
std::optional<std::uint64_t> number_of(const json::object& from, std::string_view name) {
  auto* v = from.if_contains(name);
  if (!v) return std::nullopt;
  if (v->is_uint64()) return v->get_uint64();
  if (v->is_int64() && v->get_int64() >= 0) return static_cast<std::uint64_t>(v->get_int64());
  return std::nullopt;
}

}  // namespace

std::string encode_cursors(const cursor_map& all) {
  json::object channels;
  for (auto& [name, at] : all) {
    json::object c;
    if (!at.epoch.empty()) c["epoch"] = at.epoch;
    c["offset"] = at.offset;
    if (!at.id.empty()) c["id"] = at.id;
    channels[name] = std::move(c);
  }
  json::object root;
  root["format"] = format;
  root["version"] = version;
  root["channels"] = std::move(channels);
  return json::serialize(root) + "\n";
}

result<cursor_map> decode_cursors(std::string_view text) {
  error_code ec;
  auto value = json::parse(json::string_view(text.data(), text.size()), ec);
  auto* root = ec ? nullptr : value.if_object();
  if (!root || text_of(*root, "format") != format || number_of(*root, "version") != version)
    return make_error_code(errc::bad_answer);
  auto* channels = root->if_contains("channels");
  if (!channels || !channels->is_object()) return make_error_code(errc::bad_answer);
  cursor_map out;
  for (auto& [name, c] : channels->get_object()) {
    auto* o = c.if_object();
    auto offset = o ? number_of(*o, "offset") : std::nullopt;
    if (!offset) return make_error_code(errc::bad_answer);
    out[std::string(name)] = {text_of(*o, "epoch"), *offset, text_of(*o, "id")};
  }
  return out;
}

result<cursor_map> read_cursor_file(file::filesystem& disk, const std::string& path) {
  auto exists = disk.exists(path);
  if (!exists) return exists.error();
  if (!*exists) return cursor_map();
  auto handle = disk.open(path, file::open_mode::read);
  if (!handle) return handle.error();
  auto status = disk.stat(**handle);
  if (!status) return status.error();
  if (!status->regular || status->size > max_cursor_file_bytes)
    return make_error_code(errc::bad_answer);
  std::string text(status->size, '\0');
  auto got = (*handle)->read_at(0, std::as_writable_bytes(std::span(text)));
  if (!got) return got.error();
  text.resize(*got);
  return decode_cursors(text);
}

result<void> write_cursor_file(file::filesystem& disk, const std::string& path,
                               const cursor_map& all) {
  if (auto old = read_cursor_file(disk, path); !old) return old.error();
  auto next = path + ".new";
  auto text = encode_cursors(all);
  {
    auto handle = disk.open(next, file::open_mode::create);
    if (!handle) return handle.error();
    // What an earlier run left unfinished may be longer.
    if (auto r = (*handle)->truncate(0); !r) return r;
    if (auto r = (*handle)->write_at(0, std::as_bytes(std::span(text))); !r) return r;
    if (auto r = (*handle)->sync(); !r) return r;
  }
  if (auto r = disk.rename(next, path, true); !r) return r;
  return disk.sync_directory(file::directory_of(path));
}

}  // namespace tidewire::realtime
