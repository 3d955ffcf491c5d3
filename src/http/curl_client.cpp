#include "http/curl_exchange.hpp"
#include "http/curl_loop.hpp"

#include <tidewire/http/curl_client.hpp>

#include <boost/asio/post.hpp>

#include <utility>

namespace tidewire::http {
namespace {

class curl_client final : public client {
 public:
  curl_client(context ctx, curl_client_options options)
      : options_(std::make_shared<const curl_client_options>(std::move(options))),
        loop_(std::make_shared<curl_loop>(std::move(ctx), options_->max_connections,
                                          options_->max_connections_per_host)) {}
  ~curl_client() override { loop_->abandon(); }

  executor get_executor() const override { return loop_->get_executor(); }

  void stop(asio::any_completion_handler<void()> done) override { loop_->stop(std::move(done)); }

 protected:
  void start(request req, exchange_handler& handler,
             asio::any_completion_handler<void(error_code, exchange_summary)> done) override {
    auto exchange = std::make_shared<curl_exchange>(loop_, get_executor(), options_, std::move(req),
                                                    handler, std::move(done));
    exchange->connect_slot();
    // Posted, because a handler may start the next exchange from inside libcurl's callback.
    asio::post(get_executor(), [weak = std::weak_ptr(loop_), exchange] {
      if (auto loop = weak.lock()) loop->add(exchange);
    });
  }

 private:
  std::shared_ptr<const curl_client_options> options_;
  std::shared_ptr<curl_loop> loop_;
};

}  // namespace

std::unique_ptr<client> make_curl_client(context ctx, curl_client_options options) {
  return std::make_unique<curl_client>(std::move(ctx), std::move(options));
}

}  // namespace tidewire::http
