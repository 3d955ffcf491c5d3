#pragma once

#include <tidewire/core/types.hpp>

#include <curl/curl.h>

#include <string>

namespace tidewire::http {

// One easy handle on a curl_loop, and what the loop asks of it. Everything runs on the loop's
// executor.
class curl_transfer {
 public:
  virtual ~curl_transfer() = default;

  // Sets the handle up, just before it is added. An error ends the transfer with it.
  virtual error_code prepare() = 0;
  virtual CURL* easy() const = 0;
  // Whom it goes to: a loop gives libcurl only so many at once for each.
  virtual std::string origin() const = 0;
  // One that was finished before its turn is never added.
  virtual bool finished() const = 0;

  // The loop was stopped, or the transfer could not begin. Takes itself out of the loop.
  virtual void finish(error_code ec) = 0;
  // libcurl is done with it.
  virtual void finish_with(CURLcode code) = 0;
  // The owner goes away: no completion, no call to anybody.
  virtual void abandon() = 0;
};

}  // namespace tidewire::http
