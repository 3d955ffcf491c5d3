#include <tidewire/core/error.hpp>
#include <tidewire/server/message_store.hpp>

#include <string>

namespace tidewire::server {
namespace {

class message_category_impl final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "tidewire.server.message"; }

  std::string message(int value) const override {
    switch (static_cast<message_errc>(value)) {
      case message_errc::id_reused:
        return "the id belongs to another message";
      case message_errc::too_many_channels:
        return "there are too many channels";
    }
    return "unknown error";
  }

  boost::system::error_condition default_error_condition(int) const noexcept override {
    return condition::permanent;
  }
};

}  // namespace

const boost::system::error_category& message_category() noexcept {
  static const message_category_impl instance;
  return instance;
}

error_code make_error_code(message_errc e) noexcept {
  return {static_cast<int>(e), message_category()};
}

}  // namespace tidewire::server
