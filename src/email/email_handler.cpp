#include "queue/task_rules.hpp"

#include <tidewire/core/clock.hpp>
#include <tidewire/core/error.hpp>
#include <tidewire/core/timeout.hpp>
#include <tidewire/email/email_handler.hpp>
#include <tidewire/http/digest.hpp>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <span>

namespace tidewire::email {
namespace {

using queue::outcome;

std::string in_words(const mail::send_result& r) {
  auto said = r.code != 0 ? std::to_string(r.code) + " " + r.text : r.text;
  return said + " (" + mail::to_string(r.at) + ")";
}

std::string result_json(const mail::send_result& r) {
  boost::json::object o;
  o["code"] = r.code;
  if (!r.enhanced.empty()) o["enhanced"] = r.enhanced;
  // Servers may say anything; JSON is UTF-8.
  std::string text;
  for (char c : r.text) text += (c & 0x80) != 0 ? '?' : c;
  o["text"] = text;
  o["message_id"] = r.message_id;
  return boost::json::serialize(o);
}

// The same for each attempt at a task, and another for another one.
std::string id_of(const queue::task_context& task) {
  http::sha256_hasher hasher;
  auto about = std::to_string(task.id()) + "\n" + task.name() + "\n" + task.payload();
  hasher.update(std::as_bytes(std::span(about)));
  return hasher.finish().hex().substr(0, 40);
}

class handler {
 public:
  handler(mail::client& client, queue::task_queue& tasks, email_policy policy)
      : client_(client), tasks_(tasks), policy_(std::move(policy)) {}

  asio::awaitable<outcome> run(queue::task_context task) {
    auto parsed = parse_payload(task.payload());
    if (!parsed.fault.empty()) co_return outcome::discard(parsed.fault);
    if (parsed.message.id.empty()) parsed.message.id = id_of(task);
    if (policy_.on_unknown == unknown_policy::park && task.fence() > 1) {
      auto asking = was_given_up(task.id());
      auto given_up = co_await std::move(asking);
      // A store that can't say is asked again later: nothing was sent.
      if (!given_up) co_return outcome::retry("the store does not say how the last attempt ended");
      if (*given_up)
        co_return outcome::unknown("the worker that had it may have sent it, and never said");
    }
    mail::send_result sent;
    auto sending = send(std::move(parsed), sent);
    auto ex = co_await asio::this_coro::executor;
    auto left = task.deadline() - clock(ex).now();
    auto limited = with_timeout(left - margin(left), std::move(sending));
    auto ec = co_await std::move(limited);
    bool unsendable = ec == condition::permanent;
    if (unsendable) co_return outcome::discard(sent.text);
    if (sent.text.empty() && ec) sent.text = ec.message();
    if (sent.outcome == mail::outcome::refused && policy_.on_refused) policy_.on_refused(sent);
    co_return settle(sent, task.is_last_attempt(), policy_);
  }

 private:
  // An attempt that the queue ends for us is counted as failed, even if the final dot was sent.
  static clock::duration margin(clock::duration left) {
    return std::min<clock::duration>(std::chrono::seconds(2), left / 4);
  }

  asio::awaitable<error_code> send(parsed_email what, mail::send_result& out) {
    error_code ec;
    auto token = asio::redirect_error(asio::use_awaitable, ec);
    auto op = client_.async_send(std::move(what.message), std::move(what.envelope), token);
    out = co_await std::move(op);
    co_return ec;
  }

  // Whether the lease of the attempt before this one ended without a word.
  asio::awaitable<std::optional<bool>> was_given_up(queue::task_id id) {
    using found = std::optional<queue::task_record>;
    std::function<result<found>(queue::task_store&, queue::queue_time)> look =
        [id](queue::task_store& store, queue::queue_time) { return store.find(id); };
    error_code ec;
    auto token = asio::redirect_error(asio::use_awaitable, ec);
    auto op = tasks_.async_call<found>(std::move(look), token);
    auto record = co_await std::move(op);
    std::optional<bool> out;
    if (!ec && record) out = record->error == queue::expired_text;
    co_return out;
  }

  mail::client& client_;
  queue::task_queue& tasks_;
  email_policy policy_;
};

}  // namespace

queue::outcome settle(const mail::send_result& r, bool last_attempt, const email_policy& policy) {
  switch (r.outcome) {
    case mail::outcome::accepted:
      return outcome::done(result_json(r));
    case mail::outcome::retry:
      return outcome::retry(in_words(r));
    case mail::outcome::discard:
      return outcome::discard(in_words(r));
    case mail::outcome::refused:
      return outcome::snooze(policy.refused_delay);
    case mail::outcome::unknown:
      break;
  }
  auto why = "it may have been sent: " + in_words(r);
  bool again = policy.on_unknown == unknown_policy::resend && !last_attempt;
  if (again) return outcome::retry(std::move(why));
  return outcome::unknown(std::move(why));
}

queue::task_handler make_email_handler(mail::client& client, queue::task_queue& tasks,
                                       email_policy policy) {
  auto shared = std::make_shared<handler>(client, tasks, std::move(policy));
  return queue::task_handler(
      [shared](queue::task_context task) { return shared->run(std::move(task)); });
}

}  // namespace tidewire::email
