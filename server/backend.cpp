#include <tidewire/core/error.hpp>
#include <tidewire/server/backend.hpp>
#include <tidewire/server/file_service.hpp>
#include <tidewire/server/router.hpp>

#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <optional>
#include <utility>

namespace tidewire::server {
namespace {

response plain(unsigned status, std::string text, std::string type) {
  response out;
  out.status = status;
  out.headers.set("Content-Type", std::move(type));
  out.headers.set("Cache-Control", "no-store");
  out.headers.set("X-Content-Type-Options", "nosniff");
  out.body = text_body(std::move(text));
  return out;
}

file_service_options files_of(const backend_options& options, const context& ctx) {
  file_service_options out;
  out.folder = options.files_folder;
  auto random = ctx.random.stream("multipart boundary");
  out.boundary_seed = random();
  return out;
}

// A page's WebSocket brings its token in the hello.
http_server_options edge_of(const backend_options& options) {
  auto out = options.http;
  out.token_in_band.push_back("/realtime/");
  return out;
}

}  // namespace

struct backend::impl {
  impl(context ctx, file::filesystem& d, backend_options o)
      : disk(d),
        options(std::move(o)),
        files(d, files_of(options, ctx)),
        edge(ctx, edge_of(options), answers()) {
    open_messages(ctx);
    add_routes();
  }

  void open_messages(const context& ctx);
  result<std::unique_ptr<message_store>> open_store(rng random);

  handler answers() {
    return [this](request& req) { return routes.route(req); };
  }
  void add_routes();

  file::filesystem& disk;
  backend_options options;
  // Goes after the hub, whose strand is on it, and after the routes, which share the hub.
  std::unique_ptr<asio::thread_pool> store_thread;
  router routes;
  file_service files;
  std::atomic<bool> ready = true;
  std::optional<message_hub> hub;
  error_code store_error;
  std::string store_fault;
  http_server edge;
};

result<std::unique_ptr<message_store>> backend::impl::open_store(rng random) {
  if (options.messages_in == message_storage::postgres)
    return open_postgres_message_store(options.postgres, random, options.messages_keep,
                                       &store_fault);
  auto path = options.messages_file;
  if (path.empty()) path = options.data_folder + "/messages.db";
  auto store = open_sqlite_message_store(path, random, options.messages_keep, &store_fault);
  if (!store) store_fault = path + ": " + store_fault;
  return store;
}

void backend::impl::open_messages(const context& ctx) {
  auto random = ctx.random.stream("message store");
  auto hub_options = options.messages;
  hub_options.token = options.http.token;
  if (options.messages_in == message_storage::memory) {
    auto store = make_memory_message_store(random, options.messages_keep);
    hub.emplace(ctx, std::move(store), ctx.exec, std::move(hub_options));
    return;
  }
  auto store = open_store(random);
  if (!store) {
    store_error = store.error();
    return;
  }
  store_thread = std::make_unique<asio::thread_pool>(1);
  hub.emplace(ctx, std::move(*store), store_thread->get_executor(), std::move(hub_options));
}

void backend::impl::add_routes() {
  constexpr auto text = "text/plain; charset=utf-8";
  routes.add("GET", "/healthz",
             [](request&) -> asio::awaitable<response> { co_return plain(200, "ok\n", text); });
  // Ready: willing to take work, and the folders can be read.
  routes.add("GET", "/readyz", [this](request&) -> asio::awaitable<response> {
    auto there = disk.is_directory(options.files_folder);
    bool good = ready && there && *there;
    co_return plain(good ? 200 : 503, good ? "ready\n" : "not ready\n", text);
  });
  if (options.render_metrics) {
    routes.add("GET", "/metrics", [this](request&) -> asio::awaitable<response> {
      co_return plain(200, options.render_metrics(), "text/plain; version=0.0.4; charset=utf-8");
    });
  }
  files.add_routes(routes);
  if (hub) hub->add_routes(routes);
}

backend::backend(context ctx, file::filesystem& disk, backend_options options)
    : impl_(std::make_unique<impl>(std::move(ctx), disk, std::move(options))) {}

// What is being written is finished first.
backend::~backend() {
  if (impl_->store_thread) impl_->store_thread->join();
}

result<void> backend::listen() {
  for (const auto& folder : {impl_->options.data_folder, impl_->options.files_folder}) {
    auto there = impl_->disk.is_directory(folder);
    if (!there) return there.error();
    if (!*there) return make_error_code(errc::invalid_argument);
  }
  if (impl_->store_error) return impl_->store_error;
  return impl_->edge.listen();
}

const std::string& backend::fault() const {
  return impl_->store_fault;
}

message_hub* backend::messages() {
  return impl_->hub ? &*impl_->hub : nullptr;
}

std::uint16_t backend::port() const {
  return impl_->edge.port();
}

handler backend::get_handler() {
  return impl_->answers();
}

void backend::start(asio::any_completion_handler<void(error_code)> done) {
  impl_->edge.async_run(std::move(done));
}

void backend::stop(std::chrono::nanoseconds grace) {
  impl_->ready = false;
  if (impl_->hub) impl_->hub->drain();
  impl_->edge.stop(grace);
}

}  // namespace tidewire::server
