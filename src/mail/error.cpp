#include <tidewire/core/error.hpp>
#include <tidewire/mail/error.hpp>

#include <string>

namespace tidewire::mail {
namespace {

namespace sys = boost::system;

class mail_category final : public sys::error_category {
 public:
  const char* name() const noexcept override { return "tidewire.mail"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::invalid_message:
        return "the message can't be sent as it is";
      case errc::attachment_unreadable:
        return "an attachment can't be read";
      case errc::too_large:
        return "the message is too large";
      case errc::invalid_server:
        return "the mail server's address or its options can't be used";
    }
    return "unknown error";
  }

  sys::error_condition default_error_condition(int) const noexcept override {
    return condition::permanent;
  }
};

}  // namespace

const sys::error_category& category() noexcept {
  static const mail_category instance;
  return instance;
}

sys::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), category()};
}

}  // namespace tidewire::mail
