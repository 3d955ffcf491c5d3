#include "mail/smtp_sender.hpp"

#include "http/curl_errors.hpp"
#include "http/curl_loop.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/timeout.hpp>
#include <tidewire/mail/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace tidewire::mail {
namespace {

// Gives the place back however the send ends, also when its coroutine is destroyed.
struct place {
  turnstile& turns;
  ~place() { turns.leave(); }
};

}  // namespace

smtp_sender::smtp_sender(context ctx, smtp_options options, const smtp_endpoint& to)
    : ctx_(std::move(ctx)),
      options_(std::make_shared<const smtp_options>(std::move(options))),
      to_(to),
      loop_(std::make_shared<http::curl_loop>(ctx_, options_->max_connections,
                                              options_->max_connections)),
      gate_(std::make_shared<stop_gate>(ctx_.exec)),
      turns_(ctx_.exec, options_->max_connections, options_->max_waiting),
      idle_timer_(ctx_.exec) {}

smtp_sender::~smtp_sender() {
  abandon();
}

void smtp_sender::abandon() {
  stopped_ = true;
  idle_timer_.cancel();
  idle_.clear();
  loop_->abandon();
}

void smtp_sender::stop(asio::any_completion_handler<void()> done) {
  if (!std::exchange(stopped_, true)) {
    turns_.close();
    idle_timer_.cancel();
    for (auto& i : std::exchange(idle_, {})) i.connection->quit();
    for (auto& weak : std::exchange(in_use_, {}))
      if (auto connection = weak.lock()) connection->close();
  }
  gate_->stop(std::move(done));
}

message_fault smtp_sender::make_letter(const message& m, const envelope& e, letter& out) const {
  out.sender = e.from.value_or(m.from.email);
  out.recipient = e.to.value_or(m.to.email);
  message_fault bad{make_error_code(errc::invalid_message), {}};
  if (!out.sender.empty()) bad.text = check_email(out.sender);
  if (bad.text.empty()) bad.text = check_email(out.recipient);
  if (!bad.text.empty()) {
    bad.text = "envelope: " + bad.text;
    return bad;
  }
  auto made = compose(m, clock(ctx_.exec).wall_now(), options_->limits);
  if (!made.fault) out.data = stuffed(made.text);
  return made.fault;
}

asio::awaitable<smtp_sender::sent> smtp_sender::send(message m, envelope e) {
  sent out;
  auto& [ec, result] = out;
  auto self = shared_from_this();
  if (stopped_) {
    ec = make_error_code(tidewire::errc::stopped);
    co_return out;
  }
  attempt a;
  if (auto fault = make_letter(m, e, a.what)) {
    result.outcome = outcome::discard;
    result.text = fault.text;
    ec = fault.error;
    co_return out;
  }
  result.message_id = message_id(m.id, m.from.email);
  ec = co_await turns_.enter();
  if (ec) {
    if (ec == asio::error::operation_aborted && stopped_)
      ec = make_error_code(tidewire::errc::stopped);
    co_return out;
  }
  place mine{turns_};
  auto delivery = deliver(a);
  auto limited = with_timeout(options_->send_timeout, std::move(delivery));
  ec = co_await std::move(limited);
  conclude(a, ec, result);
  give_back(a);
  report(result);
  // What the network or the server did is an outcome.
  if (a.end || ec == tidewire::errc::timed_out)
    ec = {};
  else if (stopped_)
    ec = make_error_code(tidewire::errc::stopped);
  co_return out;
}

asio::awaitable<error_code> smtp_sender::deliver(attempt& a) {
  a.connection = take_idle();
  if (a.connection) {
    in_use_.push_back(a.connection);
    a.reused = true;
    auto ec = co_await converse(a);
    if (ec) co_return ec;
    // The server may have given the idle connection up meanwhile; it has seen nothing of this
    // letter then.
    bool stale = a.end->at == phase::mail && (a.end->code == 0 || a.end->code == 421);
    if (!stale) co_return error_code();
    a.connection->close();
    a.end.reset();
    a.reused = false;
  }
  a.dialogue.reset();
  a.connection = std::make_shared<smtp_connection>(loop_, ctx_.exec, options_, to_);
  in_use_.push_back(a.connection);
  auto dialling = a.connection->dial();
  auto limited = with_timeout(options_->connect_timeout, std::move(dialling));
  auto ec = co_await std::move(limited);
  if (ec == condition::cancelled) co_return ec;
  if (ec) {
    auto& failure = a.connection->failure();
    a.end = failure.end;
    a.reply = failure.reply;
    a.text = ec == tidewire::errc::timed_out ? "no connection in time" : failure.text;
    co_return error_code();
  }
  co_return co_await converse(a);
}

