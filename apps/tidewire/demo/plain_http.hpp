#pragma once

#include <tidewire/http/client.hpp>

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <string>
#include <utility>

namespace tidewire::demo {

struct http_reply {
  error_code error;  // then there is no whole answer
  unsigned status = 0;
  std::string body{};
};

// One exchange whose answer is a text of at most 8 MiB. `body` is sent when it isn't empty.
asio::awaitable<http_reply> ask(http::client& client, http::request request, std::string body = {});

// Passes everything on to another client and tells how each exchange ended: what a poller asked and
// was answered, seen from outside. Borrows `to`; must outlive its exchanges.
class observed_client final : public http::client {
 public:
  // The status, 0 when there was no whole answer.
  using listener = std::function<void(unsigned status)>;

  observed_client(http::client& to, listener ended) : client_(to), ended_(std::move(ended)) {}

  executor get_executor() const override { return client_.get_executor(); }
  void stop(asio::any_completion_handler<void()> done) override { client_.stop(std::move(done)); }

 protected:
  void start(http::request req, http::exchange_handler& handler,
             asio::any_completion_handler<void(error_code, http::exchange_summary)> done) override;

 private:
  http::client& client_;
  listener ended_;
};

}  // namespace tidewire::demo
