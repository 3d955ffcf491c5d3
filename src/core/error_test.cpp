#include <tidewire/core/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/experimental/channel_error.hpp>
#include <boost/system/errc.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <optional>
#include <vector>

namespace tidewire {
namespace {

namespace asio = boost::asio;
namespace sys = boost::system;
using sys::error_code;

const std::vector<condition> all{condition::retryable, condition::conflict, condition::cancelled,
                                 condition::permanent};

// The one condition that a code has. Fails the test when it has more than one.
std::optional<condition> condition_of(const error_code& ec) {
  std::optional<condition> found;
  for (auto c : all) {
    if (ec != c) continue;
    EXPECT_FALSE(found) << ec.message() << " has two conditions";
    found = c;
  }
  return found;
}

error_code system_error(int value) {
  return {value, sys::system_category()};
}

TEST(error, core_codes) {
  EXPECT_EQ(condition_of(errc::timed_out), condition::retryable);
  EXPECT_EQ(condition_of(errc::stopped), condition::cancelled);
  EXPECT_EQ(condition_of(errc::limit_exceeded), condition::permanent);
  EXPECT_EQ(condition_of(errc::invalid_argument), condition::permanent);
  EXPECT_EQ(condition_of(error_code(99, core_category())), condition::permanent);
}

TEST(error, system_codes) {
  for (int e : {ECONNREFUSED, ECONNRESET, ECONNABORTED, EPIPE, ETIMEDOUT, ENETUNREACH, ENETDOWN,
                ENETRESET, EHOSTUNREACH, EINTR, EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOTCONN}) {
    EXPECT_EQ(condition_of(system_error(e)), condition::retryable) << system_error(e).message();
    EXPECT_EQ(condition_of(error_code(e, sys::generic_category())), condition::retryable) << e;
  }
  EXPECT_EQ(condition_of(system_error(ECANCELED)), condition::cancelled);
  for (int e : {ENOSPC, EACCES, ENOENT, EINVAL, EIO, EROFS, 12345})
    EXPECT_EQ(condition_of(system_error(e)), condition::permanent) << system_error(e).message();
}

TEST(error, asio_and_resolver_codes) {
  EXPECT_EQ(condition_of(asio::error::operation_aborted), condition::cancelled);
  EXPECT_EQ(condition_of(asio::experimental::error::channel_cancelled), condition::cancelled);
  EXPECT_EQ(condition_of(asio::error::eof), condition::retryable);
  EXPECT_EQ(condition_of(asio::error::host_not_found_try_again), condition::retryable);
  EXPECT_EQ(condition_of(asio::error::host_not_found), condition::permanent);
  EXPECT_EQ(condition_of(asio::error::no_data), condition::permanent);
  EXPECT_EQ(condition_of(asio::error::service_not_found), condition::permanent);
}

TEST(error, success_has_no_condition) {
  EXPECT_EQ(condition_of(error_code()), std::nullopt);
  EXPECT_EQ(condition_of(error_code(0, asio::error::get_misc_category())), std::nullopt);
}

// Another module's category: its own mapping decides, and a mapping to the system's conditions is
// followed.
class module_category final : public sys::error_category {
 public:
  const char* name() const noexcept override { return "module"; }
  std::string message(int) const override { return "m"; }
  sys::error_condition default_error_condition(int value) const noexcept override {
    if (value == 1) return condition::conflict;
    if (value == 2) return sys::errc::make_error_condition(sys::errc::operation_canceled);
    if (value == 3) return sys::errc::make_error_condition(sys::errc::connection_reset);
    return {value, *this};
  }
};

TEST(error, a_modules_own_mapping_decides) {
  static const module_category module;
  EXPECT_EQ(condition_of(error_code(1, module)), condition::conflict);
  EXPECT_EQ(condition_of(error_code(2, module)), condition::cancelled);
  EXPECT_EQ(condition_of(error_code(3, module)), condition::retryable);
  EXPECT_EQ(condition_of(error_code(4, module)), condition::permanent);
}

TEST(error, every_code_and_condition_has_a_text_of_its_own) {
  std::vector<std::string> texts;
  for (auto e : {errc::timed_out, errc::stopped, errc::limit_exceeded, errc::invalid_argument})
    texts.push_back(make_error_code(e).message());
  for (auto c : all) texts.push_back(make_error_condition(c).message());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_NE(texts[i], error_code(99, core_category()).message());
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(texts[i], texts[j]);
  }
}

}  // namespace
}  // namespace tidewire
