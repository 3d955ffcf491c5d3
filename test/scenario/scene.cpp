#include "scene.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace tidewire::test {

using namespace std::chrono_literals;

struct scene::client_process {
  explicit client_process(scene& s)
      : process(s.world),
        client(s.network, process.get_executor()),
        downloads(context(process.get_executor(), s.world.random("client")), client, s.disk) {
    s.disk.run_blocking_calls_on(process.get_executor());
  }

  lab::process process;
  lab::client client;
  transfer::downloader downloads;
};

unsigned download_call::count(transfer::download_event::kind_type kind) const {
  return static_cast<unsigned>(
      std::count_if(events.begin(), events.end(), [kind](auto& e) { return e.kind == kind; }));
}

scene::scene(std::uint64_t size)
    : plan(world),
      network(world, plan),
      disk(world, &plan),
      served(std::make_shared<resource>()),
      host(network.add_host(origin)) {
  served->size = size;
  disk.make_directory("/home");
  host.start(serve(served));
}

scene::~scene() = default;

http::url scene::url(const std::string& origin, const std::string& path) {
  return *http::url::parse(origin + path);
}

transfer::download_request scene::request() const {
  transfer::download_request request(url(origin));
  request.to_file(target).connections(4).min_split_bytes(64 * 1024);
  return request;
}

scene::client_process& scene::client() {
  if (!client_) client_ = std::make_unique<client_process>(*this);
  return *client_;
}

transfer::downloader& scene::downloads() {
  return client().downloads;
}

std::shared_ptr<download_call> scene::start(transfer::download_request request) {
  auto call = std::make_shared<download_call>();
  network.set_faults(link);
  if (!request.settings().on_progress)
    request.on_progress([call](const transfer::download_progress& p) { call->progress = p; }, 10ms);
  request.on_event([call](const transfer::download_event& e) { call->events.push_back(e); });
  downloads().async_download(std::move(request),
                             [call](error_code ec, transfer::download_result result) {
                               call->ended = true;
                               call->ec = ec;
                               call->result = std::move(result);
                             });
  return call;
}

void scene::run_until_end(const download_call& call) {
  auto deadline = world.now() + 3h;
  world.run_while([&] { return !call.ended && world.now() < deadline; });
}

std::shared_ptr<download_call> scene::run(transfer::download_request request) {
  auto call = start(std::move(request));
  run_until_end(*call);
  return call;
}

void scene::kill_client() {
  client().process.kill();
  disk.kill();
  client_.reset();
}

void scene::cut_power() {
  client().process.kill();
  disk.power_cut_losing_all();
  client_.reset();
}

std::optional<std::string> scene::bytes_of(const std::string& path) const {
  auto all = disk.paths();
  if (std::find(all.begin(), all.end(), path) == all.end()) return std::nullopt;
  auto bytes = disk.bytes(path);
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

http::sha256_digest scene::digest() const {
  auto text = served->content();
  http::sha256_hasher hasher;
  hasher.update(std::as_bytes(std::span(text)));
  return hasher.finish();
}

}  // namespace tidewire::test
