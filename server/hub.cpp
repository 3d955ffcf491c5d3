#include "hub.hpp"

#include "message_text.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/timer.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace tidewire::server {
namespace {

std::size_t weight(const new_message& m) {
  return m.data.size() + m.channel.size() + m.id.size() + m.user.size();
}

}  // namespace

shared_entry make_entry(const std::string& channel, const std::string& epoch, stored_message m) {
  auto out = std::make_shared<log_entry>();
  out->channel = channel;
  out->epoch = epoch;
  realtime::message_frame f{channel, epoch, m.offset, m.id, rfc3339(m.time), m.user, m.data};
  out->frame = realtime::encode_frame(f);
  out->message = std::move(m);
  return out;
}

hub::hub(context c, std::unique_ptr<message_store> s, executor blocking, message_hub_options o)
    : ctx(std::move(c)),
      options(std::move(o)),
      store_(std::move(s)),
      strand_(asio::make_strand(blocking)),
      clock_(ctx.exec),
      next_trim_(clock_.now()),
      random_(ctx.random.stream("message hub")) {}

message_time hub::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(clock_.wall_now());
}

bool hub::publish(new_message m, publish_handler done, publish_order order) {
  std::lock_guard lock(mutex_);
  auto bytes = weight(m);
  if (pending_.size() >= options.pending_messages || pending_bytes_ + bytes > options.pending_bytes)
    return false;
  pending_bytes_ += bytes;
  pending_.push_back({std::move(m), std::move(done), std::move(order)});
  if (!std::exchange(committing_, true))
    asio::post(strand_, [self = shared_from_this()] { self->commit(); });
  return true;
}

asio::awaitable<result<append_outcome>> hub::append(new_message m) {
  auto ex = co_await asio::this_coro::executor;
  struct waiter {
    explicit waiter(const executor& e) : wake(e) {}
    timer wake;
    std::optional<result<append_outcome>> outcome;
  };
  auto state = std::make_shared<waiter>(ex);
  // The guard keeps the caller's context running while only the store has something to do.
  auto guard = std::make_shared<asio::executor_work_guard<asio::any_io_executor>>(ex);
  publish_handler done = [state, guard](error_code ec, const append_outcome& outcome) {
    asio::post(guard->get_executor(), [state, guard, ec, outcome] {
      state->outcome = ec ? result<append_outcome>(ec) : result<append_outcome>(outcome);
      state->wake.cancel();
    });
  };
  bool accepted = publish(std::move(m), std::move(done));
  if (!accepted) co_return make_error_code(errc::limit_exceeded);
  while (!state->outcome) {
    auto token = asio::as_tuple(asio::use_awaitable);
    state->wake.expires_at(clock::time_point::max());
    auto [ignored] = co_await state->wake.async_wait(token);
    (void)ignored;
  }
  co_return std::move(*state->outcome);
}

// One transaction for all that came while the last one was written.
void hub::commit() {
  std::vector<pending> batch;
  {
    std::lock_guard lock(mutex_);
    while (!pending_.empty() && batch.size() < options.batch_messages) {
      pending_bytes_ -= weight(pending_.front().message);
      batch.push_back(std::move(pending_.front()));
      pending_.pop_front();
    }
  }
  refuse_followers(batch);
  std::vector<new_message> messages;
  for (auto& p : batch) messages.push_back(p.message);
  for (auto& name : std::exchange(uncertain_, {})) catch_up(name);
  auto time = now();
  auto outcomes = store_->append(messages, time);
  ctx.metrics->observe("tidewire_message_batch_messages", static_cast<double>(batch.size()));
  if (outcomes) {
    follow(batch, *outcomes, time);
    for (std::size_t i = 0; i < batch.size(); ++i)
      batch[i].done(outcomes->at(i).error, outcomes->at(i));
  } else {
    publish_failed(batch, outcomes.error());
  }
  trim_sometimes();
  std::lock_guard lock(mutex_);
  committing_ = !pending_.empty();
  // Through the queue, so that reads have their turn.
  if (committing_) asio::post(strand_, [self = shared_from_this()] { self->commit(); });
}

void hub::refuse_followers(std::vector<pending>& batch) {
  std::erase_if(batch, [](pending& p) {
    bool broken = p.order && *p.order;
    if (broken) p.done(*p.order, {});
    return broken;
  });
}

// Whether the messages are in the log is not known: look, rather than let somebody miss them.
void hub::publish_failed(std::vector<pending>& batch, error_code why) {
  ctx.metrics->count("tidewire_message_store_errors_total", 1);
  ctx.log->write(severity::error, "messages.append_failed", {{"error", why.message()}});
  std::set<std::string> touched;
  for (auto& p : batch) touched.insert(p.message.channel);
  for (auto& channel : touched) catch_up(channel);
  for (auto& p : batch) {
    if (p.order) *p.order = why;
    p.done(why, {});
  }
}

// What was appended goes to those who listen.
void hub::follow(const std::vector<pending>& batch, const std::vector<append_outcome>& outcomes,
                 message_time time) {
  double fresh = 0, duplicate = 0, refused = 0;
  std::set<std::string> behind;
  wakes all;
  {
    std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto& m = batch[i].message;
      const auto& outcome = outcomes[i];
      ++(outcome.error ? refused : outcome.duplicate ? duplicate : fresh);
      auto it = channels_.find(m.channel);
      if (outcome.error || it == channels_.end()) continue;
      auto& channel = *it->second;
      if (!outcome.epoch.empty() && outcome.epoch != channel.log.epoch) {
        behind.insert(m.channel);  // others began it anew
        continue;
      }
      // Also a duplicate may be new to us: the answer to its first copy was lost.
      if (outcome.offset <= channel.log.head) continue;
      if (outcome.offset > channel.log.head + 1 || outcome.duplicate) {
        behind.insert(m.channel);
        continue;
      }
      channel.log.head = outcome.offset;
      if (channel.subscribers.empty()) continue;
      stored_message stored{outcome.offset, time, m.id, m.user, m.data};
      grow(channel, make_entry(channel.name, channel.log.epoch, std::move(stored)));
      for (auto& [number, who] : channel.subscribers) wake(*who, all);
    }
  }
  run(all);
  for (auto& channel : behind) take_in(channel);
  if (fresh > 0) ctx.metrics->count("tidewire_messages_published_total", fresh, "result=new");
  if (duplicate > 0)
    ctx.metrics->count("tidewire_messages_published_total", duplicate, "result=duplicate");
  if (refused > 0)
    ctx.metrics->count("tidewire_messages_published_total", refused, "result=refused");
}

