#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::transfer {

enum class download_phase {
  connecting,  // no answer accepted yet
  downloading,
  waiting,    // all connections wait for a retry or a Retry-After
  verifying,  // all bytes are there: syncing and digesting
  complete,   // verified and under its final name
};

// One connection's piece of the file: [begin, end), filled up to `position`.
struct segment_progress {
  unsigned connection = 0;
  std::uint64_t begin = 0, position = 0, end = 0;
  double bytes_per_second = 0;
};

// [begin, end) of the file.
struct held_range {
  std::uint64_t begin = 0, end = 0;
  friend bool operator==(const held_range&, const held_range&) = default;
};

// A snapshot. Monotonic within one generation; 100 % is reached in phase `complete` alone.
struct download_progress {
  download_phase phase = download_phase::connecting;
  std::uint64_t downloaded_bytes = 0;  // held in the file, earlier runs included
  std::uint64_t resumed_bytes = 0;     // of which were there at the start
  std::optional<std::uint64_t> total_bytes;
  std::optional<double> percentage;  // nothing while the size is unknown
  double bytes_per_second = 0;       // over the last seconds
  std::optional<std::chrono::seconds> remaining;
  unsigned generation = 1;  // grows when the resource changed and was begun anew
  std::vector<segment_progress> segments;
  // What the file holds, in order, to draw it. At most max_held_ranges: with more pieces than that
  // the smallest gaps are left out. downloaded_bytes is what counts.
  static constexpr std::size_t max_held_ranges = 256;
  std::vector<held_range> held;
};

// Something worth telling a person or a log. `kind` is stable, `text` is for people.
struct download_event {
  enum class kind_type {
    started,
    redirected,
    verdict,
    retry,
    restarted,
    throttled,
    fallback,
    finished
  };
  kind_type kind;
  unsigned connection = 0;
  std::string text;
};

}  // namespace tidewire::transfer
