#include "transfer/download_connection.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/http/error.hpp>
#include <tidewire/transfer/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::transfer {
namespace {

// A body that nobody wants is read to its end when that is cheaper than a new connection.
constexpr std::uint64_t cheap_discard_bytes = 64 * 1024;
// A name that can't be resolved is more often wrong than late, as long as it never worked.
constexpr unsigned first_resolve_tries = 2;

bool brings_bytes(verdict_kind kind) {
  return kind == verdict_kind::begin || kind == verdict_kind::proceed ||
         kind == verdict_kind::whole;
}

}  // namespace

download_connection::download_connection(unsigned id, download_state& state, http::client& client,
                                         host_gate& gate, rng random,
                                         std::function<unsigned()> running,
                                         std::function<void()> news)
    : id_(id),
      state_(state),
      client_(client),
      gate_(gate),
      random_(random),
      all_running_(std::move(running)),
      news_(std::move(news)),
      timer_(client.get_executor()),
      pause_timer_(client.get_executor()) {}

void download_connection::interrupt() {
  interrupted_ = true;
  cancel_.emit(asio::cancellation_type::terminal);
}

void download_connection::end() {
  ending_ = true;
  timer_.cancel();
  pause_timer_.cancel();
  cancel_.emit(asio::cancellation_type::terminal);
}

asio::awaitable<void> download_connection::run(fetch_job first) {
  co_await asio::this_coro::throw_if_cancelled(false);
  running_ = true;
  std::optional<fetch_job> next = std::move(first);
  while (next && !ending_) {
    job_ = *next;
    co_await wait_at_gate();
    if (ending_) break;
    if (!state_.outdated(job_)) co_await fetch();
    if (ending_ || state_.failed()) break;
    auto delay = settle();
    state_.release(id_);
    if (!delay) {
      retired_ = true;
      break;
    }
    if (*delay > clock::duration(0)) co_await wait(*delay);
    // Fewer may be wanted since the server asked for that: whoever is done first goes.
    if (ending_ || all_running_() > state_.wanted_connections()) break;
    next = state_.plan(id_, 1);
  }
  state_.release(id_);
  doing_ = activity::idle;
  running_ = false;
}

asio::awaitable<void> download_connection::wait(clock::duration delay) {
  doing_ = activity::waiting;
  timer_.expires_after(delay);
  auto token = asio::as_tuple(asio::use_awaitable);
  co_await timer_.async_wait(token);
}

asio::awaitable<void> download_connection::wait_at_gate() {
  while (!ending_) {
    auto delay = gate_.wait(state_.source(job_.source).location.origin(), state_.time().now());
    if (delay <= clock::duration(0)) break;
    co_await wait(delay);
  }
}

asio::awaitable<void> download_connection::fetch() {
  doing_ = activity::fetching;
  job_started_ = state_.time().now();
  verdict_.reset();
  interrupted_ = wanted_body_ = gained_ = false;
  body_bytes_ = discarded_bytes_ = 0;
  ++state_.result_.requests;
  auto request = state_.request_for(job_);
  asked_origin_ = request.target.origin();
  auto token = asio::bind_cancellation_slot(cancel_.slot(), asio::as_tuple(asio::use_awaitable));
  http::exchange_handler& handler = *this;
  auto [ec, summary] = co_await client_.async_exchange(std::move(request), handler, token);
  pause_timer_.cancel();
  control_.reset();
  ec_ = ec;
  summary_ = std::move(summary);
}

void download_connection::on_start(std::shared_ptr<http::exchange_control> control) {
  control_ = std::move(control);
}

// Before anything else, and for an answer that nobody wants any more too: the origin was asked.
void download_connection::heed_retry_after(const http::response_head& head) {
  auto delay =
      retry_after_of(head, state_.time().wall_now(), state_.settings().retries.max_retry_after);
  if (!delay) return;
  auto now = state_.time().now();
  gate_.close_until(asked_origin_, now + *delay, now);
}

http::flow download_connection::on_head(const http::response_head& head) {
  heed_retry_after(head);
  if (ending_ || state_.failed() || state_.outdated(job_)) return http::flow::stop;
  auto before = state_.generation();
  auto wanted_before = state_.wanted_connections();
  verdict_ = state_.take_head(id_, job_, head);
  head_ = head;
  wanted_body_ = brings_bytes(verdict_->kind);
  // This answer began a new generation: the connection belongs to it now.
  if (wanted_body_ && state_.generation() != before) job_.generation = state_.generation();
  if (state_.failed()) return http::flow::stop;
  if (state_.wanted_connections() > wanted_before) news_();
  if (wanted_body_) return http::flow::proceed;
  bool cheap = head.content_length && *head.content_length <= cheap_discard_bytes;
  return cheap ? http::flow::proceed : http::flow::stop;
}

