#pragma once

#include "chat_room.hpp"
#include "console_assets.hpp"
#include "data_folder.hpp"
#include "downloads.hpp"
#include "faulty_link.hpp"
#include "offered_files.hpp"
#include "origin_server.hpp"

#include <tidewire/core/context.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/server/event_stream.hpp>
#include <tidewire/server/http_server.hpp>
#include <tidewire/server/router.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tidewire::demo {

struct demo_options {
  std::string address = "127.0.0.1";  // loopback only
  std::uint16_t port = 8080;          // 0: any free one
  std::string version;
  std::span<const console_asset> page;  // lives as long as the demo; empty: without one
};

// Everything of `tidewire demo`: the server under test, the bad link in front of it, the client's
// downloads through that link, the chat's clients with links of their own, and the console's server
// with the page, the commands and the events that tell the page what is so. One thread.
class demo {
 public:
  // The folder has its files already. `disk` and `data` must outlive this.
  demo(context ctx, file::filesystem& disk, const data_folder& data,
       std::vector<offered_file> files, demo_options options);

  // Takes the ports. As http_server::listen().
  result<void> listen();
  std::uint16_t port() const { return console_.port(); }
  asio::awaitable<void> run();  // until stop(), and until all children have ended
  void stop();

 private:
  // What a command's body asks for, carried out at once.
  using order = std::function<outcome(const boost::json::object&)>;
  using command = asio::awaitable<server::response> (demo::*)(server::request&);

  void add_routes();
  void add_order(std::string path, order call);
  void add_command(std::string path, command call);
  asio::awaitable<server::response> answer(server::request& req);
  asio::awaitable<server::response> obey(server::request& req, order call);
  asio::awaitable<server::response> add_download(server::request& req);
  asio::awaitable<server::response> change_download(server::request& req);
  asio::awaitable<server::response> change_link(server::request& req);
  asio::awaitable<server::response> change_chat(server::request& req);
  asio::awaitable<server::response> notify(server::request& req);
  outcome restart_server(const boost::json::object& how, bool kill);
  asio::awaitable<void> tell();
  void publish();
  std::vector<std::string> page_origins() const;
  outcome source_of(const boost::json::object& order, download_source& out) const;

  context ctx_;
  demo_options options_;
  std::vector<offered_file> files_;
  file::filesystem& disk_;
  std::string chat_folder_;
  server::event_stream events_;
  origin_server origin_;
  std::unique_ptr<faulty_link> link_;  // once the server's port is known
  std::unique_ptr<chat_room> chat_;    // the same
  std::string page_connects_to_;       // origins, for the page's content security policy
  downloads downloads_;
  server::router routes_;
  server::http_server console_;
  timer tick_;
  bool stopping_ = false;
};

}  // namespace tidewire::demo
