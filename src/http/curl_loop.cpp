#include "http/curl_loop.hpp"

#include "http/curl_transfer.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include <new>
#include <utility>

namespace tidewire::http {
namespace {

// Of those that libcurl is given of a host, some wait for a connection, so that there is always one
// to go on with, and enough of them to fill an HTTP/2 connection.
constexpr std::size_t waiting_of_a_host = 128;

}  // namespace

// One socket that libcurl wants to hear of. The object stands for one use of the descriptor's
// number: libcurl may close it and get the same number for another socket while a wait is still on
// its way back, and then `alive` tells that the news is stale.
struct curl_loop::watch {
  watch(const executor& ex, curl_socket_t s) : fd(s), descriptor(ex) {}

  curl_socket_t fd;
  asio::posix::stream_descriptor descriptor;
  int interest = CURL_POLL_NONE;
  bool alive = true;
  bool reading = false, writing = false;  // a wait is under way

  bool wants(bool read) const {
    return alive &&
           (interest == CURL_POLL_INOUT || interest == (read ? CURL_POLL_IN : CURL_POLL_OUT));
  }
};

namespace {

CURLM* make_multi() {
  // libcurl's own global state; initialised once, and never torn down since others may use it.
  static const auto initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(initialised);
  return curl_multi_init();
}

}  // namespace

curl_loop::curl_loop(context ctx, std::size_t max_connections, std::size_t max_connections_per_host)
    : ctx_(std::move(ctx)),
      multi_(make_multi()),
      timer_(ctx_.exec),
      admission_(max_connections_per_host + waiting_of_a_host) {
  if (!multi_) throw std::bad_alloc();
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &curl_loop::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &curl_loop::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(max_connections));
  curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS,
                    static_cast<long>(max_connections_per_host));
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(max_connections));
}

curl_loop::~curl_loop() {
  abandon();
}

void curl_loop::abandon() {
  if (!multi_) return;
  stopping_ = true;
  for (auto& [easy, transfer] : std::exchange(transfers_, {})) {
    if (!admission_.waits(easy)) curl_multi_remove_handle(multi_, easy);
    transfer->abandon();
  }
  curl_multi_cleanup(std::exchange(multi_, nullptr));
  for (auto& [fd, w] : std::exchange(watches_, {})) {
    w->alive = false;
    w->descriptor.release();
  }
  ++timer_generation_;
  timer_.cancel();
}

void curl_loop::add(const std::shared_ptr<curl_transfer>& transfer) {
  // A cancel from another thread may overtake the start: Asio's queue is first-in-first-out for one
  // thread alone.
  if (transfer->finished()) return;
  if (stopping_) return transfer->finish(asio::error::operation_aborted);
  if (auto problem = transfer->prepare()) return transfer->finish(problem);
  transfers_.emplace(transfer->easy(), transfer);
  if (admission_.enter(transfer->origin(), transfer->easy())) give(transfer->easy());
}

void curl_loop::give(CURL* easy) {
  if (curl_multi_add_handle(multi_, easy) == CURLM_OK) return;
  auto transfer = transfers_.at(easy);
  transfer->finish_with(CURLE_FAILED_INIT);
}

void curl_loop::remove(curl_transfer& transfer) {
  auto it = transfers_.find(transfer.easy());
  if (it == transfers_.end()) return;
  auto keep = it->second;
  transfers_.erase(it);
  if (!admission_.waits(transfer.easy())) curl_multi_remove_handle(multi_, transfer.easy());
  if (auto next = admission_.leave(transfer.easy()); next && !stopping_) give(*next);
}

void curl_loop::unpause(curl_transfer& transfer) {
  if (!transfers_.contains(transfer.easy()) || admission_.waits(transfer.easy())) return;
  curl_easy_pause(transfer.easy(), CURLPAUSE_CONT);
  reap();
}

int curl_loop::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) noexcept {
  static_cast<curl_loop*>(self)->set_interest(fd, what);
  return 0;
}

