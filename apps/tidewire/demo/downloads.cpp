#include "downloads.hpp"

#include "child_process.hpp"

#include <tidewire/file/blocking.hpp>
#include <tidewire/http/url.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <optional>
#include <utility>

namespace tidewire::demo {
namespace {

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds disk_interval{1}, patience{3};

refusal unknown(std::string_view id) {
  return {404, "there is no download \"" + std::string(id.substr(0, 40)) + "\""};
}

// What an earlier demo kept in this folder stays, under its number.
unsigned first_free_id(const std::string& folder) {
  unsigned highest = 0;
  std::error_code ec;
  for (std::filesystem::directory_iterator at(folder, ec), end; !ec && at != end;
       at.increment(ec)) {
    auto name = at->path().filename().string();
    if (name.size() < 2 || name.size() > 7 || name[0] != 'd') continue;
    if (!std::all_of(name.begin() + 1, name.end(), [](char c) { return c >= '0' && c <= '9'; }))
      continue;
    highest = std::max(highest, static_cast<unsigned>(std::stoul(name.substr(1))));
  }
  return highest + 1;
}

}  // namespace

struct downloads::entry {
  entry(const executor& ex, download_record r, download_source s, clock::time_point now)
      : record(std::move(r)), source(std::move(s)), created(now), looked(ex) {}

  download_record record;
  download_source source;
  clock::time_point created;
  std::unique_ptr<child_process> child;
  bool looking = false;  // at the disk, on the blocking executor
  timer looked;
  bool removed = false;
};

downloads::downloads(context ctx, file::filesystem& disk, std::string folder)
    : ctx_(std::move(ctx)),
      clock_(ctx_.exec),
      disk_(disk),
      folder_(std::move(folder)),
      changed_(ctx_.exec),
      next_id_(first_free_id(folder_)) {}

downloads::~downloads() = default;

std::shared_ptr<downloads::entry> downloads::find(std::string_view id) const {
  for (auto& e : entries_)
    if (e->record.id() == id && !e->removed) return e;
  return nullptr;
}

std::string downloads::folder_of(const entry& e) const {
  return folder_ + "/" + e.record.id();
}

std::chrono::milliseconds downloads::age_of(const entry& e) const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - e.created);
}

std::vector<std::string> downloads::command_of(const entry& e) const {
  std::vector<std::string> out{"get", e.source.url, "-o", folder_of(e) + "/" + e.source.name};
  out.insert(out.end(), {"-x", e.source.connections});
  out.insert(out.end(), {"--progress", "json", "--progress-interval", "50ms"});
  if (e.source.local) out.insert(out.end(), {"--proxy", ""});
  if (!e.source.sha256.empty()) out.insert(out.end(), {"--checksum", "sha-256=" + e.source.sha256});
  return out;
}

outcome downloads::add(download_source source, std::string& id) {
  if (stopping_) return refusal{503, "the demo is ending"};
  // One that was removed only waits for its process to be gone.
  auto there = std::count_if(entries_.begin(), entries_.end(), [](auto& e) { return !e->removed; });
  if (static_cast<std::size_t>(there) >= max_downloads)
    return refusal{409, "8 downloads are the most: remove one of them first"};
  id = "d" + std::to_string(next_id_++);
  auto url = http::url::parse(source.url);
  auto shown = url ? url->redacted() : std::string();
  download_record record(id, std::move(shown), source.name, source.sha256);
  auto e = std::make_shared<entry>(ctx_.exec, std::move(record), std::move(source), clock_.now());
  std::error_code bad;
  std::filesystem::create_directory(folder_of(*e), bad);
  if (bad) return refusal{507, "no folder for the download: " + bad.message()};
  entries_.push_front(e);
  begin(e);
  return {};
}

outcome downloads::pause(std::string_view id) {
  auto e = find(id);
  if (!e) return unknown(id);
  if (!e->child) return refusal{409, "it does not run"};
  // A second SIGINT would end the process at once, without a last word.
  if (e->record.now() == download_record::state::pausing) return {};
  e->record.pausing();
  e->child->send_signal(SIGINT);
  return {};
}

outcome downloads::kill(std::string_view id) {
  auto e = find(id);
  if (!e) return unknown(id);
  if (!e->child) return refusal{409, "it does not run"};
  e->child->send_signal(SIGKILL);
  return {};
}

