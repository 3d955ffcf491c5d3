#pragma once

#include "transfer/classify.hpp"
#include "transfer/concurrency.hpp"
#include "transfer/host_gate.hpp"
#include "transfer/landing.hpp"
#include "transfer/rate_limiter.hpp"
#include "transfer/segment_scheduler.hpp"

#include <tidewire/file/filesystem.hpp>
#include <tidewire/http/client.hpp>
#include <tidewire/transfer/downloader.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::transfer {

// One place the resource may come from.
struct download_source {
  http::url given, location;  // location: where redirects led
  // As this place describes the resource; mirrors may have validators of their own.
  std::optional<resource_identity> identity{};
  bool ranges = true;  // until it proves otherwise
  bool failed = false;
  unsigned hops = 0, reprobes = 0;
};

// One exchange to make.
struct fetch_job {
  std::size_t source;
  range_query query;
  std::string if_range;
  unsigned generation;
};

// Everything that the connections of one download share, and every decision about it. Synchronous:
// it is told what happened and says what to do; connections and the task carry it out.
class download_state {
 public:
  download_state(download_settings settings, file::filesystem& disk, clock time);

  // Opens the target, as far as its name is known, and takes up what an earlier run left.
  void open();

  // The next exchange for an idle connection, if there is anything for it to do. `expected`: idle
  // connections, this one included, that will ask now.
  std::optional<fetch_job> plan(unsigned connection, unsigned expected);
  http::request request_for(const fetch_job& job) const;

  // The answer's head: what it means, and whether its body is wanted.
  verdict take_head(unsigned connection, const fetch_job& job, const http::response_head& head);
  // Bytes of a body that is wanted: false ends the exchange.
  bool take_body(unsigned connection, const fetch_job& job, std::span<const std::byte> bytes);
  // The exchange ended as HTTP says it should.
  void take_end(unsigned connection, const fetch_job& job, bool self_delimited);
  void release(unsigned connection);

  // After a redirect: http::errc or nothing.
  error_code follow(const fetch_job& job, const http::response_head& head);
  // The pinned place refused: back to the given one. False when that was tried too often.
  bool reprobe(const fetch_job& job);
  // This source answers no range correctly. False: it does not answer plain requests either.
  bool give_up_ranges(const fetch_job& job);
  // This source is of no use any more. False: it was the last one.
  bool give_up_source(std::size_t source);
  // The bytes are not the promised ones: once more from the beginning, each source alone and in one
  // stream. False: all have been tried.
  bool retry_after_mismatch();

  void fail(error_code ec, std::string detail, error_code cause = {});
  void say(download_event::kind_type kind, unsigned connection, std::string text) const;

  unsigned wanted_connections() const;
  // Never after a failure: the bytes of a write that failed were counted when they came.
  bool complete() const { return !error_ && scheduler_ && confirmed_ && scheduler_->complete(); }
  bool unverified() const { return unverified_; }
  bool failed() const { return bool(error_); }
  // Whether connections of an older generation, or ones whose bytes others fetched, must end.
  bool outdated(const fetch_job& job) const { return job.generation != generation_; }

  const download_settings& settings() const { return settings_; }
  const download_source& source(std::size_t i) const { return sources_[i]; }
  segment_scheduler* scheduler() { return scheduler_ ? &*scheduler_ : nullptr; }
  landing* target() { return landing_.get(); }
  concurrency& connections() { return concurrency_; }
  rate_limiter& limiter() { return limiter_; }
  std::optional<http::sha256_digest> expected_digest() const;
  std::uint64_t held_bytes() const;
  std::optional<std::uint64_t> total() const;
  unsigned generation() const { return generation_; }
  const clock& time() const { return time_; }
  error_code error() const { return error_; }

  download_result result_;

 private:
  void open_landing();
  bool open_target(const std::string& path);
  std::string name_for(const http::response_head& head, const http::url& from) const;
  bool known_name_has_partial() const;
  void adopt_partial();
  bool begin_generation(unsigned connection, download_source& from, const http::response_head& head,
                        const verdict& v);
  bool count_restart(verdict_kind kind, const std::string& why);
  void forget_generation();
  bool resumed_elsewhere(unsigned connection, download_source& from, const resource_identity& seen);
  void plan_segments(range_set held);
  std::size_t source_for(unsigned connection) const;
  bool any_source_left() const;

  download_settings settings_;
  file::filesystem& disk_;
  clock time_;
  std::vector<download_source> sources_;
  std::unique_ptr<landing> landing_;
  std::optional<segment_scheduler> scheduler_;
  concurrency concurrency_;
  rate_limiter limiter_;
  std::optional<resource_identity> identity_;  // of the generation in the landing
  bool confirmed_ = false;                     // an answer of this run was of that generation
  bool parallel_ = false;
  bool open_ended_ = false;
  bool unverified_ = false;
  bool one_by_one_ = false;  // after a wrong digest: one source in one stream, then the next
  bool adopted_ = false;     // what an earlier run left was taken up, if only a size
  unsigned generation_ = 1, restarts_ = 0, unproved_restarts_ = 0;
  error_code error_;
};

}  // namespace tidewire::transfer
