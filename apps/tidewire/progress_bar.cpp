#include "progress_bar.hpp"

#include "escape.hpp"
#include "units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace tidewire::cli {
namespace {

using transfer::download_phase;
using transfer::download_progress;

enum class cell { held, head, missing, moving };

constexpr std::size_t min_cells = 6, max_cells = 60, percent_width = 4, rate_width = 10,
                      clock_width = 8, sizes_width = 17, short_name = 10, long_name = 32;

// Where each cell stands. The segments say what is missing while they account for all of it;
// otherwise (between two assignments) only the sum is known and the map is a plain bar.
std::vector<cell> draw_map(const download_progress& p, std::size_t count) {
  std::vector<cell> cells(count, cell::missing);
  if (p.phase == download_phase::verifying || p.phase == download_phase::complete) {
    std::fill(cells.begin(), cells.end(), cell::held);
    return cells;
  }
  if (!p.total_bytes) {
    auto at = p.downloaded_bytes / (256 * 1024) % count;
    if (p.downloaded_bytes > 0) cells[at] = cell::moving;
    return cells;
  }
  auto total = std::max<std::uint64_t>(*p.total_bytes, 1);
  auto place = [&](std::uint64_t byte) {
    auto x = static_cast<double>(std::min(byte, total)) / static_cast<double>(total);
    return std::min(static_cast<std::size_t>(x * static_cast<double>(count)), count);
  };
  std::uint64_t accounted = p.downloaded_bytes;
  for (auto& s : p.segments) accounted += s.end > s.position ? s.end - s.position : 0;
  if (p.segments.empty() || accounted != *p.total_bytes) {
    std::fill_n(cells.begin(), place(p.downloaded_bytes), cell::held);
    return cells;
  }
  std::fill(cells.begin(), cells.end(), cell::held);
  for (auto& s : p.segments)
    for (auto i = place(s.position); s.position < s.end && i < count && i <= place(s.end - 1); ++i)
      cells[i] = cell::missing;
  for (auto& s : p.segments)
    if (s.position < s.end && place(s.position) < count) cells[place(s.position)] = cell::head;
  return cells;
}

std::string paint(const std::vector<cell>& cells, const bar_style& style) {
  std::string out = "[";
  const char* colour = "";
  for (auto c : cells) {
    const char* wanted = c == cell::held ? "\x1b[32m" : c == cell::missing ? "\x1b[2m" : "\x1b[33m";
    if (style.colour && wanted != colour) {
      if (*colour) out += "\x1b[0m";
      out += colour = wanted;
    }
    switch (c) {
      case cell::held:
        out += style.unicode ? "█" : "#";
        break;
      case cell::head:
        out += style.unicode ? "▓" : ">";
        break;
      case cell::missing:
        out += style.unicode ? "░" : "-";
        break;
      case cell::moving:
        out += style.unicode ? "█" : "#";
        break;
    }
  }
  if (*colour) out += "\x1b[0m";
  return out + "]";
}

// What the connections do: a rate while they load, a word otherwise.
std::string activity(const download_progress& p) {
  if (p.phase == download_phase::downloading) return format_rate(p.bytes_per_second);
  return phase_name(p.phase);
}

std::string time_left(const download_progress& p) {
  return p.phase == download_phase::downloading && p.remaining ? format_clock(*p.remaining) : "";
}

std::string sizes(const download_progress& p) {
  auto held = format_size(p.downloaded_bytes);
  return p.total_bytes ? held + "/" + format_size(*p.total_bytes) : held;
}

// Which fields fit, most wanted first.
struct layout {
  std::size_t cells = 0, name = 0;
  bool percent = false, rate = false, clock = false, sizes = false;
};

layout arrange(std::size_t columns, std::size_t name_width, bool known, bool keep_name) {
  layout l;
  auto room = columns;
  auto take = [&](std::size_t width) {
    if (room < width + 1) return false;
    room -= width + 1;
    return true;
  };
  auto wanted_name = std::min(name_width, short_name);
  if (known) l.percent = take(percent_width);
  if (keep_name && wanted_name > 0 && take(wanted_name)) l.name = wanted_name;
  if (room >= min_cells + 2) {
    l.cells = min_cells;
    room -= min_cells + 2;
  }
  l.rate = take(rate_width);
  if (!known) l.sizes = take(sizes_width);
  if (known) l.clock = take(clock_width);
  if (known) l.sizes = take(sizes_width);
  if (!keep_name && wanted_name > 0 && take(wanted_name)) l.name = wanted_name;
  auto more = std::min(room, l.name > 0 ? std::min(name_width, long_name) - l.name : 0);
  l.name += more;
  room -= more;
  if (l.cells > 0) l.cells = std::min(l.cells + room, max_cells);
  return l;
}

}  // namespace

const char* phase_name(download_phase phase) {
  switch (phase) {
    case download_phase::connecting:
      return "connecting";
    case download_phase::downloading:
      return "downloading";
    case download_phase::waiting:
      return "waiting";
    case download_phase::verifying:
      return "verifying";
    case download_phase::complete:
      return "complete";
  }
  return "unknown";
}

std::string percentage_text(const download_progress& p) {
  if (!p.total_bytes || !p.percentage) return "";
  if (p.phase == download_phase::complete) return "100%";
  return fmt::format("{:.0f}%", std::clamp(std::floor(*p.percentage), 0.0, 99.0));
}

std::string render_bar(std::string_view name, const download_progress& p, const bar_style& style,
                       bool keep_name) {
  auto label = escape_terminal(name);
  auto l = arrange(style.columns, display_width(label), p.total_bytes.has_value(), keep_name);
  std::string out;
  auto separate = [&] { out += out.empty() ? "" : " "; };
  if (l.name > 0) {
    label = shorten(label, l.name);
    out += label + std::string(l.name - display_width(label), ' ');
  }
  if (l.cells > 0) {
    separate();
    out += paint(draw_map(p, l.cells), style);
  }
  auto field = [&](bool shown, const std::string& text, std::size_t width) {
    if (!shown) return;
    separate();
    out += fmt::format("{:>{}}", text, width);
  };
  field(l.percent, percentage_text(p), percent_width);
  field(l.sizes, sizes(p), sizes_width);
  field(l.rate, activity(p).substr(0, rate_width), rate_width);
  field(l.clock, time_left(p), clock_width);
  return out;
}

std::string render_line(std::string_view name, const download_progress& p) {
  auto out = escape_terminal(name) + ": ";
  if (p.total_bytes) {
    if (auto percent = percentage_text(p); !percent.empty()) out += percent + ", ";
    out += format_size(p.downloaded_bytes) + " of " + format_size(*p.total_bytes);
  } else {
    out += format_size(p.downloaded_bytes) + " of an unknown size";
  }
  if (p.phase != download_phase::downloading) return out + ", " + phase_name(p.phase);
  out += ", " + format_rate(p.bytes_per_second);
  if (p.remaining) out += ", " + format_clock(*p.remaining) + " left";
  return out;
}

}  // namespace tidewire::cli
