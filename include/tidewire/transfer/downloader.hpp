#pragma once

#include <tidewire/core/context.hpp>
#include <tidewire/core/initiate.hpp>
#include <tidewire/file/filesystem.hpp>
#include <tidewire/http/client.hpp>
#include <tidewire/transfer/download_request.hpp>
#include <tidewire/transfer/error.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tidewire::transfer {

// How a download ended, successfully or not.
struct download_result {
  std::string path;         // the final file, or the partial one after a failure; empty for a sink
  std::uint64_t bytes = 0;  // held at the end
  std::uint64_t resumed_bytes = 0;            // of which were there at the start
  std::uint64_t received_bytes = 0;           // from the network in this run
  std::optional<http::sha256_digest> digest;  // as computed, when there was one to compare with
  unsigned requests = 0, retries = 0, generation = 1;
  unsigned steals = 0;       // pieces taken over from slower connections, or fetched beside them
  unsigned http_status = 0;  // of the answer that decided a refusal
  error_code cause;          // what lies behind errc::disk_failed or network_exhausted
  std::string detail;        // for people: what happened and what to do
};

// Downloads that survive what networks and processes do, and are never silently wrong: success
// means that the bytes are those of exactly one generation of the resource (laws D1-D8 of
// docs/transfer).
//
// Thread-safe; runs on the client's executor. `client` and `disk` must outlive the object, and the
// object its operations.
class downloader {
 public:
  downloader(context ctx, http::client& client, file::filesystem& disk);
  ~downloader();
  downloader(const downloader&) = delete;
  downloader& operator=(const downloader&) = delete;

  // void(error_code, download_result). Resumes what an earlier run left at the same target.
  // Cancellation (token's slot or stop()): operation_aborted; what was received is kept for the
  // next run.
  template <class Token = asio::use_awaitable_t<>>
  auto async_download(download_request request, Token&& token = {}) {
    return initiate<void(error_code, download_result)>(
        [this, r = std::make_unique<download_request>(std::move(request))](
            asio::any_completion_handler<void(error_code, download_result)> done) {
          start(std::move(*r), std::move(done));
        },
        std::forward<Token>(token));
  }

  // void(): cancels all downloads; completes when they have ended. Later ones fail with
  // errc::stopped. Idempotent.
  template <class Token = asio::use_awaitable_t<>>
  auto async_stop(Token&& token = {}) {
    return initiate<void()>(
        [this](asio::any_completion_handler<void()> done) { stop(std::move(done)); },
        std::forward<Token>(token));
  }

 private:
  void start(download_request request,
             asio::any_completion_handler<void(error_code, download_result)> done);
  void stop(asio::any_completion_handler<void()> done);

  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace tidewire::transfer
