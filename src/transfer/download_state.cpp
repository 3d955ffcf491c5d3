#include "transfer/download_state.hpp"

#include "transfer/partial_file.hpp"
#include "transfer/sink_landing.hpp"

#include <tidewire/http/file_name.hpp>
#include <tidewire/http/redirect.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>
#include <utility>

namespace tidewire::transfer {
namespace {

constexpr unsigned max_redirects = 10;
constexpr unsigned max_reprobes = 3;
// Of the disk's free bytes, this many are left to others.
constexpr std::uint64_t spare_bytes = 64 * 1024;

bool offers_ranges(const http::response_head& head) {
  if (head.status == 206) return true;
  auto accepts = head.headers.find("accept-ranges");
  return accepts && http::iequals(*accepts, "bytes");
}

concurrency make_concurrency(const download_settings& s, clock::time_point now) {
  return s.adaptive ? concurrency::adaptive(s.connections, now) : concurrency::fixed(s.connections);
}

std::string without_credentials(const http::url& u) {
  return u.origin() + std::string(u.target());
}

}  // namespace

download_state::download_state(download_settings settings, file::filesystem& disk, clock time)
    : settings_(std::move(settings)),
      disk_(disk),
      time_(time),
      concurrency_(make_concurrency(settings_, time_.now())),
      limiter_(settings_.rate_limit) {
  for (auto& url : settings_.sources) sources_.push_back({url, url});
}

void download_state::open() {
  open_landing();
  if (error_) return;
  auto held = held_bytes();
  say(download_event::kind_type::started, 0,
      held > 0 ? "going on with the " + std::to_string(held) + " bytes that are held"
               : "nothing is held yet");
}

void download_state::open_landing() {
  if (settings_.sink) {
    landing_ = std::make_unique<sink_landing>(*settings_.sink);
    return;
  }
  if (!settings_.file.empty()) {
    open_target(settings_.file);
    return;
  }
  auto is = disk_.is_directory(settings_.folder);
  if (!is || !*is) {
    fail(errc::disk_failed,
         "the folder '" + settings_.folder +
             "' does not exist; create it or "
             "choose another",
         is ? boost::system::errc::make_error_code(boost::system::errc::no_such_file_or_directory)
            : is.error());
    return;
  }
  // The answer may give a better name; but when an earlier run used the URL's, go on with that.
  auto name = http::safe_file_name(sources_[0].given.file_name());
  auto path = settings_.folder + "/" + name;
  if (name.empty()) return;
  if (auto partial = disk_.exists(partial_paths(path).journal); partial && *partial)
    open_target(path);
}

bool download_state::open_target(const std::string& path) {
  std::string problem;
  auto opened = partial_file::open(disk_, path, settings_.keep, settings_.overwrite, problem);
  if (!opened) {
    result_.path = path;
    auto ec = opened.error();
    if (ec.category() == category())
      fail(ec, problem);
    else
      fail(errc::disk_failed, problem.empty() ? "'" + path + "' can't be written" : problem, ec);
    return false;
  }
  landing_ = std::move(*opened);
  adopt_partial();
  return true;
}

// What an earlier run left is used when a later answer can be proved to be of the same generation.
void download_state::adopt_partial() {
  auto& origin = landing_->origin();
  if (!origin || (!origin->identity.provable() && !settings_.checksum)) return;
  adopted_ = true;
  identity_ = origin->identity;
  for (auto& s : sources_) {
    // Validators belong to the place that gave them.
    s.identity = identity_;
    if (without_credentials(s.given) != origin->source) {
      s.identity = resource_identity{};
      s.identity->size = identity_->size;
    }
  }
  auto& first = sources_[0];
  if (without_credentials(first.given) != origin->source && !settings_.checksum) {
    identity_.reset();
    for (auto& s : sources_) s.identity.reset();
    return;
  }
  plan_segments(landing_->held());
  result_.resumed_bytes = scheduler_->held_bytes();
  parallel_ = identity_->size.has_value();
  // All bytes are there: the process ended between the last one and the final name.
  confirmed_ = scheduler_->complete();
}

void download_state::plan_segments(range_set held) {
  open_ended_ = !identity_ || !identity_->size;
  segment_scheduler::options o;
  o.min_split_bytes = settings_.min_split_bytes;
  auto total = open_ended_ ? segment_scheduler::open_end : *identity_->size;
  scheduler_.emplace(total, std::move(held), o);
}

// With a digest every source serves; without one only the first that has not failed, because
// nothing proves that two places have the same bytes.
std::size_t download_state::source_for(unsigned connection) const {
  std::vector<std::size_t> usable;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (!sources_[i].failed) usable.push_back(i);
  }
  if (usable.empty()) return 0;
  bool all_at_once = settings_.checksum && confirmed_ && !one_by_one_;
  return all_at_once ? usable[connection % usable.size()] : usable.front();
}

