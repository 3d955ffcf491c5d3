#include "digest_cache.hpp"
#include "file_body.hpp"
#include "file_headers.hpp"

#include <tidewire/core/rng.hpp>
#include <tidewire/http/date.hpp>
#include <tidewire/http/media_type.hpp>
#include <tidewire/server/file_service.hpp>

#include <boost/asio/this_coro.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::server {
namespace {

using wall_time = std::chrono::system_clock::time_point;

struct open_file {
  std::shared_ptr<file::handle> handle;
  file::status generation;
};

// A response to a HEAD request carries this in place of the file's bytes: their number, unread.
class announced_body final : public response_body {
 public:
  explicit announced_body(std::uint64_t size) : size_(size) {}
  std::optional<std::uint64_t> size() const override { return size_; }
  result<std::size_t> read(std::span<std::byte>) override { return 0; }

 private:
  std::uint64_t size_;
};

}  // namespace

struct file_service::impl {
  impl(file::filesystem& d, file_service_options o) : disk(d), options(std::move(o)), digests(d) {}

  std::string path_of(std::string_view name) const {
    return options.folder + "/" + std::string(name);
  }

  std::optional<open_file> open(std::string_view name) const;
  response get(const request& req, std::string_view name, wall_time now);
  response partial(const open_file& file, std::vector<byte_range> ranges, response base) const;
  response list(wall_time now) const;

  file::filesystem& disk;
  file_service_options options;
  digest_cache digests;
};

// Opens the file if it is a plain one in the folder itself. open() follows a symbolic link but
// names() does not: for a link it says that the name is not the file's.
std::optional<open_file> file_service::impl::open(std::string_view name) const {
  if (!is_servable_name(name)) return std::nullopt;
  auto path = path_of(name);
  // A replacing rename between the calls looks like a link for a moment.
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto handle = disk.open(path, file::open_mode::read);
    if (!handle) return std::nullopt;
    auto now = disk.stat(**handle);
    if (!now || !now->regular) return std::nullopt;
    auto named = disk.names(path, **handle);
    if (named && *named) return open_file{std::move(*handle), *now};
  }
  return std::nullopt;
}

response file_service::impl::get(const request& req, std::string_view name, wall_time now) {
  auto file = open(name);
  if (!file) return problem(404, "Not Found", "there is no such file");
  auto size = file->generation.size;
  auto known = validators_of(file->generation, now, options.settle);
  bool settled = known.tag.has_value();

  response out;
  auto& h = out.headers;
  if (known.tag) h.set("ETag", known.tag->text());
  if (known.modified) h.set("Last-Modified", http::format_date(*known.modified));
  h.set("Accept-Ranges", settled ? "bytes" : "none");
  h.set("X-Content-Type-Options", "nosniff");

  switch (evaluate_preconditions(req.method, req.headers, known)) {
    case precondition::failed:
      return problem(412, "Precondition Failed", "the file is not the one you named");
    case precondition::not_modified:
      out.status = 304;
      return out;
    case precondition::proceed:
      break;
  }
  h.set("Content-Type", std::string(http::media_type_of(name)));
  h.set("Content-Disposition", attachment(name));
  if (settled)
    if (auto digest = digests.find(file->handle, file->generation))
      h.set("Repr-Digest", digest->field_value());

  if (req.method == "HEAD") {  // Range is defined for GET alone (RFC 9110, 14.2)
    out.body = std::make_unique<announced_body>(size);
    return out;
  }
  if (settled && req.headers.count("Range") == 1 && range_applies(req.headers, known)) {
    auto selected = select_ranges(*req.headers.find("Range"), size, options.max_ranges);
    if (selected.what == range_selection::kind::unsatisfiable) {
      auto refusal =
          problem(416, "Range Not Satisfiable", "the file has " + std::to_string(size) + " bytes");
      refusal.headers.set("Content-Range", "bytes */" + std::to_string(size));
      refusal.headers.set("Accept-Ranges", "bytes");
      if (known.tag) refusal.headers.set("ETag", known.tag->text());
      return refusal;
    }
    if (selected.what == range_selection::kind::partial)
      return partial(*file, std::move(selected.ranges), std::move(out));
  }
  std::vector<file_part> whole(1);
  whole[0].size = size;
  out.body = file_body(disk, file->handle, file->generation, std::move(whole));
  return out;
}

response file_service::impl::partial(const open_file& file, std::vector<byte_range> ranges,
                                     response out) const {
  auto size = file.generation.size;
  out.status = 206;
  std::vector<file_part> parts;
  if (ranges.size() == 1) {
    out.headers.set("Content-Range", content_range_text(ranges[0], size));
    parts.push_back({"", ranges[0].first, ranges[0].size()});
  } else {
    rng random(options.boundary_seed ^ file.generation.inode ^
               static_cast<std::uint64_t>(file.generation.modified.time_since_epoch().count()));
    auto boundary = "tidewire-" + std::to_string(random()) + std::to_string(random());
    auto type = std::string(*out.headers.find("Content-Type"));
    for (const auto& r : ranges) {
      auto text = "\r\n--" + boundary + "\r\nContent-Type: " + type +
                  "\r\nContent-Range: " + content_range_text(r, size) + "\r\n\r\n";
      parts.push_back({std::move(text), r.first, r.size()});
    }
    parts.push_back({"\r\n--" + boundary + "--\r\n", 0, 0});
    out.headers.set("Content-Type", "multipart/byteranges; boundary=" + boundary);
  }
  out.body = file_body(disk, file.handle, file.generation, std::move(parts));
  return out;
}

response file_service::impl::list(wall_time now) const {
  auto names = disk.list(options.folder);
  if (!names) return problem(500, "Internal Server Error", "the folder can't be read");
  std::sort(names->begin(), names->end());
  boost::json::array files;
  bool truncated = false;
  for (const auto& name : *names) {
    auto file = open(name);
    if (!file) continue;
    if (files.size() == options.max_listed) {
      truncated = true;
      break;
    }
    boost::json::object entry;
    entry["name"] = name;
    entry["size"] = file->generation.size;
    auto known = validators_of(file->generation, now, options.settle);
    entry["etag"] = nullptr;
    if (known.tag) entry["etag"] = known.tag->text();
    files.push_back(std::move(entry));
  }
  boost::json::object document;
  document["files"] = std::move(files);
  document["truncated"] = truncated;
  response out;
  out.headers.set("Content-Type", "application/json");
  out.headers.set("Cache-Control", "no-store");
  out.headers.set("X-Content-Type-Options", "nosniff");
  out.body = text_body(boost::json::serialize(document));
  return out;
}

file_service::file_service(file::filesystem& disk, file_service_options options)
    : impl_(std::make_unique<impl>(disk, std::move(options))) {}

file_service::~file_service() = default;

void file_service::add_routes(router& routes) {
  auto* self = impl_.get();
  routes.add("GET", "/files", [self](request&) -> asio::awaitable<response> {
    clock time(co_await asio::this_coro::executor);
    co_return self->list(time.wall_now());
  });
  routes.add("GET", "/files/*", [self](request& req) -> asio::awaitable<response> {
    clock time(co_await asio::this_coro::executor);
    auto name = std::string_view(req.path).substr(std::string_view("/files/").size());
    co_return self->get(req, name, time.wall_now());
  });
}

}  // namespace tidewire::server