asio::awaitable<outcome> downloads::resume(std::string id) {
  auto e = find(id);
  // Who looks at the partial file holds its lock for a moment, which would turn the process away.
  while (e && e->looking) {
    e->looked.expires_at(clock::time_point::max());
    co_await e->looked.async_wait(quietly);
    e = find(id);
  }
  if (!e) co_return unknown(id);
  if (stopping_) co_return refusal{503, "the demo is ending"};
  if (e->record.running()) co_return refusal{409, "it runs already"};
  if (e->record.now() == download_record::state::done) co_return refusal{409, "it is done"};
  begin(e);
  co_return outcome();
}

outcome downloads::remove(std::string_view id) {
  auto e = find(id);
  if (!e) return unknown(id);
  e->removed = true;
  if (e->child)
    e->child->send_signal(SIGKILL);  // run() forgets it once the process is gone
  else
    forget(e);
  return {};
}

void downloads::forget(const std::shared_ptr<entry>& e) {
  std::error_code ignored;
  std::filesystem::remove_all(folder_of(*e), ignored);
  std::erase(entries_, e);
}

void downloads::begin(const std::shared_ptr<entry>& e) {
  e->record.run_begun(age_of(*e));
  auto started = child_process::start(ctx_.exec, command_of(*e));
  if (!started) return e->record.run_failed(started.error().message(), age_of(*e));
  e->child = std::move(*started);
  ++running_;
  asio::co_spawn(ctx_.exec, run(e), asio::detached);
}

asio::awaitable<void> downloads::run(std::shared_ptr<entry> e) {
  auto following = follow(e, *e->child);
  co_await std::move(following);
  auto waiting = e->child->wait();
  auto how = co_await std::move(waiting);
  e->child.reset();
  e->record.run_ended(how, age_of(*e));
  --running_;
  changed_.cancel();
  if (e->removed) {
    forget(e);
    co_return;
  }
  auto looking = look_at_disk(e);
  co_await std::move(looking);
}

// Until the process has closed its end. The disk is looked at now and then, while lines come
// anyway.
asio::awaitable<void> downloads::follow(std::shared_ptr<entry> e, child_process& child) {
  auto next_look = clock_.now();
  while (true) {
    auto reading = child.read_line();
    auto line = co_await std::move(reading);
    if (!line) co_return;
    e->record.line(*line, age_of(*e));
    // Not before the process has the file and its lock, see resume().
    if (!e->record.downloading() || clock_.now() < next_look || e->looking) continue;
    next_look = clock_.now() + disk_interval;
    asio::co_spawn(ctx_.exec, look_at_disk(e), asio::detached);
  }
}

asio::awaitable<void> downloads::look_at_disk(std::shared_ptr<entry> e) {
  e->looking = true;
  auto target = folder_of(*e) + "/" + e->source.name;
  auto found = std::make_shared<std::optional<transfer::partial_download>>();
  auto look = [&disk = disk_, target, found] {
    auto listed = transfer::list_partial_downloads(disk, target);
    if (!listed) return listed.error();
    if (!listed->empty() && !listed->front().problem) *found = listed->front();
    return error_code();
  };
  auto looking = file::async_blocking(disk_.blocking_executor(), std::move(look), quietly);
  auto [ec] = co_await std::move(looking);
  e->looking = false;
  e->looked.cancel();
  // Absence is an answer too; a folder that could not be read is none.
  if (!ec) e->record.disk_shows(*found);
}

boost::json::array downloads::state() const {
  boost::json::array out;
  for (auto& e : entries_)
    if (!e->removed) out.push_back(e->record.json());
  return out;
}

asio::awaitable<void> downloads::stop() {
  stopping_ = true;
  auto signal_all = [this](int number) {
    for (auto& e : entries_)
      if (e->child) e->child->send_signal(number);
  };
  signal_all(SIGTERM);
  auto give_up = clock_.now() + patience;
  while (running_ > 0) {
    bool late = clock_.now() >= give_up;
    if (late) signal_all(SIGKILL);
    changed_.expires_at(late ? clock::time_point::max() : give_up);
    co_await changed_.async_wait(quietly);
  }
}

}  // namespace tidewire::demo
