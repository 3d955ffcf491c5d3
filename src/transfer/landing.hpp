#pragma once

#include "transfer/byte_ranges.hpp"
#include "transfer/download_journal.hpp"

#include <tidewire/core/types.hpp>
#include <tidewire/http/digest.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace tidewire::transfer {

// Where a download's bytes end up: a partial file with its journal, or a user's sink.
// One owner, one strand; begin() and write() are called from within an exchange and may block for
// the disk as a write does, the rest is asynchronous.
class landing {
 public:
  virtual ~landing() = default;

  // The generation whose bytes are here, and which bytes; nothing for a fresh one.
  virtual const std::optional<download_origin>& origin() const = 0;
  virtual range_set held() const = 0;
  // Bytes must come in order, on one connection.
  virtual bool sequential() const = 0;

  // A new generation: everything held so far is void. errc::changed where that can't be undone.
  virtual result<void> begin(const download_origin& origin) = 0;
  virtual result<void> write(std::uint64_t offset, std::span<const std::byte> bytes) = 0;

  // Makes claims about what was written so far. Called regularly.
  virtual asio::awaitable<error_code> commit() = 0;
  virtual asio::awaitable<result<http::sha256_digest>> digest(std::uint64_t total) = 0;
  // All bytes are here and verified: gives them their final place.
  virtual asio::awaitable<error_code> finish(std::uint64_t total) = 0;
  // The bytes are not what they should be: claims none of them any more.
  virtual result<void> disown() = 0;
  // The end of an unfinished run: keeps what is worth keeping, leaves no litter otherwise.
  virtual void close() = 0;

  // What to call it when talking to people.
  virtual std::string path() const = 0;
};

}  // namespace tidewire::transfer
