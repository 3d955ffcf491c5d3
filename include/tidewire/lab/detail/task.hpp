#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace tidewire::lab::detail {

// A move-only void(bool) with room for small callables, so that most handlers need no allocation.
// The argument says whether a timer's deadline came (true) or its wait was cancelled (false).
class task {
 public:
  static constexpr std::size_t inline_bytes = 56;

  task() = default;

  template <class F>
  requires(!std::is_same_v<std::decay_t<F>, task>) explicit task(F&& f) {
    using callable = std::decay_t<F>;
    if constexpr (fits<callable>()) {
      ::new (static_cast<void*>(space_)) callable(std::forward<F>(f));
      table_ = &inline_table<callable>;
    } else {
      ::new (static_cast<void*>(space_)) callable*(new callable(std::forward<F>(f)));
      table_ = &heap_table<callable>;
    }
  }

  task(task&& other) noexcept { take(other); }
  task& operator=(task&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  ~task() { reset(); }

  explicit operator bool() const noexcept { return table_ != nullptr; }
  void operator()(bool fired) { table_->call(space_, fired); }

 private:
  struct table {
    void (*call)(void*, bool);
    void (*move)(void* to, void* from) noexcept;
    void (*destroy)(void*) noexcept;
  };

  template <class F>
  static constexpr bool fits() {
    return sizeof(F) <= inline_bytes && alignof(F) <= alignof(void*) &&
           std::is_nothrow_move_constructible_v<F>;
  }

  template <class F>
  static constexpr table inline_table{[](void* p, bool fired) { (*static_cast<F*>(p))(fired); },
                                      [](void* to, void* from) noexcept {
                                        ::new (to) F(std::move(*static_cast<F*>(from)));
                                        static_cast<F*>(from)->~F();
                                      },
                                      [](void* p) noexcept { static_cast<F*>(p)->~F(); }};

  template <class F>
  static constexpr table heap_table{
      [](void* p, bool fired) { (**static_cast<F**>(p))(fired); },
      [](void* to, void* from) noexcept { ::new (to) F*(*static_cast<F**>(from)); },
      [](void* p) noexcept { delete *static_cast<F**>(p); }};

  void take(task& other) noexcept {
    table_ = std::exchange(other.table_, nullptr);
    if (table_) table_->move(space_, other.space_);
  }
  void reset() noexcept {
    if (auto* was = std::exchange(table_, nullptr)) was->destroy(space_);
  }

  alignas(void*) std::byte space_[inline_bytes];
  const table* table_ = nullptr;
};

}  // namespace tidewire::lab::detail
