#include "transfer/sink_landing.hpp"

#include <tidewire/transfer/error.hpp>

namespace tidewire::transfer {

range_set sink_landing::held() const {
  range_set all;
  all.add({0, position_});
  return all;
}

result<void> sink_landing::begin(const download_origin& origin) {
  if (position_ > 0 && !sink_.restart()) return make_error_code(errc::changed);
  origin_ = origin;
  position_ = 0;
  hasher_ = http::sha256_hasher();
  return {};
}

result<void> sink_landing::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  // A stream that had to begin at 0 again brings bytes that the sink has already.
  if (offset + bytes.size() <= position_) return {};
  bytes = bytes.subspan(static_cast<std::size_t>(position_ - offset));
  if (auto r = sink_.write(bytes); !r) return r;
  position_ += bytes.size();
  hasher_.update(bytes);
  return {};
}

asio::awaitable<error_code> sink_landing::commit() {
  co_return error_code();
}

asio::awaitable<result<http::sha256_digest>> sink_landing::digest(std::uint64_t) {
  co_return hasher_.finish();
}

asio::awaitable<error_code> sink_landing::finish(std::uint64_t) {
  co_return error_code();
}

// The sink has the bytes; whether it can forget them shows when the next generation begins.
result<void> sink_landing::disown() {
  return {};
}

}  // namespace tidewire::transfer
