#include "data_folder.hpp"

#include <boost/system/errc.hpp>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

namespace tidewire::demo {
namespace {

error_code of(const std::error_code& ec) {
  return {ec.value(), boost::system::system_category()};
}

result<std::string> make_temporary() {
  std::error_code ec;
  auto parent = std::filesystem::temp_directory_path(ec);
  if (ec) return of(ec);
  auto path = (parent / "tidewire-demo-XXXXXX").string();
  if (!::mkdtemp(path.data())) return error_code(errno, boost::system::system_category());
  return path;
}

}  // namespace

result<std::unique_ptr<data_folder>> data_folder::open(file::filesystem& disk, std::string given) {
  bool ours = given.empty();
  std::error_code ec;
  if (ours) {
    auto made = make_temporary();
    if (!made) return made.error();
    given = *made;
  } else {
    std::filesystem::create_directory(given, ec);
    if (ec) return of(ec);
  }
  std::unique_ptr<data_folder> out(new data_folder(std::move(given), ours));
  auto lock = disk.open(out->path_ + "/demo.lock", file::open_mode::create);
  if (!lock) return lock.error();
  auto locked = disk.try_lock(**lock);
  if (!locked) return locked.error();
  if (!*locked) return make_error_code(boost::system::errc::device_or_resource_busy);
  out->lock_ = std::move(*lock);
  for (const auto& folder : {out->files(), out->backend(), out->chat(), out->downloads()}) {
    std::filesystem::create_directory(folder, ec);
    if (ec) return of(ec);
  }
  return out;
}

data_folder::~data_folder() {
  std::error_code ignored;
  if (ours_) std::filesystem::remove_all(path_, ignored);
}

}  // namespace tidewire::demo
