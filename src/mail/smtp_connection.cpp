#include "mail/smtp_connection.hpp"

#include "http/curl_errors.hpp"
#include "http/curl_loop.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/core/initiate.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace tidewire::mail {

smtp_connection::smtp_connection(std::weak_ptr<http::curl_loop> loop, const executor& ex,
                                 std::shared_ptr<const smtp_options> options,
                                 const smtp_endpoint& to)
    : loop_(std::move(loop)),
      executor_(ex),
      options_(std::move(options)),
      to_(to),
      descriptor_(ex) {}

smtp_connection::~smtp_connection() {
  close();
  curl_easy_cleanup(easy_);
}

// ---- dialling

asio::awaitable<error_code> smtp_connection::dial() {
  error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  auto start = [this](asio::any_completion_handler<void(error_code)> done) {
    begin(std::move(done));
  };
  auto op = initiate<void(error_code)>(std::move(start), std::move(token));
  co_await std::move(op);
  co_return ec;
}

void smtp_connection::begin(asio::any_completion_handler<void(error_code)> done) {
  done_.swap(done);
  state_ = state::dialling;
  if (auto slot = asio::get_associated_cancellation_slot(done_); slot.is_connected())
    slot.assign([weak = weak_from_this()](asio::cancellation_type) {
      if (auto self = weak.lock()) self->finish(asio::error::operation_aborted);
    });
  if (auto loop = loop_.lock()) return loop->add(shared_from_this());
  finish(asio::error::operation_aborted);
}

error_code smtp_connection::prepare() {
  easy_ = curl_easy_init();
  if (!easy_) return make_error_code(boost::system::errc::not_enough_memory);
  set_options();
  return {};
}

void smtp_connection::set_options() {
  auto* e = easy_;
  curl_easy_setopt(e, CURLOPT_ERRORBUFFER, error_text_.data());
  curl_easy_setopt(e, CURLOPT_URL, to_.curl_url(options_->ehlo_name).c_str());
  curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(e, CURLOPT_PROXY, "");
  curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
  // Without it, taking out a connection that resolves a name waits for the resolver.
  curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
  // Deadlines are ours; these only lift the defaults.
  curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, long{std::numeric_limits<int>::max()});
  curl_easy_setopt(e, CURLOPT_SERVER_RESPONSE_TIMEOUT,
                   long{std::numeric_limits<int>::max() / 1000});

  auto security = options_->security;
  curl_easy_setopt(e, CURLOPT_USE_SSL,
                   static_cast<long>(security == starttls::required   ? CURLUSESSL_ALL
                                     : security == starttls::optional ? CURLUSESSL_TRY
                                                                      : CURLUSESSL_NONE));
  curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
  if (auto& file = options_->ca_file; !file.empty()) {
    curl_easy_setopt(e, CURLOPT_CAINFO, file.c_str());
    curl_easy_setopt(e, CURLOPT_CAPATH, nullptr);
  }
  if (!options_->username.empty()) {
    curl_easy_setopt(e, CURLOPT_USERNAME, options_->username.c_str());
    curl_easy_setopt(e, CURLOPT_PASSWORD, options_->password.c_str());
  }
  curl_easy_setopt(e, CURLOPT_VERBOSE, 1L);  // which only the function below hears
  curl_easy_setopt(e, CURLOPT_DEBUGFUNCTION, &smtp_connection::on_debug);
  curl_easy_setopt(e, CURLOPT_DEBUGDATA, this);
  curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, &smtp_connection::on_open);
  curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, this);
}

int smtp_connection::on_debug(CURL*, curl_infotype kind, char* data, std::size_t size,
                              void* self) noexcept {
  auto& me = *static_cast<smtp_connection*>(self);
  if (kind == CURLINFO_HEADER_OUT) me.watch_.sent({data, size});
  if (kind == CURLINFO_HEADER_IN) me.watch_.received({data, size});
  // After a failure libcurl says QUIT and waits for the answer, with everybody else; and lines that
  // are no SMTP it skips for ever. Let it find the end of the stream at once.
  if (me.watch_.quitting() || me.watch_.broken()) ::shutdown(me.dialled_, SHUT_RDWR);
  return 0;
}

curl_socket_t smtp_connection::on_open(void* self, curlsocktype, curl_sockaddr* address) noexcept {
  auto fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  return static_cast<smtp_connection*>(self)->dialled_ = fd;
}

phase smtp_connection::dialling_at() const {
  if (!easy_ || watch_.at() != phase::greeting) return easy_ ? watch_.at() : phase::connect;
  curl_off_t connected = 0, encrypted = 0;
  curl_easy_getinfo(easy_, CURLINFO_CONNECT_TIME_T, &connected);
  curl_easy_getinfo(easy_, CURLINFO_APPCONNECT_TIME_T, &encrypted);
  if (connected == 0) return phase::connect;
  return to_.implicit_tls && encrypted == 0 ? phase::tls : phase::greeting;
}

