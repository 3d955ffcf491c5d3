#include "event_outlet.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/server/event_stream.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/errc.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace tidewire::server {
namespace {

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
  });
}

// One connection that listens. The outlet belongs to the stream's mutex, the timer to the
// connection's strand.
struct subscriber {
  subscriber(const executor& ex, event_outlet o)
      : strand(ex), time(ex), wake(ex), outlet(std::move(o)) {}

  executor strand;
  clock time;
  timer wake;
  event_outlet outlet;
};

// From any thread.
void wake_up(const std::shared_ptr<subscriber>& s) {
  asio::post(s->strand, [weak = std::weak_ptr(s)] {
    if (auto alive = weak.lock()) alive->wake.cancel();
  });
}

}  // namespace

struct event_stream::impl {
  explicit impl(event_stream_options o) : options(o) {}

  const event_stream_options options;
  std::mutex mutex;
  struct topic {
    std::string state;
    event_frame frame;
  };
  std::map<std::string, topic, std::less<>> topics;
  std::vector<std::shared_ptr<subscriber>> subscribers;
  bool closed = false;

  std::shared_ptr<subscriber> subscribe(const executor& strand);
  void unsubscribe(const std::shared_ptr<subscriber>& s);
};

std::shared_ptr<subscriber> event_stream::impl::subscribe(const executor& strand) {
  std::lock_guard lock(mutex);
  if (closed || subscribers.size() >= options.max_subscribers) return nullptr;
  event_outlet outlet(options.interval, options.keep_alive, clock(strand).now());
  for (const auto& [name, t] : topics) outlet.put(name, t.frame);
  subscribers.push_back(std::make_shared<subscriber>(strand, std::move(outlet)));
  return subscribers.back();
}

void event_stream::impl::unsubscribe(const std::shared_ptr<subscriber>& s) {
  std::lock_guard lock(mutex);
  std::erase(subscribers, s);
}

namespace {

template <class Stream>
class event_body final : public response_body {
 public:
  event_body(std::shared_ptr<Stream> stream, std::shared_ptr<subscriber> who)
      : stream_(std::move(stream)), who_(std::move(who)) {
    auto milliseconds = std::to_string(stream_->options.retry.count());
    frame_ = std::make_shared<const std::string>("retry: " + milliseconds + "\n\n");
  }
  ~event_body() override { stream_->unsubscribe(who_); }

  std::optional<std::uint64_t> size() const override { return std::nullopt; }

  result<std::size_t> read(std::span<std::byte> space) override {
    std::size_t used = 0;
    while (used < space.size()) {
      if (!frame_) {
        std::lock_guard lock(stream_->mutex);
        if (stream_->closed) break;
        frame_ = who_->outlet.take(who_->time.now());
        sent_ = 0;
      }
      if (!frame_ && used == 0)
        return make_error_code(boost::system::errc::resource_unavailable_try_again);
      if (!frame_) break;
      auto n = std::min(space.size() - used, frame_->size() - sent_);
      std::memcpy(space.data() + used, frame_->data() + sent_, n);
      used += n;
      sent_ += n;
      if (sent_ == frame_->size()) frame_.reset();
    }
    return used;
  }

  asio::awaitable<void> ready() override {
    // A publish between this look and the wait posts its wake-up behind us on the strand.
    auto who = who_;
    {
      std::lock_guard lock(stream_->mutex);
      if (stream_->closed) co_return;
      who->wake.expires_at(who->outlet.next());
    }
    auto token = asio::as_tuple(asio::use_awaitable);
    auto waiting = who->wake.async_wait(token);
    co_await std::move(waiting);
  }

 private:
  std::shared_ptr<Stream> stream_;
  std::shared_ptr<subscriber> who_;
  event_frame frame_;
  std::size_t sent_ = 0;
};

}  // namespace

event_stream::event_stream(event_stream_options options) : impl_(std::make_shared<impl>(options)) {}

event_stream::~event_stream() {
  close();
}

result<void> event_stream::publish(std::string_view topic, std::string state) {
  if (!is_word(topic)) return make_error_code(errc::invalid_argument);
  if (state.size() > impl_->options.max_state_bytes) return make_error_code(errc::limit_exceeded);
  std::lock_guard lock(impl_->mutex);
  auto at = impl_->topics.find(topic);
  if (at != impl_->topics.end() && at->second.state == state) return {};
  if (at == impl_->topics.end()) {
    if (impl_->topics.size() >= impl_->options.max_topics)
      return make_error_code(errc::limit_exceeded);
    at = impl_->topics.emplace(std::string(topic), impl::topic()).first;
  }
  at->second.frame = std::make_shared<const std::string>(format_event(topic, state));
  at->second.state = std::move(state);
  for (auto& s : impl_->subscribers) {
    s->outlet.put(topic, at->second.frame);
    wake_up(s);
  }
  return {};
}

handler event_stream::get_handler() {
  return [stream = impl_](request&) -> asio::awaitable<response> {
    auto strand = co_await asio::this_coro::executor;
    auto who = stream->subscribe(strand);
    if (!who) {
      auto full =
          problem(503, "Service Unavailable", "too many listen already, or the end is near");
      full.headers.set("Retry-After", "5");
      co_return full;
    }
    response out;
    out.headers.set("Content-Type", "text/event-stream");
    out.headers.set("Cache-Control", "no-store");
    out.headers.set("X-Content-Type-Options", "nosniff");
    out.body = std::make_unique<event_body<impl>>(stream, std::move(who));
    co_return out;
  };
}

std::size_t event_stream::subscribers() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->subscribers.size();
}

void event_stream::close() {
  std::lock_guard lock(impl_->mutex);
  impl_->closed = true;
  for (auto& s : impl_->subscribers) wake_up(s);
}

}  // namespace tidewire::server
