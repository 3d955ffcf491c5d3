#include <tidewire/core/error.hpp>
#include <tidewire/file/journal.hpp>

#include <string>

namespace tidewire::file {
namespace {

class category_impl final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "tidewire.file"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::foreign_journal:
        return "not a journal of this kind, or its header is damaged";
      case errc::newer_journal:
        return "the journal was written by a later version";
    }
    return "unknown error";
  }

  boost::system::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<errc>(value)) {
      case errc::foreign_journal:
      case errc::newer_journal:
        return condition::permanent;
    }
    return {value, *this};
  }
};

}  // namespace

const boost::system::error_category& category() noexcept {
  static const category_impl instance;
  return instance;
}

error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), category()};
}

}  // namespace tidewire::file