// The log reaches further than we knew, or may do so.
void hub::catch_up(const std::string& name) {
  auto state = store_->state(name);
  wakes all;
  std::lock_guard lock(mutex_);
  auto it = channels_.find(name);
  if (it == channels_.end()) return;
  auto& channel = *it->second;
  if (!state) {
    uncertain_.insert(name);
    return;
  }
  adopt(channel, *state, all);
  run(all);
}

// What the store says of a log is true, and may be more than is known here.
void hub::adopt(hub_channel& channel, const log_state& state, wakes& all) {
  bool same = state.epoch == channel.log.epoch && state.head == channel.log.head;
  channel.log = state;
  if (same) return;
  // What lies between is in the log alone: everybody reads it from there.
  rings_bytes_ -= std::exchange(channel.ring_bytes, 0);
  channel.ring.clear();
  for (auto& [number, who] : channel.subscribers) {
    who->positions_[channel.name].live = false;
    wake(*who, all);
  }
}

void hub::grow(hub_channel& channel, shared_entry entry) {
  auto bytes = entry->frame.size();
  channel.ring.push_back(std::move(entry));
  channel.ring_bytes += bytes;
  rings_bytes_ += bytes;
  while (channel.ring.size() > options.ring_messages || channel.ring_bytes > options.ring_bytes ||
         rings_bytes_ > options.all_rings_bytes) {
    if (channel.ring.empty()) break;
    shrink(channel);
  }
}

void hub::shrink(hub_channel& channel) {
  auto bytes = channel.ring.front()->frame.size();
  channel.ring.pop_front();
  channel.ring_bytes -= bytes;
  rings_bytes_ -= bytes;
}

// While messages come, so that an idle hub has no timer.
void hub::trim_sometimes() {
  if (clock_.now() < next_trim_) return;
  auto done = store_->trim(now());
  if (!done)
    ctx.log->write(severity::warning, "messages.trim_failed", {{"error", done.error().message()}});
  if (!done || *done == trimming::done) next_trim_ = clock_.now() + options.trim_interval;
}

// On the store's strand, as everything that asks the store.
result<std::shared_ptr<hub_channel>> hub::load(const std::string& name) {
  auto state = store_->state(name);
  if (!state) return state.error();
  std::shared_ptr<hub_channel> out;
  bool others = false;
  {
    std::lock_guard lock(mutex_);
    auto& channel = channels_[name];
    if (!channel) {
      channel = std::make_shared<hub_channel>();
      channel->name = name;
      channel->log = *state;
    }
    out = channel;
    others =
        !out->subscribers.empty() && state->epoch == out->log.epoch && state->head > out->log.head;
  }
  if (others) take_in(name);
  wakes all;
  std::lock_guard lock(mutex_);
  // What was taken in may be newer than what was asked before.
  bool behind = state->epoch == out->log.epoch && out->log.head < state->head;
  if (!others || behind) adopt(*out, *state, all);
  run(all);
  forget_idle();
  return out;
}

void hub::forget_idle() {
  if (channels_.size() <= options.loaded_channels) return;
  std::erase_if(channels_, [](const auto& c) {
    // Whoever holds it is about to subscribe.
    return c.second->subscribers.empty() && c.second.use_count() == 1;
  });
}

asio::awaitable<result<log_state>> hub::state(std::string name, bool from_store) {
  if (!from_store) {
    std::lock_guard lock(mutex_);
    auto it = channels_.find(name);
    if (it != channels_.end()) co_return it->second->log;
  }
  std::function<result<log_state>()> call = [this, name]() -> result<log_state> {
    auto channel = load(name);
    if (!channel) return channel.error();
    std::lock_guard lock(mutex_);
    return (*channel)->log;
  };
  auto asking = on_store<log_state>(std::move(call));
  co_return co_await std::move(asking);
}

asio::awaitable<result<log_page>> hub::read(std::string channel, std::uint64_t since,
                                            std::size_t limit, std::size_t max_bytes) {
  std::function<result<log_page>()> call = [this, channel, since, limit, max_bytes] {
    return store_->read(channel, since, limit, max_bytes);
  };
  auto asking = on_store<log_page>(std::move(call));
  co_return co_await std::move(asking);
}

asio::awaitable<result<std::optional<std::uint64_t>>> hub::find(std::string channel,
                                                                std::string id) {
  using found = std::optional<std::uint64_t>;
  std::function<result<found>()> call = [this, channel, id] { return store_->find(channel, id); };
  auto asking = on_store<found>(std::move(call));
  co_return co_await std::move(asking);
}

asio::awaitable<result<log_state>> hub::begin_anew(std::string channel) {
  std::function<result<log_state>()> call = [this, channel] {
    auto state = store_->reset(channel);
    if (state) catch_up(channel);
    return state;
  };
  auto asking = on_store<log_state>(std::move(call));
  co_return co_await std::move(asking);
}

}  // namespace tidewire::server
