#pragma once

#include <tidewire/server/message.hpp>

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

  // The handler's answer; 404, or 405 with Allow, when there is none.
  asio::awaitable<response> route(request& req) const;

 private:
  struct entry {
    std::string method, pattern;
    handler call;
  };
  std::vector<entry> entries_;
};

}  // namespace tidewire::server
