#include <tidewire/core/error.hpp>
#include <tidewire/websocket/error.hpp>

#include <string>

namespace tidewire::websocket {
namespace {

namespace sys = boost::system;

class websocket_category final : public sys::error_category {
 public:
  const char* name() const noexcept override { return "tidewire.websocket"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::closed:
        return "the WebSocket was closed";
      case errc::connection_lost:
        return "the connection broke without a close frame";
      case errc::refused:
        return "the server refused the upgrade to a WebSocket";
      case errc::bad_handshake:
        return "the server's answer to the upgrade is not valid";
      case errc::protocol_error:
        return "the peer sent frames that the protocol forbids";
      case errc::invalid_utf8:
        return "the peer sent text that is not UTF-8";
      case errc::message_too_big:
        return "the message is larger than allowed";
    }
    return "unknown error";
  }

  sys::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<errc>(value)) {
      case errc::closed:
      case errc::connection_lost:
      case errc::refused:
        return condition::retryable;
      case errc::bad_handshake:
      case errc::protocol_error:
      case errc::invalid_utf8:
      case errc::message_too_big:
        return condition::permanent;
    }
    return {value, *this};
  }
};

}  // namespace

const sys::error_category& category() noexcept {
  static const websocket_category instance;
  return instance;
}

sys::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), category()};
}

}  // namespace tidewire::websocket
