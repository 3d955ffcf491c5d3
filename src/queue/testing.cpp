#include "queue/attempt.hpp"
#include "queue/task_rules.hpp"

#include <tidewire/queue/testing.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace tidewire::queue::testing {
namespace {

outcome call(const task_handler& handler, std::shared_ptr<detail::attempt> attempt) {
  try {
    if (auto* f = handler.as_function()) return (*f)(task_context(attempt));
    asio::io_context io;
    std::optional<outcome> out;
    std::exception_ptr failure;
    auto run = [&]() -> asio::awaitable<void> {
      auto running = (*handler.as_coroutine())(task_context(attempt));
      auto how = co_await std::move(running);
      out.emplace(std::move(how));
    };
    asio::co_spawn(io, run, [&](std::exception_ptr e) { failure = std::move(e); });
    io.run();
    if (failure) std::rethrow_exception(failure);
    return out ? std::move(*out) : outcome::retry("the handler never ended");
  } catch (const std::exception& e) {
    return outcome::retry(std::string("the handler threw: ") + e.what());
  }
}

}  // namespace

outcome perform(const task_handler& handler, new_task task, std::uint32_t attempt) {
  claimed_task c;
  c.id = 1;
  c.fence = attempt;
  c.attempt = attempt;
  c.max_attempts = task.max_attempts.value_or(task_defaults::max_attempts);
  c.kind = std::move(task.kind);
  c.payload = std::move(task.payload);
  c.metadata = std::move(task.metadata);
  c.name = std::move(task.name);
  return call(handler, std::make_shared<detail::attempt>(std::move(c), 0));
}

test_queue::test_queue(std::shared_ptr<task_store> store) : store_(std::move(store)) {}

void test_queue::on(std::string kind, task_handler handler) {
  handlers_.insert_or_assign(std::move(kind), std::move(handler));
}

std::vector<std::string> test_queue::kinds() const {
  std::vector<std::string> out;
  if (store_->traits().in_process) out.emplace_back();
  for (auto& [kind, handler] : handlers_) out.push_back(kind);
  return out;
}

result<task_id> test_queue::enqueue(new_task task) {
  store_work work;
  work.inserts.push_back(std::move(task));
  auto answer = store_->apply(std::move(work), now_);
  if (!answer) return {boost::system::in_place_error, answer.error()};
  auto& out = answer->inserts.front();
  if (out.error) return {boost::system::in_place_error, out.error};
  return out.id;
}

result<std::optional<performed>> test_queue::run_one() {
  store_work ask;
  ask.claim.emplace();
  ask.claim->worker = "test";
  ask.claim->kinds = kinds();
  auto claimed = store_->apply(std::move(ask), now_);
  if (!claimed) return claimed.error();
  std::optional<performed> out;
  if (claimed->claimed.empty()) return out;
  auto a = std::make_shared<detail::attempt>(std::move(claimed->claimed.front()), 0);
  auto& handler = a->task.function ? *a->task.function : handlers_.at(a->task.kind);
  auto how = call(handler, a);
  if (how.what() == outcome::kind::retry && !how.after()) {
    auto doublings = std::min<std::uint32_t>(a->task.attempt - 1, 20);
    auto delay = a->task.retry_delay * (std::int64_t(1) << doublings);
    how.set_after(std::min<milliseconds>(delay, std::chrono::hours(1)));
  }
  store_work settle;
  settle.settlements.push_back({a->task.id, a->task.fence, how});
  auto settled = store_->apply(std::move(settle), now_);
  if (!settled) return settled.error();
  auto record = store_->find(a->task.id);
  if (!record) return record.error();
  out.emplace();
  if (*record) out->task = std::move(**record);
  out->how = std::move(how);
  return out;
}

result<std::vector<performed>> test_queue::drain(bool later, std::size_t limit) {
  std::vector<performed> out;
  while (out.size() < limit) {
    auto one = run_one();
    if (!one) return one.error();
    if (*one) {
      out.push_back(std::move(**one));
      continue;
    }
    auto due = store_->next_due(kinds(), now_);
    if (!due) return due.error();
    if (!later || !due->ready_after || due->paused) break;
    now_ += std::max(*due->ready_after, milliseconds(1));
  }
  return out;
}

std::vector<task_record> test_queue::enqueued(const std::string& kind) {
  std::vector<task_record> out;
  task_filter which;
  which.kind = kind;
  which.limit = 1000;
  while (true) {
    auto page = store_->list(which);
    if (!page || page->empty()) return out;
    which.after = page->back().id;
    for (auto& t : *page)
      if (!is_final(t.state)) out.push_back(std::move(t));
  }
}

bool test_queue::is_enqueued(const std::string& kind,
                             const std::function<bool(const task_record&)>& wanted) {
  auto all = enqueued(kind);
  return std::any_of(all.begin(), all.end(), [&](auto& t) { return !wanted || wanted(t); });
}

}  // namespace tidewire::queue::testing