void smtp_connection::note_failure(CURLcode code) {
  failure_.end.at = dialling_at();
  if (code == CURLE_OK) {  // a password that nobody asked for
    failure_.end = {phase::auth, 0, true};
    failure_.text = "the server offers no way to log in that is known here";
    return;
  }
  if (watch_.reply().code >= 400) {
    failure_.end.code = watch_.reply().code;
    failure_.reply = watch_.reply();
    return;
  }
  if (watch_.broken()) {
    failure_.end.permanent = true;
    failure_.text = "the other side does not speak SMTP";
    return;
  }
  auto cause = http::classify({code, error_text_.data(), false, false});
  // libcurl counts the handshake among the connecting.
  if (failure_.end.at == phase::connect && to_.implicit_tls && cause == http::errc::tls_failed)
    failure_.end.at = phase::tls;
  failure_.end.permanent = cause == condition::permanent || code == CURLE_LOGIN_DENIED;
  failure_.text = error_text_[0] ? http::printable(error_text_.data()) : curl_easy_strerror(code);
}

void smtp_connection::finish_with(CURLcode code) {
  if (state_ != state::dialling) return;
  bool all_done = code == CURLE_OK && (options_->username.empty() || watch_.logged_in());
  auto ec = all_done ? take_descriptor() : make_error_code(http::errc::connect_failed);
  if (ec) note_failure(code);
  complete(ec);
  if (ec) close();
}

error_code smtp_connection::take_descriptor() {
  curl_socket_t fd = CURL_SOCKET_BAD;
  curl_easy_getinfo(easy_, CURLINFO_ACTIVESOCKET, &fd);
  error_code ec;
  descriptor_.assign(fd, ec);
  if (!ec) state_ = state::open;
  return ec;
}

void smtp_connection::finish(error_code ec) {
  if (state_ == state::closed) return;
  failure_.end.at = dialling_at();
  complete(ec);
  close();
}

void smtp_connection::complete(error_code ec) {
  if (!done_) return;
  asio::any_completion_handler<void(error_code)> done;
  done.swap(done_);
  asio::post(executor_, [done = std::move(done), ec]() mutable { std::move(done)(ec); });
}

void smtp_connection::close() {
  if (state_ == state::closed) return;
  state_ = state::closed;
  descriptor_.release();  // it is libcurl's, which closes it itself
  if (auto loop = loop_.lock(); loop && easy_) loop->remove(*this);
  complete(asio::error::operation_aborted);
}

void smtp_connection::quit() {
  std::size_t sent = 0;
  if (state_ == state::open) curl_easy_send(easy_, "QUIT\r\n", 6, &sent);
  close();
}

void smtp_connection::abandon() {
  state_ = state::closed;
  descriptor_.release();
  complete(asio::error::operation_aborted);
}

// ---- after that

asio::awaitable<error_code> smtp_connection::write(std::string_view text) {
  constexpr std::size_t piece = 64 * 1024;
  error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  // Two answers to one command: which is whose can't be told any more.
  if (!reader_.empty()) co_return make_error_code(http::errc::bad_message);
  while (!text.empty()) {
    if (state_ != state::open) co_return asio::error::operation_aborted;
    std::size_t sent = 0;
    // The same bytes again after CURLE_AGAIN, as TLS wants it.
    auto code = curl_easy_send(easy_, text.data(), std::min(piece, text.size()), &sent);
    if (code != CURLE_OK && code != CURLE_AGAIN) co_return make_error_code(http::errc::send_failed);
    text.remove_prefix(sent);
    if (code == CURLE_OK) continue;
    co_await descriptor_.async_wait(asio::posix::stream_descriptor::wait_write, token);
    if (ec) co_return ec;
  }
  co_return error_code();
}

// One piece into the reader.
error_code smtp_connection::receive(bool& again) {
  char piece[4096];
  std::size_t got = 0;
  auto code = curl_easy_recv(easy_, piece, sizeof piece, &got);
  again = code == CURLE_AGAIN;
  if (again) return {};
  if (code != CURLE_OK || got == 0) return make_error_code(http::errc::receive_failed);
  if (!reader_.feed({piece, got})) return make_error_code(http::errc::bad_message);
  return {};
}

asio::awaitable<error_code> smtp_connection::read(smtp_reply& reply) {
  error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  for (;;) {
    if (state_ != state::open) co_return asio::error::operation_aborted;
    bool again = false;
    ec = receive(again);
    if (auto whole = reader_.take()) {
      reply = std::move(*whole);
      co_return error_code();
    }
    if (ec) co_return ec;
    if (!again) continue;
    co_await descriptor_.async_wait(asio::posix::stream_descriptor::wait_read, token);
    if (ec) co_return ec;
  }
}

std::optional<smtp_reply> smtp_connection::reply_at_hand() {
  bool again = false;
  while (state_ == state::open && !again && !receive(again)) {
    if (auto whole = reader_.take()) return whole;
  }
  return std::nullopt;
}

bool smtp_connection::quiet() {
  bool again = false;
  return state_ == state::open && reader_.empty() && !receive(again) && again;
}

}  // namespace tidewire::mail
