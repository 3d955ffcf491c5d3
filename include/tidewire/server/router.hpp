#pragma once

#include <tidewire/server/message.hpp>
#include <tidewire/server/websocket.hpp>

#include <string>
#include <vector>

namespace tidewire::server {

// Finds the handler of a request by method and path. Routes are added before the first request;
// then it is read only and thread-safe.
class router {
 public:
  // `pattern` is an exact path ("/healthz") or a prefix with a trailing "/*" ("/files/*"). A GET
  // route answers HEAD as well: the server leaves the body out.
  void add(std::string method, std::string pattern, handler h);

  // A WebSocket endpoint; patterns as above. `accept` sees only sound upgrade requests: others get
  // 400 or 426. A GET route of the same pattern answers what asks for no upgrade.
  void add_websocket(std::string pattern, websocket_handler accept);

  // The handler's answer; 404, or 405 with Allow, when there is none.
  asio::awaitable<response> route(request& req) const;

 private:
  struct entry {
    std::string method, pattern;
    handler call;
    bool websocket = false;
  };
  std::vector<entry> entries_;
};

}  // namespace tidewire::server
