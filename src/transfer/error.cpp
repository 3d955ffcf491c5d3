#include <tidewire/core/error.hpp>
#include <tidewire/transfer/error.hpp>

#include <string>

namespace tidewire::transfer {
namespace {

namespace sys = boost::system;

class transfer_category final : public sys::error_category {
 public:
  const char* name() const noexcept override { return "tidewire.transfer"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::network_exhausted:
        return "the network failed more often than retries were allowed";
      case errc::refused:
        return "the server refused";
      case errc::bad_response:
        return "the server's answers contradict themselves";
      case errc::changed:
        return "the resource changed during the download";
      case errc::digest_mismatch:
        return "the bytes do not have the promised digest";
      case errc::length_unverified:
        return "the length could not be verified";
      case errc::target_exists:
        return "the target exists";
      case errc::target_busy:
        return "another download writes to the target";
      case errc::partial_unusable:
        return "the partial file or its journal can't be used";
      case errc::no_file_name:
        return "no file name follows from the URL or the answer";
      case errc::disk_failed:
        return "the disk failed";
    }
    return "unknown error";
  }

  sys::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<errc>(value)) {
      case errc::network_exhausted:
      case errc::target_busy:
        return condition::retryable;
      case errc::changed:
        return condition::conflict;
      default:
        return condition::permanent;
    }
  }
};

}  // namespace

const sys::error_category& category() noexcept {
  static const transfer_category instance;
  return instance;
}

sys::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), category()};
}

}  // namespace tidewire::transfer