http::flow download_connection::on_body(std::span<const std::byte> bytes) {
  if (ending_) return http::flow::stop;
  if (!wanted_body_) {
    discarded_bytes_ += bytes.size();
    return discarded_bytes_ > cheap_discard_bytes ? http::flow::stop : http::flow::proceed;
  }
  auto now = state_.time().now();
  if (auto delay = state_.limiter().wait(now); delay > clock::duration(0)) {
    pause_timer_.expires_after(delay);
    pause_timer_.async_wait([control = control_](error_code ec) {
      if (!ec) control->resume();
    });
    return http::flow::pause;
  }
  state_.limiter().take(bytes.size(), now);
  body_bytes_ += bytes.size();
  auto held = state_.held_bytes();
  bool wants_more = state_.take_body(id_, job_, bytes);
  if (state_.held_bytes() > held) gained_ = true;
  if (state_.complete()) news_();
  return wants_more ? http::flow::proceed : http::flow::stop;
}

std::optional<clock::duration> download_connection::settle() {
  // The same bytes again are no progress: a server without ranges that always breaks off would
  // be asked for ever.
  if (gained_) failures_ = 0;
  if (state_.outdated(job_) || interrupted_) return clock::duration(0);
  if (verdict_ && !brings_bytes(verdict_->kind)) return settle_verdict(*verdict_);
  if (!ec_) {
    state_.take_end(id_, job_, head_.self_delimited);
    // An answer without a byte, where some were missing, must not be asked for again at once.
    if (body_bytes_ == 0 && !state_.complete())
      return retry(errc::bad_response, "an answer without the bytes asked for", std::nullopt);
    return clock::duration(0);
  }
  // We ended it ourselves: the piece is complete, or its rest belongs to somebody else.
  if (ec_ == http::errc::stopped_by_handler) return clock::duration(0);
  return settle_error();
}

std::optional<clock::duration> download_connection::settle_verdict(const verdict& v) {
  switch (v.kind) {
    case verdict_kind::redirect:
      if (auto ec = state_.follow(job_, head_))
        return give_up(errc::refused,
                       "the server redirects to where this client does not follow: " + ec.message(),
                       ec);
      return v.retry_after.value_or(clock::duration(0));
    case verdict_kind::reprobe:
      if (state_.reprobe(job_)) return clock::duration(0);
      [[fallthrough]];
    case verdict_kind::refused:
      state_.result_.http_status = head_.status;
      return give_up(errc::refused, v.reason, {});
    case verdict_kind::later:
      if (v.overloaded) state_.connections().halve(job_started_, state_.time().now());
      state_.result_.http_status = head_.status;
      return retry(errc::network_exhausted, v.reason, v.retry_after);
    case verdict_kind::bad_range:
    case verdict_kind::unproved:
      if (state_.give_up_ranges(job_)) return clock::duration(0);
      return retry(errc::bad_response, v.reason, std::nullopt);
    case verdict_kind::changed:
    case verdict_kind::complete:
    default:
      return clock::duration(0);
  }
}

std::optional<clock::duration> download_connection::settle_error() {
  auto why = summary_.detail.empty() ? ec_.message() : summary_.detail;
  if (ec_ == http::errc::bad_message || ec_ == http::errc::limit_exceeded)
    return give_up(errc::bad_response, why, ec_);
  if (ec_ != condition::retryable) return give_up(errc::network_exhausted, why, ec_);
  if (ec_ == http::errc::resolve_failed && state_.result_.received_bytes == 0 &&
      failures_ + 1 >= first_resolve_tries)
    return give_up(errc::network_exhausted, why, ec_);
  return retry(errc::network_exhausted, why, std::nullopt);
}

std::optional<clock::duration> download_connection::retry(
    error_code ec, const std::string& why, std::optional<clock::duration> retry_after) {
  ++failures_;
  auto delay = state_.settings().retries.next(failures_, make_error_code(tidewire::errc::timed_out),
                                              retry_after, random_);
  if (!delay) return give_up(ec, why, ec_);
  ++state_.result_.retries;
  auto whole_ms = std::chrono::duration_cast<std::chrono::milliseconds>(*delay).count();
  state_.say(retry_after ? download_event::kind_type::throttled : download_event::kind_type::retry,
             id_, why + "; next try in " + std::to_string(whole_ms) + " ms");
  return delay;
}

// The connection retires; the download fails with it only when no other one is left.
std::optional<clock::duration> download_connection::give_up(error_code ec, const std::string& why,
                                                            error_code cause) {
  bool final_no = ec == errc::refused || ec == errc::bad_response;
  if (!final_no && all_running_() > 1) return std::nullopt;
  if (state_.give_up_source(job_.source)) {
    failures_ = 0;
    return clock::duration(0);
  }
  state_.fail(ec, why, cause);
  return std::nullopt;
}

}  // namespace tidewire::transfer
