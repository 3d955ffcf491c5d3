#pragma once

#include "child_process.hpp"
#include "refusal.hpp"

#include <tidewire/transfer/partial_download.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire::demo {

// What is known about one download: what its process said in NDJSON, how its runs ended, what the
// disk shows. Pure: it is told everything, time included, and gives the console's view.
class download_record {
 public:
  static constexpr std::size_t max_events = 50;
  static constexpr std::size_t max_text_bytes = 400;

  enum class state { running, pausing, paused, killed, done, failed };

  // `expected` is the digest that the file must have, in hex, or empty.
  download_record(std::string id, std::string source, std::string name, std::string expected);

  // Times are since the creation.
  void run_begun(std::chrono::milliseconds at);
  void line(std::string_view ndjson, std::chrono::milliseconds at);
  void run_ended(exit_status how, std::chrono::milliseconds at);
  // No process could be started.
  void run_failed(const std::string& why, std::chrono::milliseconds at);
  void pausing() { state_ = state::pausing; }
  void disk_shows(const std::optional<transfer::partial_download>& partial);

  const std::string& id() const { return id_; }
  const std::string& source() const { return source_; }
  const std::string& name() const { return name_; }
  const std::string& expected() const { return expected_; }
  bool running() const { return state_ == state::running || state_ == state::pausing; }
  bool downloading() const;  // the process has said so
  state now() const { return state_; }

  boost::json::object json() const;

 private:
  void add_event(std::string_view kind, std::int64_t connection, std::string_view text,
                 std::chrono::milliseconds at);
  void take_progress(const boost::json::object& o);
  void take_event(const boost::json::object& o, std::chrono::milliseconds at);
  void take_result(const boost::json::object& o);
  void forget_run();
  std::string last_words(exit_status how) const;

  struct event {
    std::uint64_t seq;
    std::int64_t at_ms;
    std::string kind;
    std::int64_t connection;
    std::string text;
  };

  std::string id_, source_, name_, expected_;
  state state_ = state::running;
  boost::json::object progress_;  // members that the console gets as they are
  boost::json::value result_;
  std::string plain_;  // the last line that was no NDJSON: why the command line was refused
  std::optional<transfer::partial_download> partial_;
  bool looked_ = false;
  std::deque<event> events_;
  std::uint64_t seq_ = 0;
  std::optional<std::int64_t> requests_;
  unsigned runs_ = 0, retries_ = 0, restarts_ = 0, kills_ = 0;
};

}  // namespace tidewire::demo