std::optional<fetch_job> download_state::plan(unsigned connection, unsigned expected) {
  if (error_ || complete()) return std::nullopt;
  fetch_job job{source_for(connection), {}, {}, generation_};
  auto& from = sources_[job.source];
  job.query.pinned = from.location != from.given;
  if (!scheduler_) {
    if (from.ranges) job.query.first = 0;
    return job;
  }
  if (!from.ranges) {
    scheduler_->take_all(connection, time_.now());
    return job;
  }
  auto piece = scheduler_->next(connection, confirmed_ ? expected : 1, time_.now());
  if (!piece) return std::nullopt;
  if (piece->how != segment_scheduler::origin::gap) ++result_.steals;
  job.query.first = piece->range.begin;
  if (piece->range.end != segment_scheduler::open_end) job.query.last = piece->range.end - 1;
  if (from.identity) job.if_range = from.identity->if_range();
  job.query.conditional = !job.if_range.empty();
  return job;
}

http::request download_state::request_for(const fetch_job& job) const {
  auto& from = sources_[job.source];
  http::request req(from.location);
  req.headers = http::headers_for_origin(settings_.headers, from.given, from.location);
  req.headers.set("Accept-Encoding", "identity");
  if (job.query.first) {
    auto range = "bytes=" + std::to_string(*job.query.first) + "-";
    if (job.query.last) range += std::to_string(*job.query.last);
    req.headers.set("Range", std::move(range));
  }
  if (!job.if_range.empty()) req.headers.set("If-Range", job.if_range);
  req.limits = settings_.limits;
  // Ranges of one file over one HTTP/2 connection would share its congestion window.
  req.version = http::protocol::http1;
  req.receive_buffer_bytes = limiter_.sensible_buffer();
  return req;
}

verdict download_state::take_head(unsigned connection, const fetch_job& job,
                                  const http::response_head& head) {
  auto& from = sources_[job.source];
  known_state known;
  if (scheduler_) known.identity = from.identity;
  known.held_bytes = held_bytes();
  known.digest_given = settings_.checksum.has_value();
  auto v = classify(job.query, head, known, time_.wall_now(), settings_.retries.max_retry_after);
  // One answer like the last is no news.
  if (v.kind != verdict_kind::proceed || !confirmed_)
    say(download_event::kind_type::verdict, connection, in_words(v));
  switch (v.kind) {
    case verdict_kind::begin:
      if (!begin_generation(connection, from, head, v)) v.kind = verdict_kind::refused;
      break;
    case verdict_kind::proceed:
      confirmed_ = true;
      from.hops = from.reprobes = 0;
      if (from.identity && !from.identity->provable()) from.identity = v.identity;
      break;
    case verdict_kind::whole:
      confirmed_ = true;
      from.ranges = parallel_ = false;
      scheduler_->take_all(connection, time_.now());
      say(download_event::kind_type::fallback, connection,
          "the server sends no ranges: one stream");
      break;
    case verdict_kind::complete:
      // An empty resource has no range to ask for, and this is how it says so.
      if (!scheduler_ && !begin_generation(connection, from, head, v))
        v.kind = verdict_kind::refused;
      if (!scheduler_) break;
      confirmed_ = true;
      scheduler_->end_at(known.held_bytes);
      open_ended_ = false;
      break;
    case verdict_kind::changed:
    case verdict_kind::unproved:
      if (v.kind == verdict_kind::unproved && head.status != 200) from.ranges = false;
      if (!count_restart(v.kind, v.reason)) break;
      forget_generation();
      // A whole body that begins at byte 0 is the new generation's first answer.
      if (head.status == 200 && begin_generation(connection, from, head, v))
        v.kind = verdict_kind::begin;
      break;
    default:
      break;
  }
  return v;
}

