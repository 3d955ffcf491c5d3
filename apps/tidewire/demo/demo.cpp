#include "demo.hpp"

#include "command_body.hpp"
#include "console.hpp"
#include "download_order.hpp"

#include <tidewire/http/url.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include <fmt/format.h>

#include <utility>

namespace tidewire::demo {
namespace {

namespace json = boost::json;

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds tick{100};
constexpr std::size_t max_name_bytes = 200;  // leaves room for ".part.journal"

context part_of(const context& ctx, std::string_view name) {
  auto out = ctx;
  out.random = ctx.random.stream(name);
  return out;
}

server::http_server_options console_options(const demo_options& o) {
  server::http_server_options out;
  out.address = o.address;
  out.port = o.port;
  out.max_connections = 256;
  out.max_body_bytes = 64 * 1024;
  return out;
}

struct path_words {
  std::string id;
  std::string_view verb;  // empty: none
};

// "/demo/downloads/d1/kill" -> "d1", "kill". `path` starts with `prefix`.
path_words split_path(std::string_view path, std::string_view prefix) {
  auto rest = path.substr(prefix.size());
  auto slash = rest.find('/');
  auto verb = slash == rest.npos ? std::string_view() : rest.substr(slash + 1);
  return {std::string(rest.substr(0, slash)), verb};
}

}  // namespace

demo::demo(context ctx, file::filesystem& disk, const data_folder& data,
           std::vector<offered_file> files, demo_options options)
    : ctx_(std::move(ctx)),
      options_(std::move(options)),
      files_(std::move(files)),
      disk_(disk),
      chat_folder_(data.chat()),
      origin_(part_of(ctx_, "origin"), disk, data.backend(), data.files()),
      downloads_(part_of(ctx_, "downloads"), disk, data.downloads()),
      console_(part_of(ctx_, "console"), console_options(options_),
               [this](server::request& req) { return answer(req); }),
      tick_(ctx_.exec) {
  add_routes();
  json::object about;
  auto random = ctx_.random.stream("instance");
  about["version"] = options_.version;
  about["instance"] = fmt::format("{:016x}", random());
  (void)events_.publish("demo", json::serialize(about));
  (void)events_.publish("files", json::serialize(describe(files_)));
}

result<void> demo::listen() {
  if (auto listening = console_.listen(); !listening) return listening;
  origin_.allow_pages(page_origins());
  if (auto listening = origin_.listen(); !listening) return listening;
  link_ = std::make_unique<faulty_link>(part_of(ctx_, "link"), origin_.port());
  if (auto listening = link_->listen(); !listening) return listening;
  chat_ = std::make_unique<chat_room>(part_of(ctx_, "chat"), disk_, chat_folder_, origin_.port());
  if (auto listening = chat_->listen(); !listening) return listening;
  auto sockets = chat_->page_link().socket_origin();
  page_connects_to_ = "ws" + sockets.substr(4) + " " + chat_->page_link().http_origin();
  publish();
  return {};
}

// How a browser on this machine may name the console.
std::vector<std::string> demo::page_origins() const {
  auto host = options_.address.find(':') == std::string::npos ? options_.address
                                                              : "[" + options_.address + "]";
  std::vector<std::string> out;
  for (const auto& name : {host, std::string("localhost")})
    out.push_back(fmt::format("http://{}:{}", name, console_.port()));
  return out;
}

asio::awaitable<void> demo::run() {
  using asio::experimental::awaitable_operators::operator&&;
  auto origin = origin_.run();
  auto link = link_->run();
  auto told = tell();
  auto chat = chat_->run();
  auto both = std::move(origin) && std::move(link);
  auto three = std::move(both) && std::move(chat);
  auto all = std::move(three) && std::move(told);
  auto serving = console_.async_run(asio::use_awaitable);
  auto everything = std::move(all) && std::move(serving);
  co_await std::move(everything);
}

void demo::stop() {
  stopping_ = true;
  tick_.cancel();
}

// Publishes what is so; at the end closes everything.
asio::awaitable<void> demo::tell() {
  while (!stopping_) {
    publish();
    tick_.expires_after(tick);
    co_await tick_.async_wait(quietly);
  }
  events_.close();
  console_.stop(std::chrono::seconds(0));
  auto ending = downloads_.stop();
  co_await std::move(ending);
  auto silence = chat_->stop();
  co_await std::move(silence);
  link_->stop();
  origin_.stop();
}

void demo::publish() {
  (void)events_.publish("link", json::serialize(link_->state()));
  (void)events_.publish("server", json::serialize(origin_.state()));
  (void)events_.publish("downloads", json::serialize(downloads_.state()));
  chat_->look(origin_.running());
  (void)events_.publish("links", json::serialize(chat_->links()));
  (void)events_.publish("chat", json::serialize(chat_->state()));
  (void)events_.publish("notifications", json::serialize(chat_->notifications().state()));
  // Once a second: pictures over time are drawn by it.
  auto seconds = chat_->now_ms() / 1000;
  (void)events_.publish("clock", fmt::format("{{\"ms\":{}}}", seconds * 1000));
}

void demo::add_command(std::string path, command call) {
  routes_.add("POST", std::move(path),
              [this, call](server::request& req) { return (this->*call)(req); });
}

void demo::add_order(std::string path, order call) {
  routes_.add("POST", std::move(path),
              [this, call = std::move(call)](server::request& req) { return obey(req, call); });
}

void demo::add_routes() {
  add_console(routes_, options_.page);
  routes_.add("GET", "/events", events_.get_handler());
  add_order("/demo/link", [this](const json::object& body) { return link_->change(body); });
  add_order("/demo/link/cut", [this](const json::object&) {
    link_->cut();
    return outcome();
  });
  add_order("/demo/link/stall", [this](const json::object& body) { return link_->stall(body); });
  add_order("/demo/server/restart",
            [this](const json::object& body) { return restart_server(body, false); });
  add_order("/demo/server/kill",
            [this](const json::object& body) { return restart_server(body, true); });
  add_command("/demo/links/*", &demo::change_link);
  add_command("/demo/chat/*", &demo::change_chat);
  add_command("/demo/notifications", &demo::notify);
  add_order("/demo/notifications/poll", [this](const json::object&) {
    chat_->notifications().poll_now();
    return outcome();
  });
  add_command("/demo/downloads", &demo::add_download);
  add_command("/demo/downloads/*", &demo::change_download);
}

asio::awaitable<server::response> demo::answer(server::request& req) {
  auto routing = routes_.route(req);
  auto out = co_await std::move(routing);
  secure(out, page_connects_to_);
  if (req.method == "POST") publish();  // the page sees what its command did at once
  co_return out;
}

asio::awaitable<server::response> demo::obey(server::request& req, order call) {
  json::object body;
  auto reading = read_command(req, body);
  auto how = co_await std::move(reading);
  if (!how) how = call(body);
  co_return answer_of(how);
}

// What the order means here: offered files come through the link.
outcome demo::source_of(const json::object& body, download_source& out) const {
  download_order order;
  if (auto no = order.read(body)) return no;
  out.connections = order.connections;
  if (!order.url.empty()) {
    auto url = http::url::parse(order.url);
    out.url = order.url;
    out.name = url ? url->file_name() : std::string();
    if (out.name.empty()) out.name = "download";
    if (out.name.size() > max_name_bytes)
      return refusal{422, "the name at the URL's end is too long"};
    return {};
  }
  for (const auto& f : files_) {
    if (f.name != order.file) continue;
    out.url = fmt::format("http://127.0.0.1:{}/files/{}", link_->port(), path_segment(f.name));
    out.name = f.name;
    out.sha256 = f.sha256;
    out.local = true;
    return {};
  }
  return refusal{404, "no such file is offered"};
}

asio::awaitable<server::response> demo::add_download(server::request& req) {
  json::object body;
  auto reading = read_command(req, body);
  auto how = co_await std::move(reading);
  download_source source;
  std::string id;
  if (!how) how = source_of(body, source);
  if (!how) how = downloads_.add(std::move(source), id);
  auto out = answer_of(how);
  if (!how) {
    out.status = 201;
    out.headers.set("Content-Type", "application/json");
    out.body = server::text_body("{\"id\":\"" + id + "\"}");
  }
  co_return out;
}

asio::awaitable<server::response> demo::change_download(server::request& req) {
  auto [id, verb] = split_path(req.path, "/demo/downloads/");
  json::object body;
  auto reading = read_command(req, body);
  auto how = co_await std::move(reading);
  if (how) co_return answer_of(how);
  if (verb == "resume") {
    auto resuming = downloads_.resume(id);
    how = co_await std::move(resuming);
  } else if (verb == "pause") {
    how = downloads_.pause(id);
  } else if (verb == "kill") {
    how = downloads_.kill(id);
  } else if (verb == "remove") {
    how = downloads_.remove(id);
  } else {
    how = refusal{404, "a download knows pause, kill, resume and remove"};
  }
  co_return answer_of(how);
}

// Who is killed says nothing: every connection breaks before the server could.
outcome demo::restart_server(const json::object& how, bool kill) {
  std::chrono::milliseconds down{};
  if (auto no = origin_server::read_down_time(how, down)) return no;
  if (kill && origin_.running()) {
    link_->cut();
    chat_->server_killed();
  }
  origin_.restart(down);
  return {};
}

asio::awaitable<server::response> demo::change_link(server::request& req) {
  auto [id, verb] = split_path(req.path, "/demo/links/");
  json::object body;
  auto reading = read_command(req, body);
  auto how = co_await std::move(reading);
  if (how) co_return answer_of(how);
  auto* link = chat_->link(id);
  if (!link) {
    how = refusal{404, "there are the links a, b and page"};
  } else if (verb.empty()) {
    how = link->change(body);
  } else if (verb == "cut") {
    link->cut("cut", "every connection was reset");
  } else if (verb == "stall") {
    how = link->stall(body);
  } else if (verb == "half-open") {
    how = link->half_open(body);
  } else {
    how = refusal{404, "a link knows cut, stall and half-open"};
  }
  co_return answer_of(how);
}

asio::awaitable<server::response> demo::change_chat(server::request& req) {
  auto [id, verb] = split_path(req.path, "/demo/chat/");
  json::object body;
  auto reading = read_command(req, body);
  auto how = co_await std::move(reading);
  if (how) co_return answer_of(how);
  auto* side = chat_->side(id);
  if (!side) {
    how = refusal{404, "the chat's native clients are a and b"};
  } else if (verb == "send") {
    how = side->send(body);
  } else if (verb == "burst") {
    how = side->burst(body);
  } else {
    how = refusal{404, "a client of the chat knows send and burst"};
  }
  co_return answer_of(how);
}

asio::awaitable<server::response> demo::notify(server::request& req) {
  json::object body;
  auto reading = read_command(req, body);
  auto how = co_await std::move(reading);
  if (how) co_return answer_of(how);
  auto publishing = chat_->notifications().publish(std::move(body));
  how = co_await std::move(publishing);
  co_return answer_of(how);
}

}  // namespace tidewire::demo
