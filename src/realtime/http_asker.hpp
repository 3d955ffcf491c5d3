#pragma once

#include "realtime/classify_answer.hpp"

#include <tidewire/core/clock.hpp>
#include <tidewire/realtime/http_poll.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace tidewire::realtime {

// Makes the exchanges of one poll: the conditional GET, what follows a redirect, and what follows a
// new token. One poll at a time; lives on the client's executor.
class http_asker {
 public:
  http_asker(const context& ctx, http::client& client, http_poll poll);

  asio::awaitable<poll_answer<std::string>> ask(const poll_request& request);

 private:
  class body_reader;

  result<http::url> address(const poll_request& request) const;
  http::request request_for(const http::url& to, const http::url& origin,
                            const poll_request& request, const std::string& tag) const;
  asio::awaitable<error_code> authorize(const http::url& origin, bool refresh);
  poll_answer<std::string> read(body_reader& answer, error_code ec, std::string detail,
                                const std::string& validator) const;

  http::client& client_;
  authenticator* authorization_;
  http_poll_settings settings_;
  clock clock_;
  std::string token_;  // the value of Authorization that served last
  bool asked_for_token_ = false;
};

}  // namespace tidewire::realtime
