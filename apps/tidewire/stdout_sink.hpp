#pragma once

#include <tidewire/transfer/download_sink.hpp>

namespace tidewire::cli {

// `-o -`: bytes go to standard output in order. What was written can't be taken back, so a resource
// that changes on the way ends the download.
class stdout_sink final : public transfer::download_sink {
 public:
  result<void> write(std::span<const std::byte> bytes) override;
};

}  // namespace tidewire::cli
