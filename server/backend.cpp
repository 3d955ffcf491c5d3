#include <tidewire/core/error.hpp>
#include <tidewire/server/backend.hpp>
#include <tidewire/server/file_service.hpp>
#include <tidewire/server/router.hpp>

#include <atomic>
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

}  // namespace

struct backend::impl {
  impl(context ctx, file::filesystem& d, backend_options o)
      : disk(d),
        options(std::move(o)),
        files(d, files_of(options, ctx)),
        edge(std::move(ctx), options.http, answers()) {
    add_routes();
  }

  handler answers() {
    return [this](request& req) { return routes.route(req); };
  }
  void add_routes();

  file::filesystem& disk;
  backend_options options;
  router routes;
  file_service files;
  std::atomic<bool> ready = true;
  http_server edge;
};

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
}

backend::backend(context ctx, file::filesystem& disk, backend_options options)
    : impl_(std::make_unique<impl>(std::move(ctx), disk, std::move(options))) {}

backend::~backend() = default;

result<void> backend::listen() {
  for (const auto& folder : {impl_->options.data_folder, impl_->options.files_folder}) {
    auto there = impl_->disk.is_directory(folder);
    if (!there) return there.error();
    if (!*there) return make_error_code(errc::invalid_argument);
  }
  return impl_->edge.listen();
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
  impl_->edge.stop(grace);
}

}  // namespace tidewire::server
