#include <tidewire/core/initiate_on.hpp>

#include <boost/system/system_error.hpp>

namespace tidewire::detail {

error_code code_of(const std::exception_ptr& failure) noexcept {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& e) {
    return e.code();
  } catch (...) {
    std::terminate();  // from inside a handler, so that the message names the exception
  }
}

}  // namespace tidewire::detail
