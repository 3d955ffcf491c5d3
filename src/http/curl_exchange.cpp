#include "http/curl_exchange.hpp"

#include "http/curl_errors.hpp"
#include "http/curl_loop.hpp"
#include "http/parse.hpp"

#include <tidewire/core/error.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/system/errc.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace tidewire::http {
namespace {

// What a handler keeps: it may outlive the exchange, and then does nothing.
class control final : public exchange_control {
 public:
  control(executor ex, std::weak_ptr<curl_exchange> exchange)
      : executor_(std::move(ex)), exchange_(std::move(exchange)) {}

  void resume() override {
    if (exchange_.expired()) return;
    // Posted, since the handler may call this from inside libcurl's callback.
    asio::post(executor_, [weak = exchange_] {
      if (auto exchange = weak.lock()) exchange->resume();
    });
  }

 private:
  executor executor_;
  std::weak_ptr<curl_exchange> exchange_;
};

}  // namespace

curl_exchange::work::work(const executor& own_side, const asio::any_completion_executor& their_side)
    : own(asio::prefer(own_side, asio::execution::outstanding_work.tracked)),
      theirs(asio::prefer(their_side, asio::execution::outstanding_work.tracked)) {}

curl_exchange::curl_exchange(std::weak_ptr<curl_loop> loop, const executor& ex,
                             std::shared_ptr<const curl_client_options> options, request req,
                             exchange_handler& handler, completion done)
    : loop_(std::move(loop)),
      executor_(ex),
      options_(std::move(options)),
      request_(std::move(req)),
      handler_(&handler),
      done_(std::move(done)),
      work_(std::in_place, executor_, asio::get_associated_executor(done_, executor_)),
      reader_(request_.method == "HEAD", request_.limits.head_bytes),
      clock_(ex),
      timer_(ex) {}

curl_exchange::~curl_exchange() {
  curl_easy_cleanup(easy_);
  curl_slist_free_all(header_list_);
}

void curl_exchange::connect_slot() {
  auto slot = asio::get_associated_cancellation_slot(done_);
  if (!slot.is_connected()) return;
  // The signal may be emitted by another thread at any time, so this only posts.
  slot.assign([ex = executor_, weak = weak_from_this()](asio::cancellation_type) {
    if (auto self = weak.lock())
      asio::post(ex, [self] { self->finish(asio::error::operation_aborted); });
  });
}

error_code curl_exchange::prepare() {
  handler_->on_start(std::make_shared<control>(executor_, weak_from_this()));
  if (auto problem = check_request()) return problem;
  easy_ = curl_easy_init();
  if (!easy_) return make_error_code(boost::system::errc::not_enough_memory);
  return set_options();
}

void curl_exchange::abandon() {
  finished_ = true;
  ++timer_generation_;
  timer_.cancel();
  work_.reset();
}

void curl_exchange::finish(error_code ec) {
  if (std::exchange(finished_, true)) return;
  ++timer_generation_;
  timer_.cancel();
  auto loop = loop_.lock();
  if (easy_) {
    long connects = 0;
    curl_easy_getinfo(easy_, CURLINFO_NUM_CONNECTS, &connects);
    summary_.reused_connection = phase_ >= phase::head && connects == 0;
    if (loop) loop->remove(*this);
  }
  if (ec && summary_.detail.empty())
    summary_.detail = error_text_[0] ? printable(error_text_.data()) : ec.message();
  if (!loop) return;
  report_outcome(loop->get_context(), ec, summary_);

  loop->handler_started();
  // Posted, because libcurl's results are being walked through; from there on to the handler's
  // side.
  asio::post(executor_, [self = shared_from_this(), loop, ec] { self->complete(loop, ec); });
}

void curl_exchange::complete(const std::shared_ptr<curl_loop>& loop, error_code ec) {
  auto ex = asio::get_associated_executor(done_, executor_);
  asio::dispatch(ex, [self = shared_from_this(), loop, ec]() mutable {
    struct returned {
      curl_loop& loop;
      ~returned() { loop.handler_returned(); }
    } after{*loop};
    auto keep_running = std::exchange(self->work_, std::nullopt);
    if (auto slot = asio::get_associated_cancellation_slot(self->done_); slot.is_connected())
      slot.clear();
    auto done = std::move(self->done_);
    auto summary = std::move(self->summary_);
    self.reset();
    std::move(done)(ec, std::move(summary));
  });
}

void curl_exchange::finish_with(CURLcode code) {
  finish(error_for(code));
}

error_code curl_exchange::error_for(CURLcode code) const {
  if (verdict_) return verdict_;
  if (code == CURLE_OK && !reader_.complete()) return make_error_code(errc::bad_message);
  curl_failure failure;
  failure.code = code;
  failure.text = error_text_.data();
  failure.head_complete = reader_.complete();
  if (code != CURLE_OK) {
    long connect_status = 0;
    curl_easy_getinfo(easy_, CURLINFO_HTTP_CONNECTCODE, &connect_status);
    failure.refused_by_proxy = connect_status != 0 && connect_status / 100 != 2;
  }
  return classify(failure);
}

// ---- what libcurl calls

std::size_t curl_exchange::on_header(char* data, std::size_t, std::size_t size,
                                     void* self) noexcept {
  return static_cast<curl_exchange*>(self)->take_header({data, size}) ? size : 0;
}

