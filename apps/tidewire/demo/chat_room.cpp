#include "chat_room.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <utility>

namespace tidewire::demo {
namespace {

context part_of(const context& ctx, std::string_view name) {
  auto out = ctx;
  out.random = ctx.random.stream(name);
  return out;
}

}  // namespace

chat_room::chat_room(const context& ctx, file::filesystem& disk, const std::string& folder,
                     std::uint16_t server_port)
    : server_port_(server_port),
      ctx_(ctx),
      time_(ctx.exec),
      a_(part_of(ctx, "a"), disk, {"a", "A", folder + "/a.cursors", server_port}, time_),
      b_(part_of(ctx, "b"), disk, {"b", "B", folder + "/b.cursors", server_port}, time_),
      page_(part_of(ctx, "page"), server_port, time_),
      log_(part_of(ctx, "log"), server_port, "chat") {}

result<void> chat_room::listen() {
  if (auto listening = a_.listen(); !listening) return listening;
  if (auto listening = b_.listen(); !listening) return listening;
  if (auto listening = page_.listen(); !listening) return listening;
  notification_side::place where{"A", a_.link().http_origin(), server_port_};
  notifications_ =
      std::make_unique<notification_side>(part_of(ctx_, "notifications"), std::move(where), time_);
  return {};
}

asio::awaitable<void> chat_room::run() {
  using asio::experimental::awaitable_operators::operator&&;
  notifications_->start();
  auto a = a_.run();
  auto b = b_.run();
  auto page = page_.run();
  auto log = log_.run();
  auto sides = std::move(a) && std::move(b);
  auto others = std::move(page) && std::move(log);
  auto all = std::move(sides) && std::move(others);
  co_await std::move(all);
}

asio::awaitable<void> chat_room::stop() {
  log_.stop();
  page_.stop();
  auto quiet = notifications_->stop();
  co_await std::move(quiet);
  auto first = a_.stop();
  co_await std::move(first);
  auto second = b_.stop();
  co_await std::move(second);
}

chat_side* chat_room::side(std::string_view id) {
  if (id == "a") return &a_;
  if (id == "b") return &b_;
  return nullptr;
}

chat_link* chat_room::link(std::string_view id) {
  if (id == "page") return &page_;
  auto* found = side(id);
  return found ? &found->link() : nullptr;
}

void chat_room::server_killed() {
  for (auto* link : {&a_.link(), &b_.link(), &page_}) link->cut("killed", "the server was killed");
}

void chat_room::look(bool server_runs) {
  server_.become(server_runs ? "running" : "down", time_.ms());
  a_.look(log_.log());
  b_.look(log_.log());
  notifications_->look();
}

boost::json::object chat_room::links() const {
  boost::json::object o;
  o["a"] = a_.link().state();
  o["b"] = b_.link().state();
  o["page"] = page_.state();
  return o;
}

boost::json::object chat_room::state() const {
  boost::json::object o, log, page, server;
  log["epoch"] = log_.log().epoch();
  log["head"] = log_.log().head();
  page["websocket"] = page_.socket_origin();
  page["http"] = page_.http_origin();
  server["bars"] = server_.json();
  o["log"] = std::move(log);
  o["clients"] = boost::json::array{a_.state(), b_.state()};
  o["page"] = std::move(page);
  o["server"] = std::move(server);
  return o;
}

}  // namespace tidewire::demo
