#pragma once

#include "chat_link.hpp"
#include "chat_side.hpp"
#include "log_reader.hpp"
#include "notification_side.hpp"
#include "refusal.hpp"
#include "timeline.hpp"

#include <tidewire/core/context.hpp>
#include <tidewire/file/filesystem.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tidewire::demo {

// Everybody who talks to the message hub: clients A and B, the page, and A's notifications, each
// behind a link of its own; and the reader of the log they are measured by. Used on the demo's
// thread.
class chat_room {
 public:
  // `disk` must outlive this; `folder` is where cursors are kept.
  chat_room(const context& ctx, file::filesystem& disk, const std::string& folder,
            std::uint16_t server_port);

  result<void> listen();
  asio::awaitable<void> run();  // until stop()
  asio::awaitable<void> stop();

  // Who may be asked by these names: "a", "b", and, for links, "page". Null for others.
  chat_side* side(std::string_view id);
  chat_link* link(std::string_view id);
  notification_side& notifications() { return *notifications_; }
  const chat_link& page_link() const { return page_; }

  // Every connection of every link is reset, without a word: the server was killed.
  void server_killed();

  void look(bool server_runs);
  std::int64_t now_ms() const { return time_.ms(); }
  boost::json::object links() const;
  boost::json::object state() const;

 private:
  std::uint16_t server_port_;
  context ctx_;
  stopwatch time_;
  chat_side a_, b_;
  chat_link page_;
  log_reader log_;
  state_bars server_;
  std::unique_ptr<notification_side> notifications_;  // once A's link is known
};

}  // namespace tidewire::demo
