#include "queue/queue_core.hpp"

#include <tidewire/core/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

// What people ask a queue for.
namespace tidewire::queue {
namespace {

constexpr std::size_t most_looked_for = 1000;  // tasks whose results are asked for at once

error_code error_of(task_state state) {
  switch (state) {
    case task_state::done:
      return {};
    case task_state::failed:
      return errc::failed;
    case task_state::discarded:
      return errc::discarded;
    case task_state::cancelled:
      return errc::cancelled;
    default:
      return errc::unknown_outcome;
  }
}

}  // namespace

// Waits for the value; cancelling the caller ends the wait.
template <class T>
asio::awaitable<result<T>> queue_core::await(waiter_ptr<T> w) {
  auto state = co_await asio::this_coro::cancellation_state;
  while (!w->value) {
    if (abandoned_) co_return make_error_code(tidewire::errc::stopped);
    if (state.cancelled() != asio::cancellation_type::none)
      co_return make_error_code(asio::error::operation_aborted);
    auto token = asio::as_tuple(asio::use_awaitable);
    w->wake.expires_at(clock::time_point::max());
    auto [ignored] = co_await w->wake.async_wait(token);
    (void)ignored;
  }
  co_return std::move(*w->value);
}

template <class T>
asio::awaitable<result<T>> queue_core::ask_store(
    std::function<result<T>(task_store&, queue_time)> c) {
  auto w = std::make_shared<waiter<T>>(strand);
  // The guard keeps the program running while only the store has something to do.
  auto guard = std::make_shared<asio::executor_work_guard<executor>>(strand);
  desk->ask([w, guard, c = std::move(c)](task_store& s, queue_time now) {
    auto value = std::make_shared<result<T>>(c(s, now));
    asio::post(guard->get_executor(), [w, guard, value] {
      w->value.emplace(std::move(*value));
      w->wake.cancel();
    });
  });
  auto waiting = await<T>(w);
  co_return co_await std::move(waiting);
}

result<task_handle> queue_core::add(task_handler function, new_task task) {
  auto traits = store->traits();
  if (!traits.in_process || traits.blocking) return make_error_code(errc::in_process_only);
  task.kind.clear();
  task.function = std::make_shared<const task_handler>(std::move(function));
  fill(task);
  auto at = desk->now();
  if (!at) return at.error();
  std::vector<task_info> info;
  if (events->added.size() > 0)
    info.push_back({0, "", task.name, task.metadata, task.priority, 0, *task.max_attempts});
  store_work work;
  work.inserts.push_back(std::move(task));
  auto answer = store->apply(std::move(work), *at);
  if (!answer) return answer.error();
  auto& out = answer->inserts.front();
  if (out.error) return out.error;
  if (!info.empty()) {
    asio::dispatch(strand, [weak = weak_from_this(), info = std::move(info), out]() mutable {
      if (auto self = weak.lock()) self->tell_added(info, {out});
    });
  }
  return task_handle(weak_from_this(), out.id, out.duplicate);
}

bool queue_core::knows(const new_task& task) const {
  std::lock_guard lock(mutex_);
  return task.kind.empty() || handlers_.contains(task.kind);
}

asio::awaitable<result<std::vector<insert_outcome>>> queue_core::enqueue(
    std::vector<new_task> tasks) {
  if (stopping_) co_return make_error_code(tidewire::errc::stopped);
  if (options.known_kinds_only) {
    for (auto& t : tasks)
      if (!knows(t)) co_return make_error_code(errc::unknown_kind);
  }
  using outcomes_type = std::vector<insert_outcome>;
  auto w = std::make_shared<waiter<outcomes_type>>(strand);
  auto guard = std::make_shared<asio::executor_work_guard<executor>>(strand);
  std::vector<task_info> infos;
  for (auto& t : tasks) {
    fill(t);
    if (events->added.size() == 0) continue;
    infos.push_back({0, t.kind, t.name, t.metadata, t.priority, 0, *t.max_attempts});
  }
  // Dispatched, so that it is told before anything that the same round's report brings.
  store_desk::inserted done = [w, guard, weak = weak_from_this(), infos = std::move(infos)](
                                  error_code ec, std::vector<insert_outcome> all) mutable {
    asio::dispatch(guard->get_executor(),
                   [w, guard, weak, ec, infos = std::move(infos), all = std::move(all)]() mutable {
                     if (auto self = weak.lock(); self && !ec) self->tell_added(infos, all);
                     if (ec)
                       w->value.emplace(ec);
                     else
                       w->value.emplace(std::move(all));
                     w->wake.cancel();
                   });
  };
  if (!desk->insert(std::move(tasks), std::move(done)))
    co_return make_error_code(tidewire::errc::limit_exceeded);
  auto waiting = await<outcomes_type>(w);
  auto outcomes = co_await std::move(waiting);
  if (!outcomes) co_return outcomes.error();
  wake();
  co_return outcomes;
}

void queue_core::tell_added(std::vector<task_info>& infos, const std::vector<insert_outcome>& all) {
  for (std::size_t i = 0; i < infos.size(); ++i) {
    if (all[i].error || all[i].duplicate) continue;
    infos[i].id = all[i].id;
    task_added event{std::move(infos[i])};
    events->added.emit(event);
  }
}

asio::awaitable<result<task_handle>> queue_core::enqueue_one(new_task task) {
  std::vector<new_task> one;
  one.push_back(std::move(task));
  auto enqueuing = enqueue(std::move(one));
  auto all = co_await std::move(enqueuing);
  if (!all) co_return all.error();
  auto& out = all->front();
  if (out.error) co_return out.error;
  co_return task_handle(weak_from_this(), out.id, out.duplicate);
}

asio::awaitable<std::pair<error_code, task_result>> queue_core::wait(task_id id) {
  task_result out;
  out.id = id;
  auto w = std::make_shared<waiter<std::optional<task_result>>>(strand);
  auto guard = asio::executor_work_guard<executor>(strand);
  waiting_[id].push_back(w);
  look_for_results();
  auto waiting = await<std::optional<task_result>>(w);
  auto got = co_await std::move(waiting);
  if (auto it = waiting_.find(id); it != waiting_.end()) {
    std::erase(it->second, w);
    if (it->second.empty()) waiting_.erase(it);
  }
  error_code ec;
  if (!got) {
    ec = got.error();
  } else if (!*got) {
    ec = errc::not_found;
  } else {
    out = std::move(**got);
    ec = error_of(out.state);
  }
  std::pair<error_code, task_result> answer(ec, std::move(out));
  co_return answer;
}

void queue_core::answer_waiters(task_id id, task_state state, const outcome* how) {
  auto it = waiting_.find(id);
  if (it == waiting_.end()) return;
  for (auto& w : it->second) {
    if (w->value) continue;
    task_result r;
    r.id = id;
    r.state = state;
    if (how && state == task_state::done) r.result = how->text();
    if (how && state != task_state::done) r.error = how->text();
    w->value.emplace(std::optional<task_result>(std::move(r)));
    w->wake.cancel();
  }
}

// Results of tasks that may have ended elsewhere.
void queue_core::look_for_results() {
  if (waiting_.empty()) return;
  if (std::exchange(looking_, true)) {
    look_again_ = true;  // who came meanwhile is not among those that are looked for
    return;
  }
  std::vector<task_id> ids;
  for (auto& [id, all] : waiting_)
    if (ids.size() < most_looked_for) ids.push_back(id);
  using found_tasks = std::vector<std::pair<task_id, std::optional<task_record>>>;
  desk->ask([weak = weak_from_this(), ex = strand, ids](task_store& s, queue_time) {
    auto found = std::make_shared<found_tasks>();
    for (auto id : ids)
      if (auto record = s.find(id)) found->emplace_back(id, std::move(*record));
    asio::post(ex, [weak, found] {
      auto self = weak.lock();
      if (!self) return;
      self->looking_ = false;
      for (auto& [id, record] : *found) self->found_result(id, record);
      if (std::exchange(self->look_again_, false))
        self->look_for_results();
      else
        self->arm_look();
    });
  });
}

void queue_core::found_result(task_id id, const std::optional<task_record>& record) {
  auto it = waiting_.find(id);
  if (it == waiting_.end() || (record && !is_final(record->state))) return;
  for (auto& w : it->second) {
    if (w->value) continue;
    std::optional<task_result> r;  // nothing: no such task
    if (record) r = task_result{id, record->state, record->result, record->error};
    w->value.emplace(std::move(r));
    w->wake.cancel();
  }
}

// What ends here is told at once; what ends elsewhere must be looked for.
void queue_core::arm_look() {
  if (waiting_.empty() || abandoned_ || std::exchange(look_armed_, true)) return;
  look_timer_.expires_after(options.poll_interval);
  look_timer_.async_wait([weak = weak_from_this()](error_code ec) {
    auto self = weak.lock();
    if (!self) return;
    self->look_armed_ = false;
    if (!ec && !self->abandoned_) self->look_for_results();
  });
}

asio::awaitable<result<cancel_answer>> queue_core::cancel(task_id id) {
  std::function<result<cancel_answer>(task_store&, queue_time)> c =
      [id](task_store& s, queue_time now) { return s.cancel(id, now); };
  auto asking = ask_store<cancel_answer>(std::move(c));
  auto out = co_await std::move(asking);
  if (!out) co_return out.error();
  if (*out == cancel_answer::cancelled) {
    events->cancelled.emit({id, false});
    answer_waiters(id, task_state::cancelled, nullptr);
    wake();
  } else if (*out == cancel_answer::requested) {
    events->cancelled.emit({id, true});
    if (auto a = find_active(id)) tell_to_end(a, detail::ending::cancelled);
    auto it =
        std::find_if(claimed_.begin(), claimed_.end(), [id](auto& a) { return a->task.id == id; });
    if (it != claimed_.end()) {
      auto a = std::move(*it);
      claimed_.erase(it);
      settle(a, outcome::cancelled());
    }
  }
  co_return out;
}

asio::awaitable<error_code> queue_core::pause(bool yes) {
  // Here at once, so that nothing starts while the store is told.
  if (yes) heed_pause(true);
  std::function<result<void>(task_store&, queue_time)> c = [yes](task_store& s, queue_time) {
    return s.set_paused(yes);
  };
  auto asking = ask_store<void>(std::move(c));
  ++changing_pause_;
  auto told = co_await std::move(asking);
  --changing_pause_;
  auto ec = told ? error_code() : told.error();
  if (!ec) heed_pause(yes);
  co_return ec;
}

asio::awaitable<result<queue_status>> queue_core::status() {
  std::function<result<queue_stats>(task_store&, queue_time)> c =
      [](task_store& s, queue_time now) { return s.stats({}, now); };
  auto asking = ask_store<queue_stats>(std::move(c));
  auto got = co_await std::move(asking);
  if (!got) co_return got.error();
  queue_status out;
  out.store = *got;
  out.active = active_.size();
  out.processing = processing_;
  out.paused = out.store.paused;
  co_return out;
}

asio::awaitable<error_code> queue_core::call(std::function<error_code(task_store&, queue_time)> c) {
  std::function<result<void>(task_store&, queue_time)> run = [c = std::move(c)](task_store& s,
                                                                                queue_time now) {
    auto ec = c(s, now);
    return ec ? result<void>(ec) : result<void>();
  };
  auto asking = ask_store<void>(std::move(run));
  auto done = co_await std::move(asking);
  wake();
  co_return done ? error_code() : done.error();
}

// Waits until no handler runs, or the time is over.
asio::awaitable<void> queue_core::until_quiet(milliseconds most, bool and_written) {
  auto w = std::make_shared<waiter<bool>>(strand);
  quiet_ = w;
  auto end = clock_.now() + most;
  while (clock_.now() < end && (!active_.empty() || (and_written && desk->settling()))) {
    auto token = asio::as_tuple(asio::use_awaitable);
    w->wake.expires_at(std::min(end, clock_.now() + milliseconds(and_written ? 10 : 1'000'000)));
    auto [ignored] = co_await w->wake.async_wait(token);
    (void)ignored;
  }
  quiet_.reset();
}

asio::awaitable<error_code> queue_core::stop() {
  stopping_ = true;
  wake_timer_.cancel();
  give_back_claimed();
  auto gently = until_quiet(options.stop_grace, false);
  co_await std::move(gently);
  auto all = active_;  // one may end at once
  for (auto& a : all) tell_to_end(a, detail::ending::stopping);
  auto firmly = until_quiet(options.cancel_grace, true);
  co_await std::move(firmly);
  bool clean = active_.empty() && !desk->settling();
  abandon();
  auto open_gate = [g = gate](asio::any_completion_handler<void()> done) {
    g->stop(std::move(done));
  };
  auto delivered = initiate<void()>(std::move(open_gate), asio::use_awaitable);
  co_await std::move(delivered);
  co_return clean ? error_code() : make_error_code(tidewire::errc::timed_out);
}

}  // namespace tidewire::queue
