#include <tidewire/core/error.hpp>
#include <tidewire/server/message_store.hpp>

#include <string>
#include <utility>
#include <vector>

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
      case message_errc::not_text:
        return "the message is not text";
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

result<std::vector<log_state>> message_store::states(std::span<const std::string> channels) {
  std::vector<log_state> out;
  for (const auto& channel : channels) {
    auto one = state(channel);
    if (!one) return one.error();
    out.push_back(std::move(*one));
  }
  return out;
}

void message_store::watch(moved_handler) {}

}  // namespace tidewire::server
