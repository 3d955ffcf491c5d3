#include "mail/smtp_sender.hpp"

#include <tidewire/core/initiate_on.hpp>
#include <tidewire/mail/error.hpp>
#include <tidewire/mail/smtp_client.hpp>

#include <boost/asio/post.hpp>

#include <utility>

namespace tidewire::mail {
namespace {

class smtp_client final : public client {
 public:
  smtp_client(context ctx, smtp_options options, const smtp_endpoint& to)
      : sender_(std::make_shared<smtp_sender>(std::move(ctx), std::move(options), to)) {}
  ~smtp_client() override { sender_->abandon(); }

  executor get_executor() const override { return sender_->get_executor(); }

 protected:
  void start(message m, envelope e,
             asio::any_completion_handler<void(error_code, send_result)> done) override {
    auto body = [sender = sender_, m = std::move(m), e = std::move(e)]() mutable {
      return sender->send(std::move(m), std::move(e));
    };
    initiate_on(sender_->get_executor(), std::move(done), std::move(body), sender_->gate());
  }

  void stop(asio::any_completion_handler<void()> done) override {
    asio::post(sender_->get_executor(), [sender = sender_, done = std::move(done)]() mutable {
      sender->stop(std::move(done));
    });
  }

 private:
  std::shared_ptr<smtp_sender> sender_;
};

}  // namespace

result<std::unique_ptr<client>> make_smtp_client(context ctx, smtp_options options,
                                                 std::string* why) {
  std::string fault;
  auto to = read_endpoint(options, fault);
  if (why) *why = fault;
  if (!to) return make_error_code(errc::invalid_server);
  return std::unique_ptr<client>(
      std::make_unique<smtp_client>(std::move(ctx), std::move(options), *to));
}

}  // namespace tidewire::mail