bool download_state::begin_generation(unsigned connection, download_source& from,
                                      const http::response_head& head, const verdict& v) {
  if (!landing_) {
    auto name = name_for(head, from.location);
    if (name.empty()) {
      fail(errc::no_file_name, "neither the URL nor the answer gives a file name; choose one");
      return false;
    }
    if (!open_target(settings_.folder + "/" + name)) return false;
    if (resumed_elsewhere(connection, from, v.identity)) return true;
  }
  auto free = settings_.sink ? result<std::uint64_t>(~std::uint64_t{0})
                             : disk_.free_space(landing_->path());
  if (free && v.identity.size && *v.identity.size > 0 && *v.identity.size + spare_bytes > *free) {
    fail(errc::disk_failed,
         "the file has " + std::to_string(*v.identity.size) + " bytes and the disk has room for " +
             std::to_string(*free) +
             "; make room or choose "
             "another place",
         boost::system::errc::make_error_code(boost::system::errc::no_space_on_device));
    return false;
  }
  identity_ = v.identity;
  from.identity = identity_;
  from.hops = from.reprobes = 0;
  auto origin_identity = *identity_;
  if (sources_.size() > 1 && settings_.checksum) {
    // Bytes of several places: only the digest can tell whether they fit, so none may be claimed on
    // the word of one of them.
    origin_identity = resource_identity{};
    origin_identity.size = identity_->size;
    for (auto& s : sources_) {
      if (&s != &from) s.identity = origin_identity;
    }
  }
  download_origin origin{without_credentials(from.given), without_credentials(from.location),
                         origin_identity};
  if (auto r = landing_->begin(origin); !r) {
    if (r.error() == errc::changed)
      fail(errc::changed, "the resource changed and the bytes handed out can't be taken back");
    else
      fail(errc::disk_failed, "'" + landing_->path() + "' can't be written", r.error());
    return false;
  }
  bool joinable = identity_->provable() || (settings_.checksum && !identity_->coded);
  from.ranges = joinable && !one_by_one_ && offers_ranges(head);
  parallel_ = from.ranges && identity_->size && !landing_->sequential();
  confirmed_ = true;
  plan_segments({});
  scheduler_->take_all(connection, time_.now());
  if (identity_->coded)
    say(download_event::kind_type::fallback, connection,
        "the server applied a content coding: stored as sent, one stream, no resume");
  else if (!joinable)
    say(download_event::kind_type::fallback, connection,
        "the server gives no strong validator: one stream, no resume");
  else if (!from.ranges)
    say(download_event::kind_type::fallback, connection, "the server sends no ranges: one stream");
  return true;
}

// The answer gave the file's name, and under that name an earlier run left bytes of the same
// generation: go on there instead.
bool download_state::resumed_elsewhere(unsigned connection, download_source& from,
                                       const resource_identity& seen) {
  if (!scheduler_ || !from.identity || compare(*from.identity, seen) != sameness::same) {
    scheduler_.reset();
    result_.resumed_bytes = 0;
    return false;
  }
  confirmed_ = true;
  // This exchange brings bytes from 0; its connection keeps it only if those are missing.
  auto piece = scheduler_->next(connection, 1, time_.now());
  if (!piece || piece->range.begin != 0) scheduler_->release(connection);
  return true;
}

std::string download_state::name_for(const http::response_head& head, const http::url& from) const {
  if (auto field = head.headers.find("content-disposition")) {
    if (auto raw = http::disposition_file_name(*field)) {
      if (auto name = http::safe_file_name(*raw); !name.empty()) return name;
    }
  }
  if (auto name = http::safe_file_name(sources_[0].given.file_name()); !name.empty()) return name;
  return http::safe_file_name(from.file_name());
}

bool download_state::take_body(unsigned connection, const fetch_job& job,
                               std::span<const std::byte> bytes) {
  if (outdated(job) || error_ || !scheduler_) return false;
  auto piece = scheduler_->pieces().find(connection);
  if (piece == scheduler_->pieces().end()) return false;
  auto offset = piece->second.position;
  auto wanted = scheduler_->accept(connection, bytes.size(), time_.now());
  result_.received_bytes += bytes.size();
  if (auto r = landing_->write(offset, bytes.first(static_cast<std::size_t>(wanted))); !r) {
    if (settings_.sink)
      fail(r.error(), "the sink refused the bytes", r.error());
    else
      fail(errc::disk_failed,
           "'" + landing_->path() + "' can't be written: " + r.error().message() +
               "; what was written so far is kept",
           r.error());
    return false;
  }
  return wanted == bytes.size();
}

