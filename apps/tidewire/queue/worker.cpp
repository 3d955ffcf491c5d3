#include "queue/worker.hpp"

#include "escape.hpp"
#include "queue/http_handler.hpp"
#include "terminal.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/http/curl_client.hpp>

#include <csignal>
#include <cstdlib>
#include <utility>

namespace tidewire::cli {
namespace {

constexpr std::chrono::milliseconds idle_interval(200);

// Whether nothing is left that these kinds could do, now or later. Tasks of other kinds are
// others'.
result<bool> nothing_left(queue::task_store& store, queue::queue_time now,
                          const std::vector<std::string>& kinds) {
  auto due = store.next_due(kinds, now);
  if (!due) return {boost::system::in_place_error, due.error()};
  if (due->idle) return true;
  if (due->ready_after && *due->ready_after <= queue::milliseconds(0)) return false;
  for (auto& kind : kinds) {
    queue::task_filter which;
    which.kind = kind;
    auto counted = store.stats(which, now);
    if (!counted) return {boost::system::in_place_error, counted.error()};
    if (counted->live() > 0) return false;
  }
  return true;
}

}  // namespace

worker::worker(worker_options o, std::shared_ptr<queue::task_store> store)
    : options_(std::move(o)),
      form_(options_.json ? line_form::json : line_form::text),
      ctx_(io_.get_executor(), rng::from_entropy()),
      queue_(ctx_, std::move(store), options_.queue),
      signals_(io_, SIGINT, SIGTERM),
      idle_timer_(queue_.get_executor()) {
  listen();
}

void worker::say(const std::string& line) const {
  if (!line.empty() && (options_.json || !options_.quiet)) write_stdout(line + "\n");
}

void worker::complain(const std::string& text) const {
  write_stderr("tidewire queue work: " + text + "\n");
}

template <class Event, class Count>
void worker::tell(signal<Event>& of, Count count) {
  using connection = typename signal<Event>::connection;
  auto connected = of.connect([this, count](const Event& e) {
    count(e);
    say(worker_line(e, form_));
  });
  connections_.push_back(std::make_shared<connection>(std::move(*connected)));
}

void worker::listen() {
  auto& e = queue_.events();
  tell(e.started, [](auto&) {});
  tell(e.completed, [this](auto&) { ++totals_.done; });
  tell(e.failed, [this](auto& f) { totals_.failed += f.will_retry ? 1 : 0; });
  tell(e.exhausted, [this](auto&) { ++totals_.dead; });
  tell(e.cancelled, [this](auto& c) { totals_.cancelled += c.running ? 0 : 1; });
  using trouble = signal<queue::store_trouble>::connection;
  using paused = signal<queue::processing_paused>::connection;
  auto failed = e.store_trouble.connect([this](const queue::store_trouble& t) {
    complain("the store failed: " + escape_terminal(t.error.message()) + "; trying again");
  });
  auto held = e.processing_paused.connect([this](const queue::processing_paused&) {
    complain("the queue is paused; `tidewire queue resume` goes on");
  });
  connections_.push_back(std::make_shared<trouble>(std::move(*failed)));
  connections_.push_back(std::make_shared<paused>(std::move(*held)));
}

void worker::handle_kinds() {
  for (auto& kind : options_.kinds) {
    if (kind.command.empty()) {
      if (!http_) {
        auto ctx = ctx_;
        ctx.exec = queue_.get_executor();
        http_ = http::make_curl_client(ctx);
      }
      queue_.on(kind.name, make_http_handler(*http_));
    } else {
      queue_.on(kind.name, make_command_handler(queue_.get_executor(), kind.command, options_.grace,
                                                running_));
    }
  }
}

exit_code worker::run() {
  wait_for_signal();
  handle_kinds();
  if (options_.until_idle) watch_idle(std::chrono::milliseconds(0));
  io_.run();
  say(worker_line(totals_, form_));
  return code_;
}

void worker::wait_for_signal() {
  signals_.async_wait([this](error_code ec, int number) {
    if (ec) return;
    if (std::exchange(stopping_, true)) {
      // Others take over what was begun, when its leases have ended. Nothing here can be waited
      // for.
      running_.kill_all();
      std::_Exit(128 + number);
    }
    complain("stopping when the running tasks have ended; a second signal ends them at once");
    stop();
    wait_for_signal();
  });
}

void worker::watch_idle(std::chrono::milliseconds after) {
  idle_timer_.expires_after(after);
  idle_timer_.async_wait([this](error_code ec) {
    if (!ec && !stopping_) ask_whether_idle();
  });
}

void worker::ask_whether_idle() {
  std::vector<std::string> kinds;
  for (auto& k : options_.kinds) kinds.push_back(k.name);
  queue_.async_call<bool>(
      [kinds](queue::task_store& store, queue::queue_time now) {
        return nothing_left(store, now, kinds);
      },
      [this](error_code ec, bool idle) {
        if (stopping_) return;
        if (ec || !idle) {
          watch_idle(idle_interval);
          return;
        }
        stopping_ = true;
        stop();
      });
}

void worker::stop() {
  idle_timer_.cancel();
  queue_.async_stop([this](error_code ec) {
    if (ec) {
      complain("tasks run still, and are given up: " + escape_terminal(ec.message()));
      code_ = exit_code::internal;
    }
    running_.kill_all();
    error_code ignored;
    signals_.cancel(ignored);
    if (http_) http_->stop([] {});
  });
}

}  // namespace tidewire::cli
