#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

namespace tidewire {

// A small, fast, seedable random generator (xoshiro256**, Blackman and Vigna 2018). Not for
// secrets.
//
// Satisfies UniformRandomBitGenerator. stream() derives an independent generator by name, so that
// one more draw at one site does not shift the draws at all others: this is what makes a failing
// simulation shrinkable. Not thread-safe: one per object.
class rng {
 public:
  using result_type = std::uint64_t;

  explicit rng(std::uint64_t seed) noexcept;
  // Seeded from the operating system. The only use of std::random_device in the library.
  static rng from_entropy();

  // Depends on the seed and the name alone, not on what was drawn before: the same name gives the
  // same stream again.
  rng stream(std::string_view name) const noexcept;

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()() noexcept;

  // Uniform in [low, high], both included. Requires low <= high.
  std::int64_t between(std::int64_t low, std::int64_t high) noexcept;
  // True with a probability of `parts` in a million.
  bool chance_ppm(std::uint32_t parts) noexcept;

 private:
  std::uint64_t seed_;
  std::uint64_t state_[4];
};

}  // namespace tidewire
