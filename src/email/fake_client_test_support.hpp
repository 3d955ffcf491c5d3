#pragma once

#include <tidewire/core/initiate_on.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/mail/client.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace tidewire::email::testing {

// A mail server in virtual time: takes a while for each message, and then ends it as planned, or
// accepts it.
class fake_client final : public mail::client {
 public:
  explicit fake_client(executor ex) : executor_(std::move(ex)) {}

  executor get_executor() const override { return executor_; }

  struct plan {
    mail::outcome what = mail::outcome::accepted;
    bool arrives = true;  // also when the answer is lost
    unsigned code = 0;
  };
  std::deque<plan> plans;
  clock::duration takes = std::chrono::seconds(1);
  clock::duration dot_after = std::chrono::milliseconds(500);  // a cancel after it is unknown
  // What arrived, and what was asked for, by recipient and message.
  std::vector<mail::message> arrived;
  std::vector<clock::time_point> started;
  int running = 0, most = 0;

 protected:
  void start(mail::message m, mail::envelope,
             asio::any_completion_handler<void(error_code, mail::send_result)> done) override {
    auto body = [this, m = std::move(m)]() mutable { return send(std::move(m)); };
    initiate_on(executor_, std::move(done), std::move(body));
  }
  void stop(asio::any_completion_handler<void()> done) override { std::move(done)(); }

 private:
  asio::awaitable<std::pair<error_code, mail::send_result>> send(mail::message m) {
    std::pair<error_code, mail::send_result> out;
    auto& r = out.second;
    r.message_id = mail::message_id(m.id, m.from.email);
    started.push_back(clock(executor_).now());
    most = std::max(most, ++running);
    plan how;
    if (!plans.empty()) {
      how = plans.front();
      plans.pop_front();
    }
    r.at = mail::phase::rcpt;
    timer wait(executor_);
    error_code ec;
    auto token = asio::redirect_error(asio::use_awaitable, ec);
    wait.expires_after(dot_after);
    co_await wait.async_wait(token);
    if (!ec) {
      r.at = mail::phase::final_dot;
      if (how.arrives) arrived.push_back(m);
      wait.expires_after(takes - dot_after);
      co_await wait.async_wait(token);
    }
    --running;
    if (ec) {
      out.first = asio::error::operation_aborted;
      r.outcome = mail::classify_smtp({r.at, 0, false});
      r.text = "interrupted";
      co_return out;
    }
    r.outcome = how.what;
    r.code = how.code;
    r.text = "as planned";
    co_return out;
  }

  executor executor_;
};

}  // namespace tidewire::email::testing
