#pragma once

#include "download_record.hpp"
#include "refusal.hpp"

#include <tidewire/core/clock.hpp>
#include <tidewire/core/context.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/file/filesystem.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

namespace tidewire::demo {

// What one download is to fetch.
struct download_source {
  std::string url;
  std::string name;         // of the file, a single path component
  std::string sha256;       // in hex; empty: unknown
  std::string connections;  // "auto" or a number
  bool local = false;       // on this machine: no proxy of the environment in between
};

// The downloads of the native client, newest first. Each run is a process of its own (`tidewire get
// … --progress json`), so that killing it is a real SIGKILL. Used on the demo's thread.
class downloads {
 public:
  static constexpr std::size_t max_downloads = 8;

  // Each gets a folder of its own below `folder`, which must exist. `disk` must outlive this.
  downloads(context ctx, file::filesystem& disk, std::string folder);
  ~downloads();

  // The id of the new download; 409 when there are max_downloads already.
  outcome add(download_source source, std::string& id);
  outcome pause(std::string_view id);
  outcome kill(std::string_view id);
  asio::awaitable<outcome> resume(std::string id);
  // Ends it, and deletes what it left.
  outcome remove(std::string_view id);

  boost::json::array state() const;

  // Ends all processes: asks them first, kills those that take too long. No commands after this.
  asio::awaitable<void> stop();

 private:
  struct entry;
  std::shared_ptr<entry> find(std::string_view id) const;
  void begin(const std::shared_ptr<entry>& e);
  asio::awaitable<void> run(std::shared_ptr<entry> e);
  asio::awaitable<void> follow(std::shared_ptr<entry> e, child_process& child);
  asio::awaitable<void> look_at_disk(std::shared_ptr<entry> e);
  void forget(const std::shared_ptr<entry>& e);
  std::string folder_of(const entry& e) const;
  std::vector<std::string> command_of(const entry& e) const;
  std::chrono::milliseconds age_of(const entry& e) const;

  context ctx_;
  clock clock_;
  file::filesystem& disk_;
  std::string folder_;
  std::deque<std::shared_ptr<entry>> entries_;
  timer changed_;  // a run ended
  std::size_t running_ = 0;
  unsigned next_id_ = 1;
  bool stopping_ = false;
};

}  // namespace tidewire::demo
