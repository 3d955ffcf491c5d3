#pragma once

#include <tidewire/core/context.hpp>
#include <tidewire/http/error.hpp>
#include <tidewire/http/message.hpp>

#include <curl/curl.h>

#include <string>
#include <string_view>

namespace tidewire::http {

// What is known when libcurl gives an exchange up.
struct curl_failure {
  CURLcode code = CURLE_OK;
  std::string_view text;  // of CURLOPT_ERRORBUFFER
  bool head_complete = false;
  bool refused_by_proxy = false;  // it answered CONNECT with something else than 2xx
};

error_code classify(const curl_failure& failure);

// Without control characters: the text may quote the server.
std::string printable(std::string_view text);

// Counts the exchange and logs a failed one.
void report_outcome(const context& ctx, error_code ec, const exchange_summary& summary);

}  // namespace tidewire::http