std::size_t curl_exchange::on_write(char* data, std::size_t, std::size_t size,
                                    void* self) noexcept {
  return static_cast<curl_exchange*>(self)->take_body(std::as_bytes(std::span(data, size)));
}

std::size_t curl_exchange::on_read(char* space, std::size_t, std::size_t size,
                                   void* self) noexcept {
  return static_cast<curl_exchange*>(self)->give_body(
      std::as_writable_bytes(std::span(space, size)));
}

int curl_exchange::on_seek(void* self, curl_off_t offset, int origin) noexcept {
  auto& me = *static_cast<curl_exchange*>(self);
  if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  if (me.request_.body && !me.request_.body->rewind()) return CURL_SEEKFUNC_FAIL;
  me.sent_bytes_ = 0;
  return CURL_SEEKFUNC_OK;
}

int curl_exchange::on_resolve(void*, void*, void* self) noexcept {
  static_cast<curl_exchange*>(self)->enter(phase::connecting);
  return 0;
}

curl_socket_t curl_exchange::on_open(void* self, curlsocktype, curl_sockaddr* address) noexcept {
  static_cast<curl_exchange*>(self)->enter(phase::connecting);
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int curl_exchange::on_ready(void* self, char*, char*, int, int) noexcept {
  static_cast<curl_exchange*>(self)->enter(phase::head);
  return CURL_PREREQFUNC_OK;
}

// False refuses.
bool curl_exchange::obey(flow next) {
  if (next == flow::pause) body_paused_ = true;
  if (next == flow::stop) verdict_ = make_error_code(errc::stopped_by_handler);
  return next != flow::stop;
}

bool curl_exchange::take_header(std::string_view line) {
  auto step = reader_.feed(line);
  if (!step) {
    verdict_ = step.error();
    return false;
  }
  if (*step != head_reader::step::head_complete) return true;
  summary_.status = reader_.head().status;
  phase_ = phase::body;
  auto accepted = obey(handler_->on_head(reader_.head()));
  touch();
  return accepted;
}

std::size_t curl_exchange::take_body(std::span<const std::byte> bytes) {
  // Paused by on_head, which libcurl has no word for.
  if (body_paused_) return CURL_WRITEFUNC_PAUSE;
  auto accepted = obey(handler_->on_body(bytes));
  touch();
  if (!accepted) return bytes.empty() ? 1 : 0;
  if (body_paused_) return CURL_WRITEFUNC_PAUSE;
  summary_.body_bytes += bytes.size();
  return bytes.size();
}

std::size_t curl_exchange::give_body(std::span<std::byte> space) {
  if (!request_.body) return 0;
  if (request_.content_length) {
    // Never more than announced: the rest would be read as another request.
    auto left = *request_.content_length - sent_bytes_;
    space = space.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, space.size())));
    if (space.empty()) return 0;
  }
  auto got = request_.body->read(space);
  source_paused_ = !got && got.error() == boost::system::errc::resource_unavailable_try_again;
  touch();
  if (source_paused_) return CURL_READFUNC_PAUSE;
  bool ends_early = got && *got == 0 && request_.content_length;
  if (!got || *got > space.size() || ends_early) {
    verdict_ = make_error_code(errc::body_source_failed);
    summary_.detail = !got ? got.error().message() : "the body has another length than announced";
    return CURL_READFUNC_ABORT;
  }
  sent_bytes_ += *got;
  return *got;
}

void curl_exchange::resume() {
  if (finished_ || !(body_paused_ || source_paused_)) return;
  body_paused_ = source_paused_ = false;
  touch();
  if (auto loop = loop_.lock()) loop->unpause(*this);
}

// ---- deadlines

void curl_exchange::enter(phase next) {
  if (phase_ == next) return;  // a second address, say: one deadline for all of them
  phase_ = next;
  touch();
}

void curl_exchange::touch() {
  auto& limits = request_.limits;
  auto limit = phase_ == phase::connecting ? limits.connect
               : phase_ == phase::head     ? limits.head
               : phase_ == phase::body     ? limits.idle
                                           : clock::duration(0);
  deadline_.reset();
  if (limit <= clock::duration(0) || body_paused_ || source_paused_) return;
  auto now = clock_.now();
  deadline_ = limit < clock::time_point::max() - now ? now + limit : clock::time_point::max();
  // A wait that ends too early finds the new deadline and goes on: no timer is set for each piece.
  if (!timer_running_ || timer_.expiry() > *deadline_) wait_for_deadline();
}

void curl_exchange::wait_for_deadline() {
  timer_running_ = true;
  timer_.expires_at(*deadline_);
  timer_.async_wait([weak = weak_from_this(), generation = ++timer_generation_](error_code) {
    auto self = weak.lock();
    if (self && generation == self->timer_generation_) self->deadline_passed();
  });
}

void curl_exchange::deadline_passed() {
  timer_running_ = false;
  if (finished_ || !deadline_) return;
  if (clock_.now() < *deadline_) return wait_for_deadline();
  summary_.detail = "nothing came within the limit";
  finish(make_error_code(phase_ == phase::connecting ? errc::connect_failed
                         : phase_ == phase::head     ? errc::head_timeout
                                                     : errc::idle_timeout));
}

}  // namespace tidewire::http
