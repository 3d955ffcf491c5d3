#pragma once

#include "http/curl_transfer.hpp"
#include "http/head_reader.hpp"

#include <tidewire/core/clock.hpp>
#include <tidewire/core/timer.hpp>
#include <tidewire/http/client.hpp>
#include <tidewire/http/curl_client.hpp>

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/any_completion_handler.hpp>

#include <curl/curl.h>

#include <array>
#include <memory>
#include <optional>
#include <span>

namespace tidewire::http {

class curl_loop;

// One request and its response: an easy handle, its callbacks, its deadlines, and its completion.
//
// Everything runs on the loop's executor, except that the user's cancellation slot and the control
// may post from elsewhere.
class curl_exchange final : public curl_transfer,
                            public std::enable_shared_from_this<curl_exchange> {
 public:
  using completion = asio::any_completion_handler<void(error_code, exchange_summary)>;

  curl_exchange(std::weak_ptr<curl_loop> loop, const executor& ex,
                std::shared_ptr<const curl_client_options> options, request req,
                exchange_handler& handler, completion done);
  curl_exchange(const curl_exchange&) = delete;
  curl_exchange& operator=(const curl_exchange&) = delete;
  ~curl_exchange() override;

  // Lets the user's cancellation slot reach this exchange. Once, where the operation is started.
  void connect_slot();
  // Says hello to the handler and sets the easy handle up.
  error_code prepare() override;
  CURL* easy() const override { return easy_; }
  std::string origin() const override { return request_.target.origin(); }
  bool finished() const override { return finished_; }

  // Ends the exchange and completes its handler, later and on the handler's executor. Idempotent.
  // Never from inside a callback of libcurl.
  void finish(error_code ec) override;
  // The same for what libcurl says.
  void finish_with(CURLcode code) override;
  // Ends without a completion: the client is destroyed.
  void abandon() override;
  // From exchange_control, on the executor.
  void resume();

 private:
  enum class phase { queued, connecting, head, body };

  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) noexcept;
  static std::size_t on_write(char* data, std::size_t, std::size_t size, void* self) noexcept;
  static std::size_t on_read(char* space, std::size_t, std::size_t size, void* self) noexcept;
  static int on_seek(void* self, curl_off_t offset, int origin) noexcept;
  static int on_resolve(void*, void*, void* self) noexcept;
  static curl_socket_t on_open(void* self, curlsocktype, curl_sockaddr* address) noexcept;
  static int on_ready(void* self, char*, char*, int, int) noexcept;

  void complete(const std::shared_ptr<curl_loop>& loop, error_code ec);

  error_code check_request() const;
  error_code set_options();
  void set_method();
  void set_proxy();
  error_code set_headers();
  bool take_header(std::string_view line);
  std::size_t take_body(std::span<const std::byte> bytes);
  std::size_t give_body(std::span<std::byte> space);
  bool obey(flow next);

  void enter(phase next);
  // Restarts the deadline of the current phase.
  void touch();
  void wait_for_deadline();
  void deadline_passed();
  error_code error_for(CURLcode code) const;

  std::weak_ptr<curl_loop> loop_;
  executor executor_;
  std::shared_ptr<const curl_client_options> options_;
  request request_;
  exchange_handler* handler_;
  completion done_;
  // Keeps both executors' contexts running meanwhile: a paused exchange waits for nothing that they
  // would know of.
  struct work {
    work(const executor& own_side, const asio::any_completion_executor& their_side);
    executor own;
    asio::any_completion_executor theirs;
  };
  std::optional<work> work_;
  bool finished_ = false;

  CURL* easy_ = nullptr;
  curl_slist* header_list_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_text_{};

  head_reader reader_;
  exchange_summary summary_;
  std::uint64_t sent_bytes_ = 0;
  bool body_paused_ = false, source_paused_ = false;
  // What one of our callbacks found wrong; libcurl only knows that it refused.
  error_code verdict_;

  phase phase_ = phase::queued;
  clock clock_;
  timer timer_;
  std::optional<clock::time_point> deadline_;
  bool timer_running_ = false;
  std::uint64_t timer_generation_ = 0;
};

}  // namespace tidewire::http
