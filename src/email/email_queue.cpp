#include <tidewire/core/json_text.hpp>
#include <tidewire/core/rng.hpp>
#include <tidewire/email/email_queue.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include <mutex>
#include <optional>
#include <utility>

namespace tidewire::email {
namespace {

std::string random_id(rng& random) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (int word = 0; word < 2; ++word) {
    auto bits = random();
    for (int i = 0; i < 16; ++i, bits >>= 4) out += digits[bits & 15];
  }
  return out;
}

std::string metadata_of(const mail::message& m) {
  std::string out = "{\"type\":\"email\",\"to\":";
  append_json_string(out, m.to.email);
  out += ",\"subject\":";
  append_json_string(out, m.subject);
  return out + "}";
}

std::string member(const std::string& metadata, std::string_view name) {
  auto o = json_object_view::parse(metadata);
  auto value = o ? o->find(name) : std::nullopt;
  return value ? json_string(*value).value_or("") : std::string();
}

queue::task_queue_options queue_options(const email_queue_options& o) {
  auto out = o.queue;
  out.max_concurrency = o.max_concurrency;
  out.max_attempts = o.max_attempts;
  out.retry_delay = o.retry_delay;
  out.timeout = o.timeout;
  return out;
}

}  // namespace

queue::new_task make_email_task(const mail::message& m, const email_queue_options& options,
                                const send_options& o) {
  queue::new_task out(task_kind, to_payload(m));
  out.name = mail::message_id(m.id, m.from.email);  // bounded, whatever the id is
  out.metadata = metadata_of(m);
  out.priority = o.priority;
  out.batch = o.batch;
  out.delay = o.delay;
  out.max_attempts = options.max_attempts;
  out.timeout = options.timeout;
  out.retry_delay = options.retry_delay;
  auto& per_domain = options.per_domain;
  if (per_domain.max_running == 0 && per_domain.max_starts == 0) return out;
  auto domain = mail::domain_of(m.to.email);
  if (domain.size() > 150) domain.resize(150);  // keys are bounded; such names are rare
  out.limit = queue::task_limit{"email:" + domain, per_domain.max_running, per_domain.max_starts,
                                per_domain.period};
  return out;
}

struct email_queue::impl {
  impl(const context& ctx, std::shared_ptr<queue::task_store> store, email_queue_options o)
      : options(std::move(o)),
        wall(ctx.exec),
        random(ctx.random.stream("email")),
        tasks(ctx, std::move(store), queue_options(options)) {}

  // The message with what it lacks, or what is wrong with it. Any thread.
  error_code complete(mail::message& m) {
    if (m.id.empty()) {
      std::lock_guard lock(random_mutex);
      m.id = random_id(random);
    }
    if (!m.date) m.date = wall.wall_now();
    return mail::check(m, options.limits).error;
  }

  void watch(mail::client& client) {
    auto policy = options.policy;
    policy.on_refused = [this, theirs = policy.on_refused](const mail::send_result& r) {
      if (theirs) theirs(r);
      events.held_up.emit({r});
    };
    auto& from = tasks.events();
    completed = *from.completed.connect([this](const queue::task_completed& e) {
      if (e.task.kind != task_kind) return;
      auto& about = e.task.metadata;
      events.sent.emit({e.task.id, member(about, "to"), member(about, "subject"), e.result});
    });
    exhausted = *from.exhausted.connect([this](const queue::task_exhausted& e) {
      if (e.task.kind != task_kind) return;
      auto& about = e.task.metadata;
      events.failed.emit(
          {e.task.id, member(about, "to"), member(about, "subject"), e.error, e.state});
    });
    processed = *from.processing_completed.connect(
        [this](const queue::processing_completed&) { events.processed.emit({}); });
    tasks.on(task_kind, make_email_handler(client, tasks, std::move(policy)));
  }

  email_queue_options options;
  clock wall;
  std::mutex random_mutex;
  rng random;
  email_events events;
  queue::task_queue tasks;
  signal<queue::task_completed>::connection completed;
  signal<queue::task_exhausted>::connection exhausted;
  signal<queue::processing_completed>::connection processed;
};

email_queue::email_queue(context ctx, std::shared_ptr<queue::task_store> store,
                         mail::client& client, email_queue_options options)
    : impl_(std::make_unique<impl>(ctx, std::move(store), std::move(options))) {
  impl_->watch(client);
}

email_queue::~email_queue() = default;

email_events& email_queue::events() {
  return impl_->events;
}

queue::task_queue& email_queue::tasks() {
  return impl_->tasks;
}

void email_queue::start_send(
    mail::message m, const send_options& o,
    asio::any_completion_handler<void(error_code, queue::task_handle)> done) {
  if (auto wrong = impl_->complete(m)) {
    auto strand = impl_->tasks.get_executor();
    asio::post(strand, [strand, done = std::move(done), wrong]() mutable {
      auto theirs = asio::get_associated_executor(done, strand);
      asio::dispatch(theirs, [done = std::move(done), wrong]() mutable {
        std::move(done)(wrong, queue::task_handle());
      });
    });
    return;
  }
  impl_->tasks.async_enqueue(make_email_task(m, impl_->options, o), std::move(done));
}

void email_queue::start_bulk(
    std::vector<mail::message> all, const send_options& o,
    asio::any_completion_handler<void(error_code, std::vector<queue::insert_outcome>)> done) {
  // Those that can't be sent keep their place in the answer.
  auto answer = std::make_shared<std::vector<queue::insert_outcome>>(all.size());
  std::vector<queue::new_task> good;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < all.size(); ++i) {
    (*answer)[i].error = impl_->complete(all[i]);
    if ((*answer)[i].error) continue;
    good.push_back(make_email_task(all[i], impl_->options, o));
    places.push_back(i);
  }
  auto ex = asio::get_associated_executor(done, impl_->tasks.get_executor());
  auto merge = [answer, places, done = std::move(done)](
                   error_code ec, std::vector<queue::insert_outcome> taken) mutable {
    for (std::size_t i = 0; i < taken.size() && i < places.size(); ++i)
      (*answer)[places[i]] = taken[i];
    std::move(done)(ec, std::move(*answer));
  };
  impl_->tasks.async_enqueue_all(std::move(good), asio::bind_executor(ex, std::move(merge)));
}

}  // namespace tidewire::email
