#include <tidewire/core/error.hpp>
#include <tidewire/realtime/error.hpp>

#include <string>

namespace tidewire::realtime {
namespace {

namespace sys = boost::system;

class realtime_category final : public sys::error_category {
 public:
  const char* name() const noexcept override { return "tidewire.realtime"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::refused:
        return "the server refused";
      case errc::unavailable:
        return "the server can't answer now";
      case errc::bad_answer:
        return "the answer can't be used";
      case errc::too_many_errors:
        return "too many polls failed in a row";
      case errc::function_threw:
        return "the function threw";
      case errc::rejected:
        return "the publication was rejected";
      case errc::unconfirmed:
        return "the publication was not confirmed";
    }
    return "unknown error";
  }

  sys::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<errc>(value)) {
      case errc::unavailable:
      case errc::too_many_errors:
      case errc::unconfirmed:
        return condition::retryable;
      default:
        return condition::permanent;
    }
  }
};

}  // namespace

const sys::error_category& category() noexcept {
  static const realtime_category instance;
  return instance;
}

sys::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), category()};
}

}  // namespace tidewire::realtime
