#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/file/filesystem.hpp>

#include <memory>
#include <string>

namespace tidewire::demo {

// Where the demo keeps its files: a folder that was given stays, one of our own goes at the end.
// One demo at a time: the folder is locked.
class data_folder {
 public:
  // Empty: a new folder in the temporary directory. A given one is made if its parent is there.
  // errc::device_or_resource_busy when another demo uses it; otherwise errors of the system.
  static result<std::unique_ptr<data_folder>> open(file::filesystem& disk, std::string given);
  ~data_folder();
  data_folder(const data_folder&) = delete;
  data_folder& operator=(const data_folder&) = delete;

  const std::string& path() const { return path_; }
  std::string files() const { return path_ + "/files"; }          // what the server offers
  std::string backend() const { return path_ + "/backend"; }      // what it keeps
  std::string chat() const { return path_ + "/chat"; }            // cursors of its clients
  std::string downloads() const { return path_ + "/downloads"; }  // what the client gets

 private:
  data_folder(std::string path, bool ours) : path_(std::move(path)), ours_(ours) {}

  std::string path_;
  bool ours_;
  std::unique_ptr<file::handle> lock_;
};

}  // namespace tidewire::demo
