#pragma once

#include <tidewire/server/message.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace tidewire::test {

// A resource whose every byte tells its generation and place, so that a mixed file is seen at once.
struct resource {
  enum class validator { strong_etag, weak_etag, last_modified, digest, none };

  std::uint64_t size = 0;
  unsigned generation = 1;
  validator validates = validator::strong_etag;
  bool ranges = true;
  bool length = true;  // false: chunked

  std::byte at(std::uint64_t offset) const;
  std::string content() const;
};

// Serves `what` as it is at each request. Own code, not the backend's: a bug that both halves of
// the project shared would not be seen otherwise.
server::handler serve(std::shared_ptr<resource> what);

// The generation in [1, newest] whose content these bytes are; 0: none, they are mixed or cut.
unsigned generation_of(const std::string& bytes, const resource& any, unsigned newest);

}  // namespace tidewire::test
