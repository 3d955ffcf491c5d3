#include "download_record.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <csignal>
#include <utility>

namespace tidewire::demo {
namespace {

namespace json = boost::json;

constexpr int interrupted = 128 + SIGINT;

// Cut at the end of a character.
std::string shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return std::string(text.substr(0, most)) + "\u2026";
}

std::string_view text_of(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(name);
  return v && v->is_string() ? std::string_view(v->get_string()) : std::string_view();
}

std::int64_t whole_of(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(name);
  return v && v->is_int64() ? v->get_int64() : 0;
}

json::value or_null(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(name);
  return v ? *v : json::value(nullptr);
}

const char* name_of(download_record::state s) {
  using enum download_record::state;
  switch (s) {
    case running:
      return "running";
    case pausing:
      return "pausing";
    case paused:
      return "paused";
    case killed:
      return "killed";
    case done:
      return "done";
    case failed:
      return "failed";
  }
  return "failed";
}

json::value failure(std::string_view outcome, int code, const std::string& message) {
  json::object o;
  o["outcome"] = outcome;
  o["exit_code"] = code;
  o["message"] = message;
  o["sha256"] = nullptr;
  o["bytes"] = 0;
  o["seconds"] = 0.0;
  return o;
}

}  // namespace

download_record::download_record(std::string id, std::string source, std::string name,
                                 std::string expected)
    : id_(std::move(id)),
      source_(std::move(source)),
      name_(std::move(name)),
      expected_(std::move(expected)) {
  for (auto name_in : {"downloaded_bytes", "resumed_bytes", "bytes_per_second"})
    progress_[name_in] = 0;
  for (auto name_in : {"phase", "total_bytes", "percentage", "remaining_seconds"})
    progress_[name_in] = nullptr;
  progress_["generation"] = 1;
  progress_["held"] = json::array();
  progress_["segments"] = json::array();
}

void download_record::run_begun(std::chrono::milliseconds at) {
  state_ = state::running;
  result_ = nullptr;
  plain_.clear();
  progress_["phase"] = "connecting";
  if (runs_++ > 0) add_event("resumed", 0, "the same command again", at);
}

void download_record::line(std::string_view ndjson, std::chrono::milliseconds at) {
  json::error_code bad;
  auto parsed = json::parse({ndjson.data(), ndjson.size()}, bad);
  if (bad || !parsed.is_object()) {
    plain_ = shortened(ndjson, max_text_bytes);
    return;
  }
  const auto& o = parsed.get_object();
  auto type = text_of(o, "type");
  if (type == "progress") take_progress(o);
  if (type == "event") take_event(o, at);
  if (type == "result") take_result(o);
}

void download_record::take_progress(const json::object& o) {
  for (auto& member : progress_)
    if (const auto* v = o.if_contains(member.key())) member.value() = *v;
}

void download_record::take_event(const json::object& o, std::chrono::milliseconds at) {
  auto kind = text_of(o, "kind");
  if (kind == "retry") ++retries_;
  if (kind == "restarted") ++restarts_;
  add_event(kind, whole_of(o, "connection"), text_of(o, "text"), at);
}

void download_record::take_result(const json::object& o) {
  requests_ = requests_.value_or(0) + whole_of(o, "requests");
  json::object r;
  r["outcome"] = or_null(o, "outcome");
  r["exit_code"] = or_null(o, "exit_code");
  r["message"] = shortened(text_of(o, "message"), 4 * max_text_bytes);
  r["sha256"] = or_null(o, "sha-256");
  r["bytes"] = or_null(o, "bytes");
  r["seconds"] = or_null(o, "seconds");
  result_ = std::move(r);
}

void download_record::run_ended(exit_status how, std::chrono::milliseconds at) {
  forget_run();
  if (how.signal == SIGKILL) {
    ++kills_;
    state_ = state::killed;
    result_ = nullptr;
    add_event("killed", 0, "SIGKILL: the process had no time for a last word", at);
  } else if (how.signal == 0 && how.code == 0) {
    state_ = state::done;
  } else if (state_ == state::pausing && (how.code == interrupted || how.signal == SIGINT)) {
    // The signal itself: it came before the process had asked for it.
    state_ = state::paused;
    result_ = nullptr;
    add_event("paused", 0, "SIGINT: what arrived is kept", at);
  } else {
    state_ = state::failed;
    if (result_.is_null()) result_ = failure("internal", how.code, last_words(how));
  }
}

std::string download_record::last_words(exit_status how) const {
  if (how.signal != 0) return "the process was ended by signal " + std::to_string(how.signal);
  return plain_.empty() ? "the process ended without a result" : plain_;
}

void download_record::run_failed(const std::string& why, std::chrono::milliseconds at) {
  forget_run();
  state_ = state::failed;
  result_ = failure("internal", 70, "the process could not be started: " + why);
  add_event("finished", 0, why, at);
}

bool download_record::downloading() const {
  return running() && progress_.at("phase") == "downloading";
}

void download_record::forget_run() {
  progress_["segments"] = json::array();
  progress_["bytes_per_second"] = 0;
  progress_["remaining_seconds"] = nullptr;
  if (progress_["phase"] != "complete") progress_["phase"] = nullptr;
}

// While no process runs, what the disk shows is what counts: the next run goes on from there.
void download_record::disk_shows(const std::optional<transfer::partial_download>& partial) {
  looked_ = true;
  partial_ = partial;
  if (running() || state_ == state::done || !partial) return;
  progress_["downloaded_bytes"] = partial->held_bytes;
  if (partial->total_bytes && *partial->total_bytes > 0)
    progress_["percentage"] = 100.0 * static_cast<double>(partial->held_bytes) /
                              static_cast<double>(*partial->total_bytes);
}

void download_record::add_event(std::string_view kind, std::int64_t connection,
                                std::string_view text, std::chrono::milliseconds at) {
  events_.push_back(
      {++seq_, at.count(), shortened(kind, 32), connection, shortened(text, max_text_bytes)});
  if (events_.size() > max_events) events_.pop_front();
}

json::object download_record::json() const {
  json::object o;
  o["id"] = id_;
  o["source"] = source_;
  o["name"] = name_;
  o["state"] = name_of(state_);
  for (const auto& member : progress_) o[member.key()] = member.value();
  o["requests"] = requests_ ? json::value(*requests_) : json::value(nullptr);
  o["retries"] = retries_;
  o["restarts"] = restarts_;
  o["kills"] = kills_;
  o["journal"] = nullptr;
  if (looked_) {
    json::object journal;
    journal["exists"] = partial_.has_value();
    journal["held_bytes"] = partial_ ? partial_->held_bytes : 0;
    journal["durable_bytes"] = partial_ ? partial_->durable_bytes : 0;
    o["journal"] = std::move(journal);
  }
  o["expected_sha256"] = expected_.empty() ? json::value(nullptr) : json::value(expected_);
  json::array events;
  for (const auto& e : events_) {
    json::object one;
    one["seq"] = e.seq;
    one["at_ms"] = e.at_ms;
    one["kind"] = e.kind;
    one["connection"] = e.connection;
    one["text"] = e.text;
    events.push_back(std::move(one));
  }
  o["events"] = std::move(events);
  o["result"] = result_;
  return o;
}

}  // namespace tidewire::demo
