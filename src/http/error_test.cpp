#include <tidewire/core/error.hpp>
#include <tidewire/http/error.hpp>

#include <gtest/gtest.h>

#include <set>

namespace tidewire::http {
namespace {

boost::system::error_code code(errc e) {
  return make_error_code(e);
}

TEST(http_error, conditions) {
  for (auto e :
       {errc::resolve_failed, errc::connect_failed, errc::proxy_failed, errc::send_failed,
        errc::receive_failed, errc::truncated_body, errc::head_timeout, errc::idle_timeout}) {
    EXPECT_EQ(code(e), condition::retryable);
    EXPECT_NE(code(e), condition::permanent);
  }
  for (auto e : {errc::bad_url, errc::unsupported_scheme, errc::tls_failed, errc::bad_message,
                 errc::limit_exceeded, errc::too_many_redirects, errc::forbidden_redirect,
                 errc::body_source_failed}) {
    EXPECT_EQ(code(e), condition::permanent);
    EXPECT_NE(code(e), condition::retryable);
  }
  EXPECT_EQ(code(errc::stopped_by_handler), condition::cancelled);
  EXPECT_NE(code(errc::stopped_by_handler), condition::permanent);
}

TEST(http_error, each_has_its_own_text) {
  std::set<std::string> texts;
  for (int i = 1; i <= 17; ++i) texts.insert(category().message(i));
  EXPECT_EQ(texts.size(), 17u);
  EXPECT_EQ(texts.count("unknown error"), 0u);
  EXPECT_EQ(category().message(0), "unknown error");
  EXPECT_EQ(category().message(18), "unknown error");
}

}  // namespace
}  // namespace tidewire::http
