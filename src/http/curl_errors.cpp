#include "http/curl_errors.hpp"

#include "http/parse.hpp"

#include <algorithm>

namespace tidewire::http {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// A handshake that the network cut, as opposed to one that a side refused: libcurl has one code for
// both, and only the first is worth another try.
bool was_cut(std::string_view text) {
  return contains(text, "SSL_ERROR_SYSCALL") || contains(text, "unexpected eof") ||
         contains(text, "Connection reset") || contains(text, "Broken pipe");
}

errc meaning(const curl_failure& failure) {
  switch (failure.code) {
    case CURLE_URL_MALFORMAT:
      return errc::bad_url;
    case CURLE_COULDNT_RESOLVE_HOST:
      return errc::resolve_failed;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
      return errc::proxy_failed;
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_INTERFACE_FAILED:
    case CURLE_NO_CONNECTION_AVAILABLE:
      return errc::connect_failed;
    case CURLE_SSL_CONNECT_ERROR:
      return was_cut(failure.text) ? errc::connect_failed : errc::tls_failed;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_USE_SSL_FAILED:
      return errc::tls_failed;
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND:
      return errc::send_failed;
    case CURLE_PARTIAL_FILE:
      return errc::truncated_body;
    case CURLE_UNSUPPORTED_PROTOCOL:  // HTTP/0.9: anything that does not start with "HTTP/"
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
      return errc::bad_message;
    case CURLE_OUT_OF_MEMORY:
      // So libcurl calls a header line beyond 100 KiB, too.
      return failure.head_complete ? errc::receive_failed : errc::limit_exceeded;
    case CURLE_RECV_ERROR:
      return contains(failure.text, "in chunked-encoding") ? errc::bad_message
                                                           : errc::receive_failed;
    default:
      return errc::receive_failed;
  }
}

}  // namespace

error_code classify(const curl_failure& failure) {
  if (failure.code == CURLE_OK) return {};
  if (failure.refused_by_proxy) return make_error_code(errc::proxy_failed);
  return make_error_code(meaning(failure));
}

std::string printable(std::string_view text) {
  std::string out(text);
  std::replace_if(out.begin(), out.end(), detail::is_control, '?');
  return out;
}

void report_outcome(const context& ctx, error_code ec, const exchange_summary& summary) {
  ctx.metrics->count("tidewire_http_exchanges_total", 1,
                     ec ? "outcome=failed" : "outcome=complete");
  ctx.metrics->count("tidewire_http_body_bytes_total", static_cast<double>(summary.body_bytes));
  if (!ec) return;
  auto error = ec.message();
  ctx.log->write(severity::debug, "http_exchange_failed",
                 {{"error", error}, {"detail", summary.detail}});
}

}  // namespace tidewire::http
