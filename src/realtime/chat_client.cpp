#include "realtime/chat_list.hpp"

#include <tidewire/core/clock.hpp>
#include <tidewire/realtime/chat_client.hpp>

#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

namespace tidewire::realtime {
namespace {

constexpr auto channel = "chat";

std::string rfc3339(std::chrono::system_clock::time_point when) {
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
  auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  auto n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text.data() + n, text.size() - n, ".%03dZ", static_cast<int>(ms % 1000));
  return text.data();
}

connection_options options_of(const chat_options& o) {
  auto c = o.connection;
  c.channels = {channel};
  // The lesson's lists are not held back, and their first page is what the user sees.
  if (o.lesson_wire) {
    c.long_poll = std::chrono::seconds(0);
    c.begin = start_at::oldest;
  }
  return c;
}

}  // namespace

struct chat_client::impl {
  impl(context ctx, connection_parts parts, chat_options o)
      : options(std::move(o)),
        list(options.max_messages),
        connection(std::move(ctx), parts, options_of(options),
                   options.lesson_wire ? make_chat_codec() : nullptr),
        time(connection.get_executor()) {}

  void tell(const chat_message* m) {
    if (!m) return;
    auto copy = *m;  // a listener may change the list
    changed.emit(copy);
  }

  chat_options options;
  chat_list list;
  signal<chat_message> changed;
  realtime_connection connection;
  clock time;
  signal<message>::connection listening;
  std::uint64_t sent = 0;
};

chat_client::chat_client(context ctx, connection_parts parts, chat_options options)
    : impl_(std::make_shared<impl>(std::move(ctx), parts, std::move(options))) {
  auto take = [self = impl_.get()](const message& m) {
    auto chat = decode_chat(m.data);
    if (chat.id.empty()) chat.id = m.id;
    self->tell(self->list.take(std::move(chat)));
  };
  if (auto listening = impl_->connection.on_message().connect(take))
    impl_->listening = std::move(*listening);
}

chat_client::~chat_client() = default;

std::string chat_client::send(std::string text) {
  auto self = impl_;
  chat_message m;
  m.id = self->connection.client_id() + ":" + std::to_string(++self->sent);
  m.user = self->options.user;
  m.text = std::move(text);
  m.time = rfc3339(self->time.wall_now());
  m.state = chat_state::sending;
  self->list.add(m);
  auto settled = [weak = std::weak_ptr(self), id = m.id](error_code ec, const publish_receipt& r) {
    auto alive = weak.lock();
    if (!alive) return;
    auto state = ec ? chat_state::failed : chat_state::confirmed;
    alive->tell(alive->list.settle(id, state, r.reason));
  };
  self->connection.async_publish(channel, encode_chat(m), m.id, std::move(settled));
  auto id = m.id;
  self->tell(&m);
  return id;
}

const std::deque<chat_message>& chat_client::messages() const {
  return impl_->list.messages();
}

signal<chat_message>& chat_client::on_change() {
  return impl_->changed;
}

realtime_connection& chat_client::connection() {
  return impl_->connection;
}

}  // namespace tidewire::realtime
