#pragma once

#include "http/curl_transfer.hpp"
#include "mail/dial_watch.hpp"
#include "mail/smtp_endpoint.hpp"

#include <tidewire/core/types.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire::http {
class curl_loop;
}

namespace tidewire::mail {

// One connection to the server: libcurl dials and logs in (CONNECT_ONLY), then bytes go through it
// and the waits are Asio's. Everything runs on the loop's executor. One operation at a time, and
// the caller keeps the object meanwhile. Cancellation of any of them leaves nothing to go on with.
class smtp_connection final : public http::curl_transfer,
                              public std::enable_shared_from_this<smtp_connection> {
 public:
  smtp_connection(std::weak_ptr<http::curl_loop> loop, const executor& ex,
                  std::shared_ptr<const smtp_options> options, const smtp_endpoint& to);
  ~smtp_connection() override;
  smtp_connection(const smtp_connection&) = delete;
  smtp_connection& operator=(const smtp_connection&) = delete;

  // Name, connection, TLS, EHLO, AUTH. Any error but a cancellation is told by failure().
  asio::awaitable<error_code> dial();
  struct dial_failure {
    dialogue_end end;
    smtp_reply reply;
    std::string text;  // for people, where there is no reply
  };
  const dial_failure& failure() const { return failure_; }
  // How far a dial that is under way has come.
  phase dialling_at() const;

  asio::awaitable<error_code> write(std::string_view text);
  asio::awaitable<error_code> read(smtp_reply& reply);
  // What has come already, for a server that said why before it hung up.
  std::optional<smtp_reply> reply_at_hand();
  // Nothing has come since the last reply, and the other side is still there.
  bool quiet();

  // Says good-bye to nobody. Idempotent; a pending operation ends with operation_aborted.
  void close();
  // Says QUIT, and does not wait for the answer.
  void quit();
  bool closed() const { return state_ == state::closed; }
  bool size_offered() const { return watch_.size_offered(); }

  // How many letters it has carried, and whether the last of them was refused.
  std::size_t letters = 0;
  bool needs_reset = false;

  // curl_transfer
  error_code prepare() override;
  CURL* easy() const override { return easy_; }
  std::string origin() const override { return to_.text(); }
  bool finished() const override { return state_ == state::closed; }
  void finish(error_code ec) override;
  void finish_with(CURLcode code) override;
  void abandon() override;

 private:
  enum class state { idle, dialling, open, closed };

  static int on_debug(CURL*, curl_infotype kind, char* data, std::size_t size, void* self) noexcept;
  static curl_socket_t on_open(void* self, curlsocktype, curl_sockaddr* address) noexcept;

  void begin(asio::any_completion_handler<void(error_code)> done);
  void complete(error_code ec);
  void set_options();
  void note_failure(CURLcode code);
  error_code take_descriptor();
  error_code receive(bool& again);

  std::weak_ptr<http::curl_loop> loop_;
  executor executor_;
  std::shared_ptr<const smtp_options> options_;
  smtp_endpoint to_;
  state state_ = state::idle;
  CURL* easy_ = nullptr;
  curl_socket_t dialled_ = CURL_SOCKET_BAD;  // the newest socket of libcurl's
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  asio::any_completion_handler<void(error_code)> done_;
  asio::posix::stream_descriptor descriptor_;
  dial_watch watch_;
  dial_failure failure_;
  smtp_reply_reader reader_;
};

}  // namespace tidewire::mail
