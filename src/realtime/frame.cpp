#include <tidewire/core/error.hpp>
#include <tidewire/core/utf8.hpp>
#include <tidewire/realtime/frame.hpp>

namespace tidewire::realtime {
namespace {

class frame_category_impl final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "tidewire.realtime.frame"; }

  std::string message(int value) const override {
    switch (static_cast<frame_errc>(value)) {
      case frame_errc::unknown_type:
        return "the frame's type is not known";
      case frame_errc::bad_member:
        return "a member of the frame is missing or can't be used";
      case frame_errc::unsupported_version:
        return "the frame is of another version of the protocol";
      case frame_errc::payload_too_large:
        return "the message is too large";
    }
    return "unknown error";
  }

  boost::system::error_condition default_error_condition(int) const noexcept override {
    return condition::permanent;
  }
};

}  // namespace

const boost::system::error_category& frame_category() noexcept {
  static const frame_category_impl instance;
  return instance;
}

error_code make_error_code(frame_errc e) noexcept {
  return {static_cast<int>(e), frame_category()};
}

bool is_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > max_name_bytes) return false;
  for (char c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return is_utf8(name);
}

}  // namespace tidewire::realtime