asio::awaitable<error_code> smtp_sender::converse(attempt& a) {
  auto& c = *a.connection;
  a.dialogue.emplace(a.what, c.size_offered(), c.needs_reset);
  auto& d = *a.dialogue;
  while (!d.end()) {
    smtp_reply reply;
    auto ec = co_await c.write(d.output());
    if (!ec) {
      d.sent();
      ec = co_await c.read(reply);
    } else if (auto why = c.reply_at_hand()) {
      reply = std::move(*why);
      ec = {};
    }
    if (ec == condition::cancelled) co_return ec;
    if (ec) {
      a.text = ec.message();
      d.lost();
    } else {
      d.take(reply);
    }
  }
  a.end = d.end();
  a.reply = d.last_reply();
  co_return error_code();
}

// What is known when nothing more will happen.
void smtp_sender::conclude(attempt& a, error_code ec, send_result& out) const {
  dialogue_end end;
  if (a.end) {
    end = *a.end;
  } else {  // interrupted
    end.at = a.dialogue     ? a.dialogue->at()
             : a.connection ? a.connection->failure().end.at
                            : phase::none;
    a.text = ec == tidewire::errc::timed_out ? "the server did not answer in time"
                                             : "interrupted before the server answered";
  }
  out.outcome = classify_smtp(end);
  out.at = end.at;
  out.code = end.code;
  out.enhanced = a.reply.enhanced();
  out.text = end.code != 0 ? a.reply.text : a.text;
  out.reused_connection = a.reused;
}

void smtp_sender::report(const send_result& r) const {
  auto outcome = std::string("outcome=") + to_string(r.outcome);
  ctx_.metrics->count("tidewire_mail_sends_total", 1, outcome);
  if (r.outcome == outcome::accepted) return;
  auto code = std::to_string(r.code);
  ctx_.log->write(severity::info, "mail_not_accepted",
                  {{"outcome", to_string(r.outcome)},
                   {"phase", to_string(r.at)},
                   {"code", code},
                   {"message_id", r.message_id}});
}

// ---- connections that wait for the next letter

std::shared_ptr<smtp_connection> smtp_sender::take_idle() {
  while (!idle_.empty()) {
    auto out = std::move(idle_.back().connection);
    idle_.pop_back();
    if (out->quiet()) return out;
    out->close();
  }
  return nullptr;
}

void smtp_sender::give_back(attempt& a) {
  auto connection = std::exchange(a.connection, nullptr);
  in_use_.remove_if([&](auto& weak) {
    auto other = weak.lock();
    return !other || other == connection;
  });
  if (!connection || connection->closed()) return;
  bool usable = a.end && a.dialogue && a.end->code / 100 >= 2 && a.end->code != 421 && !stopped_ &&
                a.end->at != phase::body;
  if (!usable) return connection->close();
  connection->needs_reset = a.end->code / 100 != 2;
  if (++connection->letters >= options_->max_messages_per_connection) return connection->quit();
  auto until = clock(ctx_.exec).now() + options_->idle_timeout;
  idle_.push_back({std::move(connection), until});
  expire_idle();
}

void smtp_sender::expire_idle() {
  if (idle_timer_runs_) return;
  auto now = clock(ctx_.exec).now();
  while (!idle_.empty() && idle_.front().until <= now) {
    idle_.front().connection->quit();
    idle_.pop_front();
  }
  if (idle_.empty()) return;
  idle_timer_runs_ = true;
  idle_timer_.expires_at(idle_.front().until);
  idle_timer_.async_wait([weak = weak_from_this()](error_code ec) {
    auto self = weak.lock();
    if (!self) return;
    self->idle_timer_runs_ = false;
    if (!ec) self->expire_idle();
  });
}

}  // namespace tidewire::mail
