#include "http/curl_errors.hpp"

#include <tidewire/core/error.hpp>

#include <gtest/gtest.h>

namespace tidewire::http {
namespace {

error_code classify_code(CURLcode code, std::string_view text = {}, bool head_complete = false) {
  curl_failure failure;
  failure.code = code;
  failure.text = text;
  failure.head_complete = head_complete;
  return classify(failure);
}

TEST(curl_errors, says_what_happened) {
  EXPECT_FALSE(classify_code(CURLE_OK));
  EXPECT_EQ(classify_code(CURLE_COULDNT_RESOLVE_HOST), errc::resolve_failed);
  EXPECT_EQ(classify_code(CURLE_COULDNT_RESOLVE_PROXY), errc::proxy_failed);
  EXPECT_EQ(classify_code(CURLE_COULDNT_CONNECT), errc::connect_failed);
  EXPECT_EQ(classify_code(CURLE_PEER_FAILED_VERIFICATION), errc::tls_failed);
  EXPECT_EQ(classify_code(CURLE_SEND_ERROR), errc::send_failed);
  EXPECT_EQ(classify_code(CURLE_GOT_NOTHING), errc::receive_failed);
  EXPECT_EQ(classify_code(CURLE_HTTP2_STREAM), errc::receive_failed);
  EXPECT_EQ(classify_code(CURLE_PARTIAL_FILE), errc::truncated_body);
  EXPECT_EQ(classify_code(CURLE_OUT_OF_MEMORY), errc::limit_exceeded);
  EXPECT_EQ(classify_code(CURLE_OUT_OF_MEMORY, {}, true), errc::receive_failed);
}

TEST(curl_errors, tells_a_cut_handshake_from_a_refused_one) {
  auto cut = "OpenSSL SSL_connect: Connection reset by peer in connection to h:443 ";
  EXPECT_EQ(classify_code(CURLE_SSL_CONNECT_ERROR, cut), errc::connect_failed);
  EXPECT_EQ(classify_code(CURLE_SSL_CONNECT_ERROR, "wrong version number"), errc::tls_failed);
}

TEST(curl_errors, every_code_maps_to_a_condition) {
  for (int i = 1; i < CURL_LAST; ++i) {
    auto ec = classify_code(static_cast<CURLcode>(i));
    EXPECT_TRUE(ec == condition::retryable || ec == condition::permanent) << i;
  }
  curl_failure proxied;
  proxied.code = CURLE_RECV_ERROR;
  proxied.refused_by_proxy = true;
  EXPECT_EQ(classify(proxied), errc::proxy_failed);
}

TEST(curl_errors, text_has_no_terminal_escapes) {
  EXPECT_EQ(printable("a\x1b[1m\nb"), "a?[1m?b");
}

}  // namespace
}  // namespace tidewire::http
