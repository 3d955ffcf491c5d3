#include "progress_display.hpp"

#include "escape.hpp"
#include "progress_bar.hpp"
#include "progress_json.hpp"
#include "terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

namespace tidewire::cli {
namespace {

using transfer::download_event;
using transfer::download_progress;

struct shown_file {
  std::string name, url;
  std::optional<download_progress> latest;
  std::optional<clock::time_point> printed;
};

// What lines and bars share: names, result lines, events.
class text_display : public progress_display {
 public:
  explicit text_display(const display_options& options) : options_(options) {}

  void begin(std::size_t file, const std::string& name, const std::string& url) override {
    files_[file] = {name, url, {}, {}};
  }
  void update(std::size_t, const download_progress&) override {}
  void event(std::size_t file, const download_event& e) override {
    if (!options_.events) return;
    print_error(fmt::format("{}: {}: {}", escape_terminal(files_[file].name), event_name(e.kind),
                            escape_terminal(e.text)));
  }
  void finish(std::size_t file, const file_outcome& outcome) override {
    files_.erase(file);
    if (outcome.code != exit_code::ok)
      print_error("tidewire: " + outcome.text);
    else if (options_.quiet)
      flush();
    else if (options_.data_on_stdout)
      print_error(outcome.text);
    else
      print_result(outcome.text);
  }
  void note(const std::string& text) override { print_error("tidewire: " + text); }
  std::chrono::nanoseconds interval() const override { return std::chrono::seconds(1); }

 protected:
  virtual void print_error(const std::string& line) { write_stderr(line + "\n"); }
  virtual void print_result(const std::string& line) { write_stdout(line + "\n"); }
  virtual void flush() {}

  display_options options_;
  std::map<std::size_t, shown_file> files_;
};

class line_display final : public text_display {
 public:
  line_display(const display_options& options, clock now) : text_display(options), clock_(now) {}

  void update(std::size_t file, const download_progress& p) override {
    auto& f = files_[file];
    auto now = clock_.now();
    // A download that is over within the first interval needs no line of progress at all.
    if (!f.printed) f.printed = now;
    if (now - *f.printed < every) return;
    f.printed = now;
    write_stderr(render_line(f.name, p) + "\n");
  }

 private:
  static constexpr auto every = std::chrono::seconds(5);
  clock clock_;
};

class bar_display final : public text_display {
 public:
  bar_display(const display_options& options, clock now) : text_display(options), clock_(now) {}
  ~bar_display() override { write_stderr(erase()); }

  void update(std::size_t file, const download_progress& p) override {
    files_[file].latest = p;
    auto now = clock_.now();
    if (drawn_ && now - *drawn_ < std::chrono::milliseconds(80)) return;
    drawn_ = now;
    redraw();
  }
  std::chrono::nanoseconds interval() const override { return std::chrono::milliseconds(100); }

 protected:
  void print_error(const std::string& line) override {
    write_stderr(erase() + line + "\n");
    redraw();
  }
  void print_result(const std::string& line) override {
    write_stderr(erase());
    write_stdout(line + "\n");
    redraw();
  }
  void flush() override { redraw(); }

 private:
  static constexpr std::size_t max_lines = 16;

  // Back to the first line of the bars, and everything below gone.
  std::string erase() {
    std::string out = lines_ > 0 ? "\r" : "";
    if (lines_ > 1) out += fmt::format("\x1b[{}A", lines_ - 1);
    if (lines_ > 0) out += "\x1b[J";
    lines_ = 0;
    return out;
  }

  void redraw() {
    auto size = stderr_size();
    // The last column stays free: some terminals wrap as soon as it is written.
    bar_style style{std::max<std::size_t>(size.columns, 2) - 1, locale_is_utf8(), colour_wanted()};
    auto most = std::clamp<std::size_t>(size.rows > 2 ? size.rows - 2 : 1, 1, max_lines);
    auto out = erase();
    std::size_t waiting = 0;
    for (auto& [id, f] : files_) {
      if (!f.latest) continue;
      if (lines_ == most) {
        ++waiting;
        continue;
      }
      if (lines_++ > 0) out += "\n";
      out += render_bar(f.name, *f.latest, style, options_.several);
    }
    if (waiting > 0) {
      ++lines_;
      out += "\n" + shorten(fmt::format("and {} more", waiting), style.columns);
    }
    write_stderr(out);
  }

  clock clock_;
  std::optional<clock::time_point> drawn_;
  std::size_t lines_ = 0;
};

class json_display final : public progress_display {
 public:
  explicit json_display(std::chrono::nanoseconds interval) : interval_(interval) {}
  void begin(std::size_t file, const std::string&, const std::string& url) override {
    urls_[file] = url;
  }
  void update(std::size_t file, const download_progress& p) override {
    write_stderr(progress_json(file, urls_[file], p) + "\n");
  }
  void event(std::size_t file, const download_event& e) override {
    write_stderr(event_json(file, urls_[file], e) + "\n");
  }
  void finish(std::size_t file, const file_outcome& o) override {
    write_stderr(result_json(file, urls_[file], o.code, o.result, o.text, o.seconds) + "\n");
    urls_.erase(file);
  }
  // Only JSON on this stream; a signal shows in each file's result.
  void note(const std::string&) override {}
  std::chrono::nanoseconds interval() const override { return interval_; }

 private:
  std::chrono::nanoseconds interval_;
  std::map<std::size_t, std::string> urls_;
};

}  // namespace

std::unique_ptr<progress_display> make_display(const display_options& options, clock now) {
  switch (options.mode) {
    case progress_mode::bar:
      return std::make_unique<bar_display>(options, now);
    case progress_mode::lines:
      return std::make_unique<line_display>(options, now);
    case progress_mode::json:
      return std::make_unique<json_display>(options.json_interval);
    case progress_mode::none:
      break;
  }
  return std::make_unique<text_display>(options);
}

progress_mode automatic_mode() {
  return stderr_is_terminal() ? progress_mode::bar : progress_mode::lines;
}

}  // namespace tidewire::cli