void curl_loop::set_interest(curl_socket_t fd, int what) {
  auto it = watches_.find(fd);
  if (what == CURL_POLL_REMOVE) {
    if (it == watches_.end()) return;
    it->second->alive = false;
    it->second->descriptor.release();  // the descriptor is libcurl's, which closes it itself
    watches_.erase(it);
    return;
  }
  if (it == watches_.end()) {
    it = watches_.emplace(fd, std::make_shared<watch>(ctx_.exec, fd)).first;
    error_code failed;
    it->second->descriptor.assign(fd, failed);  // the wait below reports a failure
  }
  auto w = it->second;
  w->interest = what;
  wait_for(w, true);
  wait_for(w, false);
}

void curl_loop::wait_for(const std::shared_ptr<watch>& w, bool read) {
  auto& pending = read ? w->reading : w->writing;
  if (pending || !w->wants(read)) return;
  pending = true;
  auto kind =
      read ? asio::posix::stream_descriptor::wait_read : asio::posix::stream_descriptor::wait_write;
  w->descriptor.async_wait(kind, [weak = weak_from_this(), w, read](error_code ec) {
    if (auto self = weak.lock()) self->ready(w, read, ec);
  });
}

void curl_loop::ready(const std::shared_ptr<watch>& w, bool read, error_code ec) {
  (read ? w->reading : w->writing) = false;
  if (!w->wants(read)) return;
  drive(w->fd, ec ? CURL_CSELECT_ERR : read ? CURL_CSELECT_IN : CURL_CSELECT_OUT);
  if (!ec) wait_for(w, read);
}

int curl_loop::on_timer(CURLM*, long timeout_ms, void* self) noexcept {
  static_cast<curl_loop*>(self)->set_timer(timeout_ms);
  return 0;
}

void curl_loop::set_timer(long timeout_ms) {
  auto generation = ++timer_generation_;
  // There is one time-out, and each call replaces it: when an immediate one has been served,
  // libcurl does not take back a longer one from before.
  timer_.cancel();
  if (timeout_ms < 0) return;
  auto fire = [weak = weak_from_this(), generation](error_code ec) {
    if (auto self = weak.lock(); self && !ec) self->timer_expired(generation);
  };
  if (timeout_ms == 0) {
    asio::post(ctx_.exec, [fire] { fire({}); });
    return;
  }
  timer_.expires_after(std::chrono::milliseconds(timeout_ms));
  timer_.async_wait(std::move(fire));
}

void curl_loop::timer_expired(std::uint64_t generation) {
  if (generation == timer_generation_) drive(CURL_SOCKET_TIMEOUT, 0);
}

void curl_loop::drive(curl_socket_t fd, int events) {
  if (!multi_) return;
  int running = 0;
  curl_multi_socket_action(multi_, fd, events, &running);
  reap();
}

void curl_loop::reap() {
  int left = 0;
  while (auto* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    // The message dies with the handle's removal.
    auto code = message->data.result;
    auto it = transfers_.find(message->easy_handle);
    if (it == transfers_.end()) continue;
    auto transfer = it->second;
    transfer->finish_with(code);
  }
}

void curl_loop::stop(asio::any_completion_handler<void()> done) {
  asio::post(ctx_.exec, [self = shared_from_this(), done = std::move(done)]() mutable {
    self->stopping_ = true;
    self->stop_handlers_.push_back(std::move(done));
    for (auto& [easy, transfer] : std::unordered_map(self->transfers_))
      transfer->finish(asio::error::operation_aborted);
    self->finish_stop();
  });
}

void curl_loop::handler_returned() {
  // Both orders are safe: either this sees the stop, or the stop sees the count.
  if (--handlers_ == 0 && stopping_)
    asio::post(ctx_.exec, [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->finish_stop();
    });
}

void curl_loop::finish_stop() {
  if (handlers_ != 0) return;
  abandon();  // closes the idle connections
  for (auto& done : std::exchange(stop_handlers_, {})) {
    asio::post(ctx_.exec, [ex = ctx_.exec, done = std::move(done)]() mutable {
      auto theirs = asio::get_associated_executor(done, ex);
      asio::dispatch(theirs, std::move(done));
    });
  }
}

}  // namespace tidewire::http
