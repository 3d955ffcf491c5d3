#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/async_result.hpp>

#include <type_traits>
#include <utility>

namespace tidewire {

// Turns a completion token into a type-erased handler, so that the body of an operation lives in a
// .cpp file: `start` is called once with any_completion_handler<Signature>.
//
// Forward the token: one that is passed as an lvalue is copied, so that it can be used again. A
// handler that is erased already is passed on as it is: wrapped once more as an lvalue,
// Boost 1.81's any_completion_handler would construct itself for ever.
template <class Signature, class Start, class Token>
auto initiate(Start start, Token&& token) {
  using erased = boost::asio::any_completion_handler<Signature>;
  static_assert(!std::is_same_v<Token, erased&>, "an erased handler can't be copied: forward it");
  return boost::asio::async_initiate<Token, Signature>(
      [](auto handler, Start run) { run(erased(std::move(handler))); }, token,
      std::move(start));  // moved from where Token is no reference
}

}  // namespace tidewire
