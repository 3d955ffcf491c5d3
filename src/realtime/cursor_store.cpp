#include "realtime/cursor_file.hpp"

#include <tidewire/file/blocking.hpp>
#include <tidewire/realtime/cursor_store.hpp>
#include <tidewire/realtime/error.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace tidewire::realtime {
namespace {

class memory_store final : public cursor_store {
 public:
  explicit memory_store(executor ex) : executor_(std::move(ex)) {}

 private:
  void load(asio::any_completion_handler<void(error_code, cursor_map)> done) override {
    asio::post(executor_, [done = std::move(done), all = cursors_, ex = executor_]() mutable {
      auto to = asio::get_associated_executor(done, ex);
      asio::dispatch(to, [done = std::move(done), all = std::move(all)]() mutable {
        std::move(done)(error_code(), std::move(all));
      });
    });
  }
  void save(cursor_map cursors, asio::any_completion_handler<void(error_code)> done) override {
    cursors_ = std::move(cursors);
    asio::post(executor_, [done = std::move(done), ex = executor_]() mutable {
      auto to = asio::get_associated_executor(done, ex);
      asio::dispatch(to, [done = std::move(done)]() mutable { std::move(done)(error_code()); });
    });
  }

  executor executor_;
  cursor_map cursors_;
};

class file_store final : public cursor_store {
 public:
  file_store(executor ex, file::filesystem& disk, std::string path)
      : executor_(std::move(ex)), disk_(disk), path_(std::move(path)) {}

 private:
  void load(asio::any_completion_handler<void(error_code, cursor_map)> done) override {
    auto to = asio::get_associated_executor(done, executor_);
    auto found = std::make_shared<cursor_map>();
    auto read = [this, found] {
      auto all = read_cursor_file(disk_, path_);
      if (!all) return all.error();
      *found = std::move(*all);
      return error_code();
    };
    file::async_blocking(
        disk_.blocking_executor(), read,
        asio::bind_executor(to, [found, done = std::move(done)](error_code ec) mutable {
          std::move(done)(ec, std::move(*found));
        }));
  }

  void save(cursor_map cursors, asio::any_completion_handler<void(error_code)> done) override {
    auto to = asio::get_associated_executor(done, executor_);
    auto write = [this, all = std::move(cursors)] {
      auto written = write_cursor_file(disk_, path_, all);
      return written ? error_code() : written.error();
    };
    file::async_blocking(disk_.blocking_executor(), write,
                         asio::bind_executor(to, std::move(done)));
  }

  executor executor_;
  file::filesystem& disk_;
  std::string path_;
};

}  // namespace

std::unique_ptr<cursor_store> make_memory_cursor_store(executor ex) {
  return std::make_unique<memory_store>(std::move(ex));
}

std::unique_ptr<cursor_store> make_file_cursor_store(executor ex, file::filesystem& disk,
                                                     std::string path) {
  return std::make_unique<file_store>(std::move(ex), disk, std::move(path));
}

}  // namespace tidewire::realtime
