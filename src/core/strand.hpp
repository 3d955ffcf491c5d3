#pragma once

#include <tidewire/core/types.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

namespace tidewire {

// A strand on `ex`. One that knows that it is on an io_context fits into an erased executor;
// another one costs memory for each copy, and a connection that waits holds a dozen.
inline executor strand_on(const executor& ex) {
  using plain = asio::io_context::executor_type;
  if (const auto* p = ex.target<plain>()) return asio::make_strand(*p);
  return asio::make_strand(ex);
}

}  // namespace tidewire
