#pragma once

#include <tidewire/core/context.hpp>
#include <tidewire/core/signal.hpp>
#include <tidewire/email/email_handler.hpp>
#include <tidewire/mail/client.hpp>
#include <tidewire/queue/task_queue.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tidewire::email {

// So many starts in a period, and so many at once, of all messages to one domain and on all workers
// of the store: servers turn away those who come too fast. 0: no such limit.
struct domain_limit {
  std::uint32_t max_running = 2;
  std::uint32_t max_starts = 10;
  queue::milliseconds period = std::chrono::seconds(1);
};

struct email_queue_options {
  std::size_t max_concurrency = 2;  // give the client as many connections
  std::uint32_t max_attempts = 3;
  queue::milliseconds retry_delay = std::chrono::minutes(1);  // drawn below, doubled each time
  // Of one attempt. Shorter than the server's last answer takes makes outcomes unknown.
  queue::milliseconds timeout = std::chrono::minutes(11);
  domain_limit per_domain;
  email_policy policy;
  mail::message_limits limits;
  // Everything else of the queue. Concurrency, attempts, delays and time-outs above win.
  queue::task_queue_options queue;
};

struct send_options {
  queue::priority priority = queue::priority::medium;
  std::string batch;
  queue::milliseconds delay{0};
};

struct email_sent {
  queue::task_id id = 0;
  std::string to, subject;
  std::string result;  // JSON: code, enhanced, text, message_id
};
// The message is a dead letter now: attempts used up, refused for good, or parked as unknown.
struct email_failed {
  queue::task_id id = 0;
  std::string to, subject, error;
  queue::task_state state = queue::task_state::failed;
};
// The server does not serve us; the messages wait.
struct email_held_up {
  mail::send_result why;
};
struct all_processed {};

struct email_events {
  signal<email_sent> sent;
  signal<email_failed> failed;
  signal<email_held_up> held_up;
  signal<all_processed> processed;
};

// Messages that wait in a store, and are sent by two at a time, one task and one outcome for each
// recipient. What was accepted by async_send() survives what the store survives.
//
// Runs as its task_queue does: on a strand of the context's executor, calls from any thread. The
// client must run on the same context and outlive it. Destroy it when async_stop() has completed.
class email_queue {
 public:
  email_queue(context ctx, std::shared_ptr<queue::task_store> store, mail::client& client,
              email_queue_options options = {});
  ~email_queue();
  email_queue(const email_queue&) = delete;
  email_queue& operator=(const email_queue&) = delete;

  // void(error_code, queue::task_handle): the message is in the store. mail::errc when it can't be
  // sent (mail::check() says why); errc of queue. A message without an id gets a random one, one
  // without a date that of now. The id is the task's name: the same is taken once.
  template <class Token = asio::use_awaitable_t<>>
  auto async_send(mail::message m, send_options o = {}, Token&& token = {}) {
    return initiate<void(error_code, queue::task_handle)>(
        [this, m = std::make_unique<mail::message>(std::move(m)),
         o = std::make_unique<send_options>(std::move(o))](
            asio::any_completion_handler<void(error_code, queue::task_handle)> done) {
          start_send(std::move(*m), *o, std::move(done));
        },
        std::forward<Token>(token));
  }

  // void(error_code, vector<queue::insert_outcome>): many in one transaction, at low priority
  // unless `o` says otherwise; each has its own outcome.
  template <class Token = asio::use_awaitable_t<>>
  auto async_send_bulk(std::vector<mail::message> all, send_options o = bulk(),
                       Token&& token = {}) {
    return initiate<void(error_code, std::vector<queue::insert_outcome>)>(
        [this, all = std::make_shared<std::vector<mail::message>>(std::move(all)),
         o = std::make_unique<send_options>(std::move(o))](
            asio::any_completion_handler<void(error_code, std::vector<queue::insert_outcome>)>
                done) { start_bulk(std::move(*all), *o, std::move(done)); },
        std::forward<Token>(token));
  }
  static send_options bulk() { return {queue::priority::low, {}, queue::milliseconds(0)}; }

  // void(error_code): as task_queue::async_stop().
  template <class Token = asio::use_awaitable_t<>>
  auto async_stop(Token&& token = {}) {
    return tasks().async_stop(std::forward<Token>(token));
  }

  email_events& events();
  // Pause, resume, cancel, status, replay. Its handler of "email" is taken.
  queue::task_queue& tasks();

 private:
  void start_send(mail::message m, const send_options& o,
                  asio::any_completion_handler<void(error_code, queue::task_handle)> done);
  void start_bulk(
      std::vector<mail::message> all, const send_options& o,
      asio::any_completion_handler<void(error_code, std::vector<queue::insert_outcome>)> done);

  struct impl;
  std::unique_ptr<impl> impl_;
};

// The task of a message, for stores that somebody else works through (queue::enqueue_in, `tidewire
// queue work`). The message must have an id.
queue::new_task make_email_task(const mail::message& m, const email_queue_options& options,
                                const send_options& o = {});

}  // namespace tidewire::email
