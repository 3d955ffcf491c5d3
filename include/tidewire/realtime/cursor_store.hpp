#pragma once

#include <tidewire/core/initiate.hpp>
#include <tidewire/core/types.hpp>
#include <tidewire/file/filesystem.hpp>
#include <tidewire/realtime/cursor.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace tidewire::realtime {

// By channel.
using cursor_map = std::map<std::string, cursor>;

// Where cursors outlive the process. What is stored may be older than what listeners have seen (see
// connection_options::store_interval): after a crash those messages come once more. Who needs each
// effect once stores the cursor together with the effect, and gives it as
// connection_options::cursors.
//
// Called on the connection's executor, one call at a time.
class cursor_store {
 public:
  virtual ~cursor_store() = default;

  // void(error_code, cursor_map): empty when nothing was stored yet.
  template <class Token = asio::use_awaitable_t<>>
  auto async_load(Token&& token = {}) {
    return initiate<void(error_code, cursor_map)>(
        [this](asio::any_completion_handler<void(error_code, cursor_map)> done) {
          load(std::move(done));
        },
        std::forward<Token>(token));
  }

  // void(error_code): on success they survive a power cut, as far as the store can.
  template <class Token = asio::use_awaitable_t<>>
  auto async_save(cursor_map cursors, Token&& token = {}) {
    return initiate<void(error_code)>(
        [this, all = std::make_unique<cursor_map>(std::move(cursors))](
            asio::any_completion_handler<void(error_code)> done) {
          save(std::move(*all), std::move(done));
        },
        std::forward<Token>(token));
  }

 protected:
  virtual void load(asio::any_completion_handler<void(error_code, cursor_map)> done) = 0;
  virtual void save(cursor_map cursors, asio::any_completion_handler<void(error_code)> done) = 0;
};

// Lives as long as the object: for several connections after each other, and for tests.
std::unique_ptr<cursor_store> make_memory_cursor_store(executor ex);

// A small JSON file (docs/formats/cursors.md), replaced atomically: the old one or the new one is
// there after any crash. A file that is not ours is errc::bad_answer and is never overwritten.
// `disk` must outlive the store.
std::unique_ptr<cursor_store> make_file_cursor_store(executor ex, file::filesystem& disk,
                                                     std::string path);

}  // namespace tidewire::realtime
