#pragma once

#include <tidewire/core/context.hpp>
#include <tidewire/core/initiate.hpp>
#include <tidewire/file/filesystem.hpp>
#include <tidewire/server/http_server.hpp>
#include <tidewire/server/message.hpp>
#include <tidewire/server/message_hub.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace tidewire::server {

// Where the messages of the hub are.
enum class message_storage {
  sqlite,    // a file of this backend's own
  postgres,  // a server that several backends may share: clients may move from one to another
  memory,    // gone with the backend
};

struct backend_options {
  std::string data_folder;   // what the backend keeps; must exist
  std::string files_folder;  // what /files serves; must exist
  http_server_options http;
  message_storage messages_in = message_storage::sqlite;
  std::string messages_file;        // of sqlite; empty: data_folder/messages.db
  postgres_store_options postgres;  // its `address` has to be given
  message_retention messages_keep;
  message_hub_options messages;  // its token is http.token
  // The text of /metrics in Prometheus' format; without it the route answers 404. Thread-safe.
  std::function<std::string()> render_metrics;
};

// Tidewire's backend as one object: routes, file service, message hub and HTTP edge. What `tidewire
// serve` and the demo embed. Thread-safe; `disk` must outlive it, and it must outlive async_run().
class backend {
 public:
  backend(context ctx, file::filesystem& disk, backend_options options);
  ~backend();

  // errc::invalid_argument when a folder isn't there; store_sqlite::errc or store_postgres::errc
  // when the messages can't be opened; otherwise as http_server::listen().
  result<void> listen();
  // After an error of the store: which file, and what SQLite, or the server, said.
  const std::string& fault() const;
  std::uint16_t port() const;

  // Answers requests without a socket: for the lab's network. Valid as long as the backend.
  handler get_handler();
  // For publishing from within the process. Null when its store could not be opened.
  message_hub* messages();

  // void(error_code): serves until stop(). Cancelling it stops without grace.
  template <class Token = asio::use_awaitable_t<>>
  auto async_run(Token&& token = {}) {
    return initiate<void(error_code)>(
        [this](asio::any_completion_handler<void(error_code)> done) { start(std::move(done)); },
        std::forward<Token>(token));
  }

  // As http_server::stop(). /readyz answers 503 from now on; clients of the hub are sent away, each
  // with a time of its own to come back.
  void stop(std::chrono::nanoseconds grace = std::chrono::seconds(5));

 private:
  void start(asio::any_completion_handler<void(error_code)> done);
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace tidewire::server
