#include "queue/command_handler.hpp"

#include <tidewire/core/timer.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <stop_token>
#include <utility>

namespace tidewire::cli {
namespace {

// Where the end of a command is put, for the coroutine that waits.
struct waiting_place {
  explicit waiting_place(const executor& ex) : wake(ex) {
    wake.expires_at(clock::time_point::max());
  }
  timer wake;
  std::optional<command_end> end;
};

std::vector<std::string> environment_of(const queue::task_context& task) {
  std::vector<std::string> out;
  auto add = [&](const char* name, const std::string& value) {
    out.push_back(std::string("TIDEWIRE_TASK_") + name + "=" + value);
  };
  add("ID", std::to_string(task.id()));
  add("KIND", task.kind());
  add("NAME", task.name());
  add("METADATA", task.metadata());
  add("ATTEMPT", std::to_string(task.attempt()));
  add("MAX_ATTEMPTS", std::to_string(task.max_attempts()));
  add("FENCE", std::to_string(task.fence()));
  return out;
}

asio::awaitable<queue::outcome> run(executor ex, command_order order, queue::task_context task,
                                    running_commands& running) {
  // It is not over before the command is, whoever wants it to end.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  auto place = std::make_shared<waiting_place>(ex);
  auto ended = [place](command_end end) {
    place->end = std::move(end);
    place->wake.cancel();
  };
  auto started = command_run::start(ex, std::move(order), std::move(ended));
  if (!started)
    co_return queue::outcome::retry("the command could not be started: " +
                                    started.error().message());
  auto command = *started;
  running.add(command);
  auto stop = [command] { command->terminate(); };
  std::stop_callback<decltype(stop)> on_stop(task.stop_token(), std::move(stop));
  auto token = asio::as_tuple(asio::use_awaitable);
  while (!place->end) {
    auto waiting = place->wake.async_wait(token);
    auto [ignored] = co_await std::move(waiting);
    (void)ignored;
  }
  co_return outcome_of(*place->end);
}

}  // namespace

void running_commands::add(const std::shared_ptr<command_run>& run) {
  std::erase_if(all_, [](auto& weak) { return weak.expired(); });
  all_.push_back(run);
}

void running_commands::kill_all() {
  for (auto& weak : all_)
    if (auto run = weak.lock()) run->kill();
}

queue::task_handler make_command_handler(const executor& ex, std::string command,
                                         std::chrono::nanoseconds grace,
                                         running_commands& running) {
  return queue::task_handler(
      [ex, command = std::move(command), grace, &running](queue::task_context task) {
        command_order order;
        order.command = command;
        order.environment = environment_of(task);
        order.input = (task.payload().empty() ? "null" : task.payload()) + "\n";
        order.grace = grace;
        return run(ex, std::move(order), std::move(task), running);
      });
}

}  // namespace tidewire::cli
