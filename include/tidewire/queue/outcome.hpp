#pragma once

#include <tidewire/queue/task.hpp>

#include <optional>
#include <string>
#include <utility>

namespace tidewire::queue {

// How an attempt ended, as a handler says it. An exception that leaves a handler is a retry with
// its text.
class outcome {
 public:
  enum class kind : std::uint8_t {
    done,
    retry,    // failed; another attempt may succeed. The last attempt's: failed
    snooze,   // not now: come back, and don't count this attempt
    discard,  // failed for good
    cancelled,
    unknown,  // the effect may have happened or not: parked as a dead letter
    release,  // not started: given back by the worker. Not for handlers
  };

  // `result`: JSON text, at most task_bounds::result_bytes; empty: none.
  static outcome done(std::string result = {}) { return {kind::done, std::move(result), {}}; }
  // Without `after` the delay doubles from attempt to attempt, with jitter.
  static outcome retry(std::string why, std::optional<milliseconds> after = {}) {
    return {kind::retry, std::move(why), after};
  }
  static outcome snooze(milliseconds after) { return {kind::snooze, {}, after}; }
  static outcome discard(std::string why) { return {kind::discard, std::move(why), {}}; }
  static outcome cancelled(std::string why = {}) { return {kind::cancelled, std::move(why), {}}; }
  static outcome unknown(std::string why) { return {kind::unknown, std::move(why), {}}; }
  static outcome release() { return {kind::release, {}, milliseconds(0)}; }

  kind what() const { return what_; }
  bool is_done() const { return what_ == kind::done; }
  // The result of one that is done, the reason of another.
  const std::string& text() const { return text_; }
  std::optional<milliseconds> after() const { return after_; }
  outcome& set_text(std::string t) {
    text_ = std::move(t);
    return *this;
  }
  outcome& set_after(milliseconds d) {
    after_ = d;
    return *this;
  }

 private:
  outcome(kind what, std::string text, std::optional<milliseconds> after)
      : text_(std::move(text)), after_(after), what_(what) {}

  std::string text_;
  std::optional<milliseconds> after_;
  kind what_;
};

}  // namespace tidewire::queue
