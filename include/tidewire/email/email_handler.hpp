#pragma once

#include <tidewire/email/email_payload.hpp>
#include <tidewire/mail/send_result.hpp>
#include <tidewire/queue/outcome.hpp>
#include <tidewire/queue/task_handler.hpp>
#include <tidewire/queue/task_queue.hpp>

#include <functional>
#include <string>

namespace tidewire::email {

// What becomes of a message when nobody knows whether the server took it.
enum class unknown_policy {
  resend,  // again, with the same Message-ID: a copy may arrive, none is missing
  park,    // a dead letter for somebody to look at: no copy, one may be missing
};

struct email_policy {
  unknown_policy on_unknown = unknown_policy::resend;
  // When the server refuses to serve us at all (mail::outcome::refused), the message waits so long
  // without using an attempt up.
  queue::milliseconds refused_delay = std::chrono::minutes(5);
  // Told of that, on the queue's strand: somebody has to mend the settings.
  std::function<void(const mail::send_result&)> on_refused;
};

// What an attempt that ended so means for its task. Pure. The last attempt at an unknown outcome
// parks it, whatever the policy.
queue::outcome settle(const mail::send_result& r, bool last_attempt, const email_policy& policy);

// The handler of tasks of kind "email": sends the payload through `client`, and ends before the
// task's time is over, so that it is the handler who knows how far the message came. With
// unknown_policy::park it asks `tasks` how an earlier attempt ended: one whose worker died may have
// sent the message.
//
// Both must outlive the handler. A payload without an id gets one made of its text and the task.
queue::task_handler make_email_handler(mail::client& client, queue::task_queue& tasks,
                                       email_policy policy = {});

}  // namespace tidewire::email
