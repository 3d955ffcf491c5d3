#pragma once

#include <tidewire/core/rng.hpp>

#include <string>
#include <string_view>

namespace tidewire::http::testing {

// A random change of `seed_text`: bytes flipped, removed, doubled, or drawn from `alphabet`.
inline std::string mutate(std::string_view seed_text, std::string_view alphabet, rng& random) {
  std::string out(seed_text);
  auto index = [&](std::size_t size) {
    return static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(size) - 1));
  };
  for (auto changes = random.between(1, 6); changes > 0; --changes) {
    auto byte = random.chance_ppm(300'000) ? static_cast<char>(random.between(0, 255))
                                           : alphabet[index(alphabet.size())];
    if (out.empty()) {
      out += byte;
      continue;
    }
    auto at = index(out.size());
    switch (random.between(0, 3)) {
      case 0:
        out[at] = byte;
        break;
      case 1:
        out.erase(at, 1);
        break;
      case 2:
        out.insert(at, 1, byte);
        break;
      default:
        out.insert(at, out.substr(at, 8));
    }
  }
  return out;
}

}  // namespace tidewire::http::testing
