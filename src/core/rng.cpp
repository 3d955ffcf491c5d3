#include <tidewire/core/rng.hpp>

#include <bit>
#include <random>

namespace tidewire {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014): spreads a seed over the state, and mixes names in.
std::uint64_t split_mix(std::uint64_t& s) noexcept {
  std::uint64_t z = (s += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

rng::rng(std::uint64_t seed) noexcept : seed_(seed) {
  for (auto& word : state_) word = split_mix(seed);
}

rng rng::from_entropy() {
  std::random_device device;
  return rng((std::uint64_t{device()} << 32) | device());
}

rng rng::stream(std::string_view name) const noexcept {
  std::uint64_t mixed = seed_;
  split_mix(mixed);  // or the stream without a name would be the generator itself
  for (unsigned char c : name) {
    mixed ^= c;
    mixed = split_mix(mixed);
  }
  return rng(mixed ^ name.size());
}

rng::result_type rng::operator()() noexcept {
  auto* s = state_;
  std::uint64_t out = std::rotl(s[1] * 5, 7) * 9;
  std::uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = std::rotl(s[3], 45);
  return out;
}

std::int64_t rng::between(std::int64_t low, std::int64_t high) noexcept {
  auto width = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
  if (width == 0) return static_cast<std::int64_t>((*this)());  // the whole range
  // Multiply-shift: the bias is below width / 2^64, which no test can see.
  __extension__ using wide = unsigned __int128;
  auto offset = static_cast<std::uint64_t>((wide{(*this)()} * width) >> 64);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + offset);
}

bool rng::chance_ppm(std::uint32_t parts) noexcept {
  return between(0, 999'999) < static_cast<std::int64_t>(parts);
}

}  // namespace tidewire
