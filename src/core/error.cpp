#include <tidewire/core/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/experimental/channel_error.hpp>
#include <boost/system/errc.hpp>

#include <string>

namespace tidewire {
namespace {

namespace sys = boost::system;

class core_category_impl final : public sys::error_category {
 public:
  const char* name() const noexcept override { return "tidewire.core"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::timed_out:
        return "the deadline passed";
      case errc::stopped:
        return "the object was stopped";
      case errc::limit_exceeded:
        return "a limit was reached";
      case errc::invalid_argument:
        return "the argument can't be used";
    }
    return "unknown error";
  }

  sys::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<errc>(value)) {
      case errc::timed_out:
        return condition::retryable;
      case errc::stopped:
        return condition::cancelled;
      case errc::limit_exceeded:
      case errc::invalid_argument:
        return condition::permanent;
    }
    return {value, *this};
  }
};

bool is_cancelled(const sys::error_code& ec) {
  return ec == sys::errc::operation_canceled ||
         ec == boost::asio::experimental::error::channel_cancelled;
}

// System, socket and resolver errors that a later try may not meet.
bool is_transient(const sys::error_code& ec) {
  namespace net = boost::asio::error;
  if (ec == net::host_not_found_try_again || ec == net::eof) return true;
  for (auto e :
       {sys::errc::connection_refused, sys::errc::connection_reset, sys::errc::connection_aborted,
        sys::errc::broken_pipe, sys::errc::timed_out, sys::errc::network_unreachable,
        sys::errc::network_down, sys::errc::network_reset, sys::errc::host_unreachable,
        sys::errc::interrupted, sys::errc::resource_unavailable_try_again,
        sys::errc::too_many_files_open, sys::errc::too_many_files_open_in_system,
        sys::errc::no_buffer_space, sys::errc::not_connected}) {
    if (ec == e) return true;
  }
  return false;
}

class condition_category_impl final : public sys::error_category {
 public:
  const char* name() const noexcept override { return "tidewire.condition"; }

  std::string message(int value) const override {
    switch (static_cast<condition>(value)) {
      case condition::retryable:
        return "retryable";
      case condition::conflict:
        return "conflict";
      case condition::cancelled:
        return "cancelled";
      case condition::permanent:
        return "permanent";
    }
    return "unknown condition";
  }

  // Codes of our own categories map themselves (default_error_condition); this covers foreign ones.
  bool equivalent(const sys::error_code& ec, int value) const noexcept override {
    auto own = ec.default_error_condition();
    if (own.category() == *this) return own.value() == value;
    if (!ec) return false;
    auto is = static_cast<condition>(value);
    if (is_cancelled(ec)) return is == condition::cancelled;
    return is == (is_transient(ec) ? condition::retryable : condition::permanent);
  }
};

}  // namespace

const sys::error_category& core_category() noexcept {
  static const core_category_impl instance;
  return instance;
}

const sys::error_category& condition_category() noexcept {
  static const condition_category_impl instance;
  return instance;
}

sys::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), core_category()};
}

sys::error_condition make_error_condition(condition c) noexcept {
  return {static_cast<int>(c), condition_category()};
}

}  // namespace tidewire
