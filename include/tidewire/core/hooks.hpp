#pragma once

#include <tidewire/core/signal.hpp>
#include <tidewire/core/types.hpp>

#include <boost/asio/any_completion_handler.hpp>

#include <string>

namespace tidewire {

// Whether the application believes that a network is there. Modules pause their retries while it
// says offline and go on at once when it changes. Lives on the strand of the module that uses it.
class connectivity {
 public:
  virtual ~connectivity() = default;
  virtual bool online() const = 0;
  virtual signal<bool>& changed() = 0;
};

// Gives the value of the Authorization header for an origin ("https://host:port"). Called on the
// strand of the module that asks. `done` must be called once, on its associated executor (with
// asio::dispatch when the answer comes from another thread); from inside authorize() is fine.
class authenticator {
 public:
  virtual ~authenticator() = default;
  // `refresh` is true after a 401: the last value did not serve. An empty string sends no header.
  virtual void authorize(std::string origin, bool refresh,
                         asio::any_completion_handler<void(error_code, std::string)> done) = 0;
};

}  // namespace tidewire
