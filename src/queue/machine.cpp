#include "queue/machine.hpp"

#include <fstream>

namespace tidewire::queue {

std::string boot_name() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string out;
  std::getline(file, out);
  return out.empty() ? "unknown" : out;
}

}  // namespace tidewire::queue
