// A client with its disk, a server with its resource, and a network between them, all in virtual
// time, with every fault of the lab. The oracles are the laws D1 to D6.
#include "resource.hpp"

#include <tidewire/http/url.hpp>
#include <tidewire/lab/client.hpp>
#include <tidewire/lab/disk.hpp>
#include <tidewire/lab/network.hpp>
#include <tidewire/lab/process.hpp>
#include <tidewire/lab/simulation.hpp>
#include <tidewire/lab/world.hpp>
#include <tidewire/transfer/downloader.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace tidewire {
namespace {

using namespace std::chrono_literals;
using test::resource;

constexpr const char* origin = "http://files:80";
constexpr const char* folder = "/home";
constexpr const char* target = "/home/data.bin";
constexpr unsigned max_runs = 6;
constexpr unsigned most_connections = 8;

enum class trust {
  honest,  // the server tells the truth about validators and lengths: D1 without a digest
  lying,   // it does not, and a digest is given: D1 with one
};

// From a good day to a very bad one.
lab::link_faults faults_for(trust t, rng& draw) {
  using enum lab::network_fault;
  auto each = static_cast<std::uint32_t>(draw.between(1'000, 60'000));
  auto lies = static_cast<std::uint32_t>(draw.between(0, 30'000));
  auto f = lab::link_faults::lying(each, lies);
  if (t == trust::honest) {
    // What no client can see without a digest: one that these touch would be wrong and say so to
    // nobody.
    f[corrupt] = 0;
    f[lie_partial_as_200] = 0;
    f[lie_length_shorter] = 0;
  }
  return f;
}

// The one run of a client process: one call of async_download, killed or not.
struct client_run {
  client_run(lab::world& w, lab::network& net, lab::disk& disk, unsigned number, trust t,
             const resource& what, rng& draw)
      : process(w), name("client-" + std::to_string(number)) {
    lab::client_options options;
    options.name = name;
    http_client = std::make_unique<lab::client>(net, process.get_executor(), options);
    context ctx(process.get_executor(), w.random(name));
    disk.run_blocking_calls_on(process.get_executor());
    downloads = std::make_unique<transfer::downloader>(ctx, *http_client, disk);
    auto url = http::url::parse(std::string(origin) + "/data.bin");
    transfer::download_request request(*url);
    request.to_file(target).min_split_bytes(32 * 1024);
    request.connections(static_cast<unsigned>(draw.between(1, 6)));
    if (draw.chance_ppm(300'000)) request.adaptive_connections(most_connections);
    retry_policy retries;
    retries.max_attempts = 6;
    request.retries(retries);
    if (t == trust::lying) request.checksum(digest_of(what));
    request.on_event([this](const transfer::download_event& e) {
      // Retries and the waits for a Retry-After are counted by the result.
      using enum transfer::download_event::kind_type;
      if (e.kind == redirected || e.kind == restarted || e.kind == fallback) ++turns;
    });
    request.on_progress([this](const transfer::download_progress& p) { progressed(p); }, 10ms);
    downloads->async_download(std::move(request),
                              [this](error_code e, transfer::download_result r) {
                                ended = true;
                                ec = e;
                                outcome = std::move(r);
                              });
  }

  static http::sha256_digest digest_of(const resource& what) {
    auto text = what.content();
    http::sha256_hasher hasher;
    hasher.update(std::as_bytes(std::span(text)));
    return hasher.finish();
  }

  void progressed(const transfer::download_progress& p) {
    if (p.generation == last.generation && p.downloaded_bytes < last.downloaded_bytes)
      broken = "progress went back within a generation";
    if (p.percentage && *p.percentage >= 100.0 && p.phase != transfer::download_phase::complete)
      broken = "100 % before the end";
    last = p;
  }

  lab::process process;
  std::string name;
  std::unique_ptr<lab::client> http_client;
  std::unique_ptr<transfer::downloader> downloads;
  bool ended = false;
  error_code ec;
  transfer::download_result outcome;
  transfer::download_progress last;
  unsigned turns = 0;  // redirects, new beginnings, and ranges given up
  std::string broken;
};

class scenario {
 public:
  scenario(std::uint64_t seed, const std::vector<lab::fault_event>* replay, trust t)
      : world_(seed),
        plan_(replay ? std::make_unique<lab::fault_plan>(world_, *replay)
                     : std::make_unique<lab::fault_plan>(world_)),
        network_(world_, *plan_),
        disk_(world_, plan_.get()),
        draw_(world_.random("scenario")),
        trust_(t),
        resource_(std::make_shared<resource>()) {
    world_.set_step_limit(5'000'000);
    disk_.make_directory(folder);
    choose_resource();
    network_.set_faults(faults_for(t, draw_));
    lab::disk_faults disk_faults;
    disk_faults.no_space_ppm = disk_faults.write_error_ppm = 200;
    disk_faults.sync_error_ppm = disk_faults.sync_lost_ppm = 2'000;
    disk_.set_faults(disk_faults);
    server_.emplace(network_.add_host(origin));
    server_->start(test::serve(resource_));
  }

  lab::simulation_result run() {
    for (unsigned i = 0; i < max_runs && failure_.empty() && !done_; ++i) one_run(i, false);
    if (failure_.empty() && !done_) healthy_end();
    return {failure_, world_.trace_hash(), plan_->recorded()};
  }

 private:
  void choose_resource() {
    using enum resource::validator;
    constexpr resource::validator all[] = {strong_etag,   strong_etag, strong_etag, digest,
                                           last_modified, weak_etag,   none};
    resource_->validates = all[draw_.between(0, 6)];
    constexpr std::int64_t sizes[] = {0, 1, 5'000, 70'000, 400'000, 1'500'000};
    resource_->size = static_cast<std::uint64_t>(draw_.between(0, sizes[draw_.between(0, 5)]));
    resource_->ranges = !draw_.chance_ppm(150'000);
    resource_->length = !draw_.chance_ppm(100'000);
  }

  // The resource is replaced by its next generation; with a digest there is but one right one.
  void change_resource() {
    if (trust_ == trust::lying || resource_->generation >= 4) return;
    ++resource_->generation;
  }

  void one_run(unsigned number, bool healthy) {
    check_target();
    client_run run(world_, network_, disk_, number, trust_, *resource_, draw_);
    auto patience = healthy ? clock::duration(2h) : clock::duration(10min);
    auto deadline = world_.now() + patience;
    auto end = healthy ? deadline
                       : world_.now() + clock::duration(draw_.between(1'000'000, 60'000'000'000));
    bool kill = !healthy && draw_.chance_ppm(600'000);
    auto change = draw_.chance_ppm(250'000) && !healthy
                      ? world_.now() + clock::duration(draw_.between(0, 5'000'000'000))
                      : clock::time_point::max();
    auto crash = draw_.chance_ppm(200'000) && !healthy
                     ? world_.now() + clock::duration(draw_.between(0, 5'000'000'000))
                     : clock::time_point::max();
    while (!run.ended && world_.now() < (kill ? end : deadline)) {
      world_.run_for(5ms);
      if (world_.now() >= change) {
        change = clock::time_point::max();
        change_resource();
      }
      if (world_.now() >= crash) {
        crash = clock::time_point::max();
        server_->crash();
        world_.run_for(500ms);
        server_->start(test::serve(resource_));
      }
      check_name_while_running(run);
      if (!failure_.empty()) return;
    }
    judge(run, healthy);
    if (!run.ended) end_process(run);
  }

  // SIGKILL, or the machine goes with it.
  void end_process(client_run& run) {
    run.process.kill();
    if (draw_.chance_ppm(400'000)) {
      auto random = world_.random("power-" + run.name);
      disk_.power_cut(random);
    } else {
      disk_.kill();
    }
  }

  bool on_disk(const std::string& path) {
    auto all = disk_.paths();
    return std::find(all.begin(), all.end(), path) != all.end();
  }

  std::optional<std::string> target_bytes() {
    if (!on_disk(target)) return std::nullopt;
    auto bytes = disk_.bytes(target);
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

  // D5: the name appears only complete. Cheap enough to ask often: the name is rarely there.
  void check_name_while_running(const client_run& run) {
    if (!run.broken.empty()) failure_ = run.broken;
    if (target_bytes() && !checked_name_) check_target();
  }

  // D1 and D5: what has the final name is one generation, whole.
  void check_target() {
    auto bytes = target_bytes();
    if (!bytes) return;
    checked_name_ = true;
    if (test::generation_of(*bytes, *resource_, resource_->generation) == 0)
      failure_ = "the final name has bytes of no generation: " + describe_bytes(*bytes);
  }

  // How long the file is, and where it stops being like each generation.
  std::string describe_bytes(const std::string& bytes) const {
    auto text = std::to_string(bytes.size()) + " of " + std::to_string(resource_->size);
    resource candidate = *resource_;
    for (candidate.generation = 1; candidate.generation <= resource_->generation;
         ++candidate.generation) {
      auto right = candidate.content();
      auto same = std::mismatch(bytes.begin(), bytes.end(), right.begin(), right.end()).first;
      text += ", generation " + std::to_string(candidate.generation) + " up to byte " +
              std::to_string(same - bytes.begin());
    }
    return text;
  }

  void judge(client_run& run, bool healthy) {
    check_retry_after(run.name);
    check_requests(run);
    if (!failure_.empty()) return;
    if (!run.ended) {
      if (healthy) failure_ = "a healthy run did not end";
      return;
    }
    if (!run.ec) {
      done_ = true;
      check_target();
      if (!target_bytes()) failure_ = "success without a file";
      if (on_disk(std::string(target) + ".part")) failure_ = "the part file is still there";
      return;
    }
    last_error_ = run.ec.message() + ": " + run.outcome.detail;
    // A failure may come after the name was given (the folder could not be synced): then the file
    // is whole all the same.
    check_target();
    if (target_bytes()) done_ = true;
    if (healthy) failure_ = "a healthy run failed: " + last_error_;
  }

  // D6, by what the network saw: nothing is asked for once a Retry-After has arrived.
  void check_retry_after(const std::string& client) {
    for (auto& answer : network_.request_log()) {
      bool binds = answer.status / 100 == 3 || answer.status == 429 || answer.status == 503;
      if (answer.client != client || !answer.received || !answer.retry_after || !binds) continue;
      auto end =
          *answer.received + std::chrono::duration_cast<clock::duration>(*answer.retry_after);
      for (auto& r : network_.request_log()) {
        if (r.client == client && r.asked > *answer.received && r.asked < end)
          failure_ = "a request was made inside a Retry-After window";
      }
    }
  }

  // D6: requests <= segments + retries + steals. Segments are the gaps found at the start, which a
  // first run has none of, and shares for each connection after each new beginning.
  void check_requests(const client_run& run) {
    if (!run.ended || run.outcome.resumed_bytes > 0) return;
    auto& r = run.outcome;
    auto allowed = most_connections * (run.turns + 1) + r.retries + r.steals;
    if (r.requests > allowed)
      failure_ = std::to_string(r.requests) + " requests with " + std::to_string(r.retries) +
                 " retries, " + std::to_string(r.steals) + " steals and " +
                 std::to_string(run.turns) + " turns";
  }

  // D2: after anything, one run on a healthy network ends with the right bytes.
  void healthy_end() {
    network_.set_faults(lab::link_faults{});
    network_.heal();
    disk_.set_faults({});
    one_run(100, true);
    if (!failure_.empty()) return;
    if (!done_) {
      failure_ = "no success on a healthy network";
      return;
    }
    auto bytes = target_bytes();
    if (bytes &&
        test::generation_of(*bytes, *resource_, resource_->generation) != resource_->generation)
      failure_ = "the healthy run did not bring the current generation";
  }

  lab::world world_;
  std::unique_ptr<lab::fault_plan> plan_;
  lab::network network_;
  lab::disk disk_;
  rng draw_;
  trust trust_;
  std::shared_ptr<resource> resource_;
  std::optional<lab::host> server_;
  std::string failure_, last_error_;
  bool done_ = false, checked_name_ = false;
};

void simulate(trust t, std::uint64_t seeds, const char* name) {
  auto options = lab::simulation_options::from_environment(seeds, name);
  options.folder = ::testing::TempDir();
  auto outcome = lab::run_simulations(
      options, [t](std::uint64_t seed, const std::vector<lab::fault_event>* replay) {
        return scenario(seed, replay, t).run();
      });
  EXPECT_TRUE(outcome.ok) << outcome.report;
  if (options.faults_file.empty() && outcome.runs > 50) {
    EXPECT_GT(outcome.faults, outcome.runs) << "the network was too kind";
  }
  std::cout << outcome.runs << " seeds, " << outcome.faults << " faults\n";
}

TEST(DownloadSimulation, HonestServer) {
  simulate(trust::honest, 300, "DownloadSimulation.HonestServer");
}

TEST(DownloadSimulation, LyingServerWithDigest) {
  simulate(trust::lying, 300, "DownloadSimulation.LyingServerWithDigest");
}

}  // namespace
}  // namespace tidewire
