#include "diagnosis.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/http/error.hpp>

#include <boost/asio/error.hpp>

#include <gtest/gtest.h>

#include <csignal>

namespace tidewire::cli {
namespace {

failure made(error_code code) {
  failure f;
  f.code = code;
  f.source = "http://host/x";
  f.target = "x";
  f.result.path = "x.part";
  f.result.bytes = 2048;
  return f;
}

TEST(diagnosis, gives_each_failure_its_code) {
  using transfer::errc;
  EXPECT_EQ(exit_code_of({}, 0), exit_code::ok);
  EXPECT_EQ(exit_code_of(errc::network_exhausted, 0), exit_code::network_exhausted);
  EXPECT_EQ(exit_code_of(errc::refused, 0), exit_code::refused);
  EXPECT_EQ(exit_code_of(errc::changed, 0), exit_code::changed);
  EXPECT_EQ(exit_code_of(errc::digest_mismatch, 0), exit_code::digest_mismatch);
  EXPECT_EQ(exit_code_of(errc::length_unverified, 0), exit_code::length_unverified);
  EXPECT_EQ(exit_code_of(errc::disk_failed, 0), exit_code::disk);
  EXPECT_EQ(exit_code_of(errc::target_exists, 0), exit_code::target_taken);
  EXPECT_EQ(exit_code_of(errc::target_busy, 0), exit_code::target_taken);
  EXPECT_EQ(exit_code_of(errc::partial_unusable, 0), exit_code::partial_unusable);
  EXPECT_EQ(exit_code_of(errc::bad_response, 0), exit_code::bad_response);
  EXPECT_EQ(exit_code_of(errc::no_file_name, 0), exit_code::usage);
  EXPECT_EQ(exit_code_of(http::errc::tls_failed, 0), exit_code::network_exhausted);
  EXPECT_EQ(exit_code_of(http::errc::forbidden_redirect, 0), exit_code::refused);
  EXPECT_EQ(exit_code_of(asio::error::operation_aborted, SIGINT), exit_code::interrupted);
  EXPECT_EQ(exit_code_of(asio::error::operation_aborted, SIGTERM), exit_code::terminated);
  EXPECT_EQ(exit_code_of(make_error_code(tidewire::errc::stopped), SIGTERM), exit_code::terminated);
}

TEST(diagnosis, a_failure_that_came_before_the_signal_keeps_its_code) {
  EXPECT_EQ(exit_code_of(transfer::errc::refused, SIGINT), exit_code::refused);
}

TEST(diagnosis, says_what_is_kept_and_what_to_do) {
  auto text = explain(made(transfer::errc::network_exhausted));
  EXPECT_NE(text.find("2.0 KiB are kept in x.part"), text.npos) << text;
  EXPECT_NE(text.find("Run the same command again"), text.npos) << text;
  text = explain(made(transfer::errc::target_exists));
  EXPECT_NE(text.find("Nothing was touched"), text.npos) << text;
  EXPECT_NE(text.find("--overwrite"), text.npos) << text;
}

TEST(diagnosis, escapes_what_the_network_said) {
  auto f = made(transfer::errc::bad_response);
  f.result.detail = "reason \x1b[2J";
  EXPECT_EQ(explain(f).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace tidewire::cli