void download_state::take_end(unsigned connection, const fetch_job& job, bool self_delimited) {
  if (outdated(job) || !scheduler_ || !open_ended_) return;
  auto piece = scheduler_->pieces().find(connection);
  if (piece == scheduler_->pieces().end()) return;
  scheduler_->end_at(piece->second.position);
  open_ended_ = false;
  unverified_ = !self_delimited;
}

void download_state::release(unsigned connection) {
  if (scheduler_) scheduler_->release(connection);
}

error_code download_state::follow(const fetch_job& job, const http::response_head& head) {
  auto& from = sources_[job.source];
  if (++from.hops > max_redirects) return http::errc::too_many_redirects;
  auto next = http::redirect_target(from.location, head);
  if (!next) return next.error();
  from.location = std::move(*next);
  say(download_event::kind_type::redirected, 0, "redirected to " + from.location.redacted());
  return {};
}

bool download_state::reprobe(const fetch_job& job) {
  auto& from = sources_[job.source];
  if (++from.reprobes > max_reprobes) return false;
  from.location = from.given;
  return true;
}

bool download_state::give_up_ranges(const fetch_job& job) {
  auto& from = sources_[job.source];
  if (!from.ranges) return outdated(job) || !job.query.first ? false : true;
  from.ranges = parallel_ = false;
  say(download_event::kind_type::fallback, 0,
      "ranges from this server can't be trusted: one stream");
  return true;
}

bool download_state::any_source_left() const {
  return std::any_of(sources_.begin(), sources_.end(), [](auto& s) { return !s.failed; });
}

bool download_state::give_up_source(std::size_t source) {
  sources_[source].failed = true;
  if (!any_source_left()) return false;
  say(download_event::kind_type::fallback, 0,
      sources_[source].given.redacted() + " is given up; trying the next source");
  // Without a digest nothing proves that the next place has the same bytes.
  if (!settings_.checksum) forget_generation();
  return true;
}

bool download_state::retry_after_mismatch() {
  // One stream of one answer would only come again: that source has the wrong bytes.
  bool came_alone = result_.requests <= 1 && !adopted_;
  if (one_by_one_ || came_alone) {
    sources_[source_for(0)].failed = true;
    if (!any_source_left()) return false;
  }
  one_by_one_ = true;
  say(download_event::kind_type::restarted, 0,
      "the digest does not match: fetching everything once more in one stream");
  forget_generation();
  for (auto& s : sources_) s.ranges = false;
  return true;
}

bool download_state::count_restart(verdict_kind kind, const std::string& why) {
  // A stream that can't be resumed starts over after each broken connection: that is a retry.
  bool broken = kind == verdict_kind::unproved;
  auto& count = broken ? unproved_restarts_ : restarts_;
  if (++count > (broken ? settings_.retries.max_attempts : settings_.max_restarts)) {
    fail(broken ? errc::network_exhausted : errc::changed,
         why + "; it was begun anew " + std::to_string(count - 1) + " times");
    return false;
  }
  say(download_event::kind_type::restarted, 0, why + ": beginning anew");
  return true;
}

void download_state::forget_generation() {
  ++generation_;
  result_.generation = generation_;
  result_.resumed_bytes = 0;
  scheduler_.reset();
  identity_.reset();
  for (auto& s : sources_) s.identity.reset();
  confirmed_ = parallel_ = open_ended_ = unverified_ = false;
}

void download_state::fail(error_code ec, std::string detail, error_code cause) {
  if (error_) return;  // the first failure is the one to tell
  error_ = ec;
  result_.cause = cause;
  result_.detail = std::move(detail);
}

void download_state::say(download_event::kind_type kind, unsigned connection,
                         std::string text) const {
  if (settings_.on_event) settings_.on_event({kind, connection, std::move(text)});
}

unsigned download_state::wanted_connections() const {
  return confirmed_ && parallel_ ? concurrency_.target() : 1;
}

std::optional<http::sha256_digest> download_state::expected_digest() const {
  if (settings_.checksum) return settings_.checksum;
  return identity_ && !identity_->coded ? identity_->digest : std::nullopt;
}

std::uint64_t download_state::held_bytes() const {
  return scheduler_ ? scheduler_->held_bytes() : 0;
}

std::optional<std::uint64_t> download_state::total() const {
  if (!scheduler_ || open_ended_) return std::nullopt;
  return scheduler_->total();
}

}  // namespace tidewire::transfer
