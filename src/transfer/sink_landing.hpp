#pragma once

#include "transfer/landing.hpp"

#include <tidewire/transfer/download_sink.hpp>

#include <string>

namespace tidewire::transfer {

// Hands the bytes to a user's sink in order. Nothing outlives the process.
class sink_landing final : public landing {
 public:
  explicit sink_landing(download_sink& sink) : sink_(sink) {}

  const std::optional<download_origin>& origin() const override { return origin_; }
  range_set held() const override;
  bool sequential() const override { return true; }
  result<void> begin(const download_origin& origin) override;
  result<void> write(std::uint64_t offset, std::span<const std::byte> bytes) override;
  asio::awaitable<error_code> commit() override;
  asio::awaitable<result<http::sha256_digest>> digest(std::uint64_t total) override;
  asio::awaitable<error_code> finish(std::uint64_t total) override;
  result<void> disown() override;
  void close() override {}
  std::string path() const override { return {}; }

 private:
  download_sink& sink_;
  std::optional<download_origin> origin_;
  std::uint64_t position_ = 0;
  http::sha256_hasher hasher_;
};

}  // namespace tidewire::transfer
