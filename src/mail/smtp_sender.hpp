#pragma once

#include "mail/smtp_connection.hpp"
#include "mail/smtp_dialogue.hpp"
#include "mail/turnstile.hpp"

#include <tidewire/core/context.hpp>
#include <tidewire/core/stop_gate.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/mail/client.hpp>

#include <boost/asio/awaitable.hpp>

#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <utility>

namespace tidewire::mail {

// The work of the SMTP client: whose turn it is, which connection, and what a send ends with.
// Everything runs on the executor.
class smtp_sender : public std::enable_shared_from_this<smtp_sender> {
 public:
  smtp_sender(context ctx, smtp_options options, const smtp_endpoint& to);
  ~smtp_sender();

  const executor& get_executor() const { return ctx_.exec; }
  const std::shared_ptr<stop_gate>& gate() const { return gate_; }

  using sent = std::pair<error_code, send_result>;
  asio::awaitable<sent> send(message m, envelope e);
  void stop(asio::any_completion_handler<void()> done);
  void abandon();

 private:
  // One send under way.
  struct attempt {
    letter what;
    std::shared_ptr<smtp_connection> connection;
    std::optional<smtp_dialogue> dialogue;
    bool reused = false;
    std::optional<dialogue_end> end;  // once it has ended by itself
    smtp_reply reply;
    std::string text;
  };

  message_fault make_letter(const message& m, const envelope& e, letter& out) const;
  asio::awaitable<error_code> deliver(attempt& a);
  asio::awaitable<error_code> converse(attempt& a);
  void conclude(attempt& a, error_code ec, send_result& out) const;
  void report(const send_result& r) const;

  std::shared_ptr<smtp_connection> take_idle();
  void give_back(attempt& a);
  void expire_idle();

  context ctx_;
  std::shared_ptr<const smtp_options> options_;
  smtp_endpoint to_;
  std::shared_ptr<http::curl_loop> loop_;
  std::shared_ptr<stop_gate> gate_;
  turnstile turns_;
  std::list<std::weak_ptr<smtp_connection>> in_use_;
  struct idle_connection {
    std::shared_ptr<smtp_connection> connection;
    clock::time_point until;
  };
  std::deque<idle_connection> idle_;  // the newest last
  timer idle_timer_;
  bool idle_timer_runs_ = false, stopped_ = false;
};

}  // namespace tidewire::mail
