// How a request becomes the options of an easy handle.
#include "http/curl_exchange.hpp"
#include "http/parse.hpp"

#include <tidewire/core/error.hpp>

#include <algorithm>
#include <limits>
#include <string>

namespace tidewire::http {
namespace {

using namespace detail;

bool is_token(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), is_token_char);
}

bool is_field_value(std::string_view s) {
  return std::none_of(s.begin(), s.end(), [](char c) { return is_control(c) && c != '\t'; });
}

// Framing and connection are libcurl's business; a second opinion in a header is how requests get
// smuggled.
bool is_reserved(std::string_view name) {
  for (auto reserved : {"content-length", "transfer-encoding", "connection", "keep-alive",
                        "upgrade", "te", "trailer", "proxy-connection"})
    if (iequals(name, reserved)) return true;
  return false;
}

// Of userinfo that url::parse() has accepted.
std::string decode(std::string_view s) {
  std::string out;
  while (!s.empty()) {
    auto high = s.size() > 2 ? hex_value(s[1]) : std::nullopt;
    auto low = s.size() > 2 ? hex_value(s[2]) : std::nullopt;
    bool escaped = s[0] == '%' && high && low;
    out += escaped ? static_cast<char>(*high << 4 | *low) : s[0];
    s.remove_prefix(escaped ? 3 : 1);
  }
  return out;
}

std::string text_without_credentials(const url& u) {
  return u.origin() + std::string(u.target());
}

}  // namespace

error_code curl_exchange::check_request() const {
  constexpr auto largest = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
  auto bad = make_error_code(tidewire::errc::invalid_argument);
  if (!is_token(request_.method) || iequals(request_.method, "CONNECT")) return bad;
  if (request_.content_length.value_or(0) > largest) return bad;
  if (request_.content_length && *request_.content_length > 0 && !request_.body) return bad;
  if (request_.method == "HEAD" && request_.body) return bad;
  for (auto& f : request_.headers)
    if (!is_token(f.name) || !is_field_value(f.value) || is_reserved(f.name)) return bad;
  return {};
}

error_code curl_exchange::set_options() {
  auto* e = easy_;
  curl_easy_setopt(e, CURLOPT_ERRORBUFFER, error_text_.data());
  curl_easy_setopt(e, CURLOPT_URL, text_without_credentials(request_.target).c_str());
  curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
  // Without it, taking out an exchange that resolves a name waits for the resolver.
  curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(e, CURLOPT_HTTP_CONTENT_DECODING, 0L);
  curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(e, CURLOPT_USERAGENT, options_->user_agent.c_str());
  auto buffer = std::clamp<std::size_t>(options_->receive_buffer_bytes, 1024, 512 * 1024);
  curl_easy_setopt(e, CURLOPT_BUFFERSIZE, static_cast<long>(buffer));
  curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE,
                   static_cast<long>(std::max<std::size_t>(buffer, 16 * 1024)));
  // Deadlines are ours (they know of pauses and of waiting for a turn); this only lifts the
  // default.
  curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, long{std::numeric_limits<int>::max()});

  bool http1 = request_.version == protocol::http1;
  curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
                   http1 ? long{CURL_HTTP_VERSION_1_1} : long{CURL_HTTP_VERSION_2TLS});
  // Rather a stream of a connection that is being set up than a connection of one's own.
  curl_easy_setopt(e, CURLOPT_PIPEWAIT, !http1 && request_.target.scheme() == "https" ? 1L : 0L);

  curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
  if (auto& file = options_->ca_file; !file.empty()) {
    // In place of the system's: its folder of certificates goes, too.
    curl_easy_setopt(e, CURLOPT_CAINFO, file.c_str());
    curl_easy_setopt(e, CURLOPT_CAPATH, nullptr);
    curl_easy_setopt(e, CURLOPT_PROXY_CAINFO, file.c_str());
    curl_easy_setopt(e, CURLOPT_PROXY_CAPATH, nullptr);
  }

  curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, &curl_exchange::on_header);
  curl_easy_setopt(e, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, &curl_exchange::on_write);
  curl_easy_setopt(e, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(e, CURLOPT_READFUNCTION, &curl_exchange::on_read);
  curl_easy_setopt(e, CURLOPT_READDATA, this);
  curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, &curl_exchange::on_seek);
  curl_easy_setopt(e, CURLOPT_SEEKDATA, this);
  curl_easy_setopt(e, CURLOPT_RESOLVER_START_FUNCTION, &curl_exchange::on_resolve);
  curl_easy_setopt(e, CURLOPT_RESOLVER_START_DATA, this);
  curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, &curl_exchange::on_open);
  curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, &curl_exchange::on_ready);
  curl_easy_setopt(e, CURLOPT_PREREQDATA, this);

  set_method();
  set_proxy();
  return set_headers();
}

void curl_exchange::set_method() {
  auto& method = request_.method;
  if (method == "HEAD") {
    curl_easy_setopt(easy_, CURLOPT_NOBODY, 1L);
    return;
  }
  // These carry a length even when it is 0 (RFC 9110, 8.6).
  bool expects_body = method == "POST" || method == "PUT" || method == "PATCH";
  if (request_.body || expects_body) {
    curl_off_t length = 0;
    if (request_.body)
      length = request_.content_length ? static_cast<curl_off_t>(*request_.content_length) : -1;
    curl_easy_setopt(easy_, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy_, CURLOPT_INFILESIZE_LARGE, length);
  } else {
    curl_easy_setopt(easy_, CURLOPT_HTTPGET, 1L);
  }
  curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, method.c_str());
}

void curl_exchange::set_proxy() {
  if (!options_->proxy) return;  // libcurl looks into the environment
  curl_easy_setopt(easy_, CURLOPT_PROXY, options_->proxy->c_str());
  curl_easy_setopt(easy_, CURLOPT_NOPROXY, "");
}

error_code curl_exchange::set_headers() {
  auto add = [this](const std::string& line) {
    auto* longer = curl_slist_append(header_list_, line.c_str());
    if (longer) header_list_ = longer;
    return longer != nullptr;
  };
  // libcurl would wait a second for "100 Continue" before large bodies.
  bool ok = request_.headers.count("expect") > 0 || add("Expect:");
  for (auto& f : request_.headers)
    ok = ok && add(f.value.empty() ? f.name + ";" : f.name + ": " + f.value);
  if (!ok) return make_error_code(boost::system::errc::not_enough_memory);
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, header_list_);

  auto userinfo = request_.target.userinfo();
  if (userinfo.empty() || request_.headers.count("authorization") > 0) return {};
  auto colon = std::min(userinfo.find(':'), userinfo.size());
  auto password = colon < userinfo.size() ? userinfo.substr(colon + 1) : std::string_view();
  curl_easy_setopt(easy_, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
  curl_easy_setopt(easy_, CURLOPT_USERNAME, decode(userinfo.substr(0, colon)).c_str());
  curl_easy_setopt(easy_, CURLOPT_PASSWORD, decode(password).c_str());
  return {};
}

}  // namespace tidewire::http
