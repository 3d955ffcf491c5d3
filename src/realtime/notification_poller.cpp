#include "realtime/notification_list.hpp"

#include <boost/json/array.hpp>

namespace tidewire::realtime {
namespace {

namespace json = boost::json;
using json_answer = poll_answer<json::value>;

http_poll request_of(http::url base, const std::string& user, const notification_options& options) {
  auto text = base.text();
  while (text.ends_with('/')) text.pop_back();
  auto parsed = http::url::parse(text + "/users/" + http::percent_encode(user) + "/notifications");
  auto target = parsed ? *parsed : base;
  http_poll poll(target);
  for (auto& h : options.headers) poll.header(h.name, h.value);
  poll.address([target, limit = options.first_limit](const poll_request& request) {
    auto full = request.cursor.empty() ? target.with_parameter("limit", std::to_string(limit))
                                       : target.with_parameter("since", request.cursor);
    return full ? *full : target;
  });
  return poll;
}

// The URL changes with the cursor, and then the validator of the last answer says nothing about the
// next one.
asio::awaitable<json_answer> ask(std::shared_ptr<const poll_function<json::value>> function,
                                 const poll_request& request) {
  auto asked = (*function)(request);
  auto answer = co_await std::move(asked);
  if (answer.error || !answer.changed) co_return answer;
  auto* entries = answer.value.if_array();
  if (!entries)
    co_return json_answer::failed(errc::bad_answer, "the answer is not a list of notifications");
  answer.changed = !entries->empty();
  auto id = notification_list::newest_id(answer.value);
  if (!id.empty() && id != request.cursor) {
    answer.cursor = std::move(id);
    answer.validator = std::string();
  }
  co_return answer;
}

poll_function<json::value> ask_with(const context& ctx, http::client& client, http_poll poll) {
  auto function =
      std::make_shared<const poll_function<json::value>>(poll_json(ctx, client, std::move(poll)));
  return [function](const poll_request& request) { return ask(function, request); };
}

poll_options options_of(const notification_options& o) {
  poll_options out;
  out.pace = o.pace;
  out.cursor = o.last_id;
  return out;
}

}  // namespace

struct notification_poller::impl {
  impl(context ctx, poll_function<json::value> function, const notification_options& options)
      : polls(std::move(ctx), std::move(function), options_of(options)) {
    // A new signal has room.
    answers = *polls.data().connect([this](const json::value& answer) {
      auto alive = std::weak_ptr(self);
      for (auto& n : list->take(answer.get_array())) {
        received->emit(n);
        if (alive.expired()) return;  // a listener destroyed the poller
      }
    });
  }

  std::shared_ptr<bool> self = std::make_shared<bool>(true);
  std::unique_ptr<notification_list> list = std::make_unique<notification_list>();
  std::unique_ptr<signal<notification>> received = std::make_unique<signal<notification>>();
  poller<json::value> polls;
  signal<json::value>::connection answers;
};

notification_poller::notification_poller(context ctx, http::client& client, http::url base,
                                         std::string user, notification_options options) {
  auto function = ask_with(ctx, client, request_of(std::move(base), user, options));
  impl_ = std::make_unique<impl>(std::move(ctx), std::move(function), options);
}

notification_poller::~notification_poller() = default;

void notification_poller::start() {
  impl_->polls.start();
}

void notification_poller::pause() {
  impl_->polls.pause();
}

void notification_poller::resume() {
  impl_->polls.resume();
}

poll_status notification_poller::status() const {
  return impl_->polls.status();
}

const std::vector<notification>& notification_poller::recent() const {
  return impl_->list->recent();
}

signal<notification>& notification_poller::received() {
  return *impl_->received;
}

signal<poll_failure>& notification_poller::failures() {
  return impl_->polls.failures();
}

signal<poll_end>& notification_poller::stopped() {
  return impl_->polls.stopped();
}

poller_base& notification_poller::base() {
  return impl_->polls;
}

}  // namespace tidewire::realtime
