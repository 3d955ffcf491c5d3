#include "live_memory.hpp"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace tidewire::test {
namespace {

std::atomic<std::size_t> live{0}, peak{0};

void* take(std::size_t size) noexcept {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (!memory) return nullptr;
  auto now = live += malloc_usable_size(memory);
  auto before = peak.load();
  while (now > before && !peak.compare_exchange_weak(before, now)) {
  }
  return memory;
}

void* take_or_throw(std::size_t size) {
  void* memory = take(size);
  if (!memory) throw std::bad_alloc();
  return memory;
}

void give_back(void* memory) noexcept {
  if (!memory) return;
  live -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

std::size_t live_bytes() noexcept {
  return live;
}

std::size_t peak_bytes() noexcept {
  return peak;
}

void reset_peak() noexcept {
  peak = live.load();
}

}  // namespace tidewire::test

// NOLINTBEGIN(misc-new-delete-overloads)
void* operator new(std::size_t size) {
  return tidewire::test::take_or_throw(size);
}
void* operator new[](std::size_t size) {
  return tidewire::test::take_or_throw(size);
}
// A sanitizer brings these of its own, whose memory our delete must not be given.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return tidewire::test::take(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return tidewire::test::take(size);
}
void operator delete(void* memory) noexcept {
  tidewire::test::give_back(memory);
}
void operator delete[](void* memory) noexcept {
  tidewire::test::give_back(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  tidewire::test::give_back(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  tidewire::test::give_back(memory);
}
// NOLINTEND(misc-new-delete-overloads)
