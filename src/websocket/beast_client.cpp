#include "websocket/beast_connection.hpp"
#include "websocket/dial.hpp"
#include "websocket/head_tap.hpp"
#include "websocket/proxy.hpp"
#include "websocket/upgrade.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/initiate_on.hpp>
#include <tidewire/core/timeout.hpp>
#include <tidewire/http/date.hpp>
#include <tidewire/http/error.hpp>
#include <tidewire/websocket/beast_client.hpp>
#include <tidewire/websocket/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/error.hpp>

#include <utility>

namespace tidewire::websocket {
namespace {

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
// What a refusal may ask for at most; callers cut it further.
constexpr auto max_retry_after = std::chrono::hours(24);

// What all attempts of one client share, also those that outlive it.
struct shared_state {
  shared_state(context c, beast_client_options o) : ctx(std::move(c)), options(std::move(o)) {}

  result<asio::ssl::context*> tls_context() {
    if (!tls) {
      auto made = make_tls_context(options.ca_file);
      if (!made) return made.error();
      tls = std::move(*made);
    }
    return tls.get();
  }

  context ctx;
  beast_client_options options;
  std::unique_ptr<asio::ssl::context> tls;
};

struct outcome {
  std::unique_ptr<connection> socket;
  connect_summary summary;
};

struct attempt {
  attempt(std::shared_ptr<shared_state> s, connect_request r)
      : shared(std::move(s)), request(std::move(r)) {}

  std::shared_ptr<shared_state> shared;
  connect_request request;
  std::string stage;  // for the deadline
  outcome result;
};

client_hello make_hello(const attempt& a, http::fields headers) {
  const auto& target = a.request.target;
  client_hello out;
  out.host = target.host();
  bool usual = target.port() == (target.scheme() == "https" ? 443 : 80);
  if (!usual) out.host += ":" + std::to_string(target.port());
  out.target = target.target();
  out.headers = std::move(headers);
  if (out.headers.count("User-Agent") == 0)
    out.headers.add("User-Agent", a.shared->options.user_agent);
  if (!target.userinfo().empty() && out.headers.count("Authorization") == 0)
    out.headers.add("Authorization", basic_authorization(target.userinfo()));
  out.limits = a.request.limits;
  return out;
}

void note_refusal(attempt& a, const http::response_head& head) {
  auto& summary = a.result.summary;
  summary.detail = "the server answered " + std::to_string(head.status);
  auto after = head.headers.find("Retry-After");
  if (!after) return;
  auto now = clock(a.shared->ctx.exec).wall_now();
  if (auto delay = http::parse_retry_after(*after, now, max_retry_after))
    summary.retry_after = std::chrono::ceil<std::chrono::seconds>(*delay);
}

// What the end of the handshake means.
error_code judge(attempt& a, const head_tap& tap, error_code ec, const http::fields& asked) {
  auto& summary = a.result.summary;
  const auto* head = tap.head();
  if (head) summary.status = head->status;
  if (head && head->status != 101) {
    note_refusal(a, *head);
    return make_error_code(errc::refused);
  }
  if (ec == asio::error::operation_aborted) return ec;
  if (head && !ec) ec = check_answer(head->headers, asked);
  if (!ec) return ec;
  summary.detail = ec.message();
  if (head) return make_error_code(errc::bad_handshake);
  if (tap.failure().category() == http::category()) return tap.failure();
  return http::make_error_code(tap.failure() ? http::errc::receive_failed
                                             : http::errc::send_failed);
}

asio::awaitable<error_code> run(std::shared_ptr<attempt> a) {
  auto& shared = *a->shared;
  auto& summary = a->result.summary;
  auto headers = clean_headers(a->request.headers);
  if (!headers) {
    summary.detail = "a header field can't be sent";
    co_return headers.error();
  }
  asio::ssl::context* tls = nullptr;
  if (a->request.target.scheme() == "https") {
    auto made = shared.tls_context();
    if (!made) summary.detail = "the trusted certificates can't be read: " + made.error().message();
    if (!made) co_return http::make_error_code(http::errc::tls_failed);
    tls = *made;
  }
  auto dialling = dial(shared.ctx.exec, a->request.target, shared.options, tls, a->stage);
  auto line = co_await std::move(dialling);
  if (line.failure) {
    summary.detail = line.detail;
    co_return line.failure;
  }
  a->stage = "waiting for the answer to the upgrade";
  auto tap = std::make_shared<head_tap>(line.line);
  auto hello = make_hello(*a, *headers);
  auto shake = async_client_handshake(tap, std::move(hello), quietly);
  auto [ec, socket] = co_await std::move(shake);
  auto verdict = judge(*a, *tap, ec, *headers);
  if (!verdict)
    a->result.socket = std::move(socket);
  else
    tap->close();
  co_return verdict;
}

asio::awaitable<std::pair<error_code, outcome>> run_in_time(std::shared_ptr<attempt> a) {
  auto steps = run(a);
  auto limited = with_timeout(a->request.limits.handshake, std::move(steps));
  auto ec = co_await std::move(limited);
  if (ec == tidewire::errc::timed_out) a->result.summary.detail = "timed out " + a->stage;
  if (ec) a->result.socket.reset();
  std::pair<error_code, outcome> out(ec, std::move(a->result));
  co_return out;
}

class beast_client final : public client {
 public:
  beast_client(context ctx, beast_client_options options)
      : shared_(std::make_shared<shared_state>(std::move(ctx), std::move(options))) {}

  executor get_executor() const override { return shared_->ctx.exec; }

 private:
  using completion =
      asio::any_completion_handler<void(error_code, std::unique_ptr<connection>, connect_summary)>;

  void start(connect_request request, completion done) override {
    auto ex = asio::get_associated_executor(done, shared_->ctx.exec);
    auto slot = asio::get_associated_cancellation_slot(done);
    auto unpack = [done = std::move(done)](error_code ec, outcome out) mutable {
      std::move(done)(ec, std::move(out.socket), std::move(out.summary));
    };
    auto cancellable = asio::bind_cancellation_slot(slot, std::move(unpack));
    auto bound = asio::bind_executor(ex, std::move(cancellable));
    auto a = std::make_shared<attempt>(shared_, std::move(request));
    auto body = [a] { return run_in_time(a); };
    initiate_on<void(error_code, outcome)>(shared_->ctx.exec, std::move(bound), std::move(body));
  }

  std::shared_ptr<shared_state> shared_;
};

}  // namespace

std::unique_ptr<client> make_beast_client(context ctx, beast_client_options options) {
  return std::make_unique<beast_client>(std::move(ctx), std::move(options));
}

}  // namespace tidewire::websocket
