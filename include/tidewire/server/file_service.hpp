#pragma once

#include <tidewire/core/clock.hpp>
#include <tidewire/file/filesystem.hpp>
#include <tidewire/server/router.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace tidewire::server {

struct file_service_options {
  // What is served; its symbolic links, subfolders and names with a leading dot are not.
  std::string folder;
  // Of one request; more are answered with the whole file.
  std::size_t max_ranges = 16;
  // Of one listing; "truncated" tells that there were more.
  std::size_t max_listed = 1000;
  // A file whose time lies closer to now than this may change again without a new time, since the
  // clock of the disk has a grain (some ms; 2 s on FAT). Until then it is served whole and without
  // validators: nobody can resume, or revalidate, what could not be told from its successor.
  std::chrono::nanoseconds settle = std::chrono::seconds(2);
  // Makes the boundary of multipart answers hard to foresee for who writes the files.
  std::uint64_t boundary_seed = 0;
};

// GET and HEAD /files/{name} (docs/wire): strong ETag, Last-Modified, Accept-Ranges, single and
// multiple ranges, If-Range, If-Match, If-None-Match, If-(Un)Modified-Since in RFC 9110's order,
// Repr-Digest once known, Content-Disposition: attachment, nosniff. GET /files lists the folder.
//
// The ETag is made of inode, size and modification time in ns. It is as strong as these are: who
// sets a file's time back after writing to it in place (`touch -d`) defeats it.
//
// A file that changes while it is sent ends the connection short of the announced length.
//
// Must outlive the router's use. Thread-safe. Borrows `disk`.
class file_service {
 public:
  file_service(file::filesystem& disk, file_service_options options);
  ~file_service();
  void add_routes(router& routes);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace tidewire::server
