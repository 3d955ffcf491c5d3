#include "exchange.hpp"
#include "lane.hpp"
#include "network_state.hpp"
#include "socket_link.hpp"

#include <tidewire/lab/network.hpp>

#include <algorithm>
#include <bit>
#include <utility>

namespace tidewire::lab {
namespace {

constexpr std::array<std::string_view, network_fault_count> names{"refuse",
                                                                  "connect_timeout",
                                                                  "stale_reset",
                                                                  "reset_before_request",
                                                                  "reset_during_request",
                                                                  "duplicate",
                                                                  "reply_lost",
                                                                  "reset_response",
                                                                  "truncate",
                                                                  "half_open",
                                                                  "stall",
                                                                  "slow",
                                                                  "corrupt",
                                                                  "loss",
                                                                  "socket_refused",
                                                                  "socket_silent",
                                                                  "socket_reset",
                                                                  "socket_half_open",
                                                                  "socket_stall",
                                                                  "lie_range_start",
                                                                  "lie_range_total",
                                                                  "lie_range_ignored",
                                                                  "lie_partial_as_200",
                                                                  "lie_etag_other",
                                                                  "lie_etag_missing",
                                                                  "lie_etag_weak",
                                                                  "lie_content_encoding",
                                                                  "lie_status",
                                                                  "lie_retry_later",
                                                                  "lie_multipart",
                                                                  "lie_length_longer",
                                                                  "lie_length_shorter",
                                                                  "lie_no_length",
                                                                  "lie_redirect"};
static_assert(!names.back().empty());

}  // namespace

std::string_view name_of(network_fault f) noexcept {
  auto i = static_cast<std::size_t>(f);
  return i < names.size() ? names[i] : "unknown";
}

link_faults link_faults::harsh(std::uint32_t each_ppm) {
  link_faults f;
  for (std::size_t i = 0; i < network_fault_count; ++i) {
    auto kind = static_cast<network_fault>(i);
    if (kind >= network_fault::lie_range_start || kind == network_fault::corrupt) continue;
    f[kind] = each_ppm;
  }
  return f;
}

link_faults link_faults::lying(std::uint32_t each_ppm, std::uint32_t lie_ppm) {
  auto f = harsh(each_ppm);
  for (auto i = static_cast<std::size_t>(network_fault::lie_range_start); i < network_fault_count;
       ++i)
    f.ppm[i] = lie_ppm;
  return f;
}

namespace detail {

process& host_state::program() {
  if (programs.empty() || !programs.back()->alive())
    programs.push_back(std::make_unique<process>(net.w));
  return *programs.back();
}

network_state::network_state(world& world_, fault_plan& plan)
    : w(world_), latency(w.random("net.latency")), slices(w.random("net.slices")) {
  for (std::size_t i = 0; i < network_fault_count; ++i)
    sites[i] = &plan.site("net." + std::string(names[i]));
}

host_state* network_state::find(const std::string& origin) {
  auto it = hosts.find(origin);
  return it == hosts.end() ? nullptr : it->second.get();
}

const link_faults& network_state::faults_of(const std::string& origin,
                                            const std::string& client) const {
  if (faults.empty()) return default_faults;
  if (auto it = faults.find({origin, client}); it != faults.end()) return it->second;
  if (auto it = faults.find({origin, {}}); it != faults.end()) return it->second;
  return default_faults;
}

std::optional<std::int64_t> network_state::draw(const link_faults& f, network_fault kind,
                                                std::int64_t low, std::int64_t high) {
  return sites[static_cast<std::size_t>(kind)]->draw(f[kind], low, high);
}

clock::duration network_state::delay(const link_faults& f) {
  auto d = f.latency;
  if (f.jitter.count() > 0) d += clock::duration(latency.between(0, f.jitter.count()));
  if (auto late = draw(f, network_fault::loss, 1, f.max_retransmission.count()))
    d += clock::duration(*late);
  return d;
}

std::size_t network_state::slice(const link_faults& f) {
  auto low = std::max<std::size_t>(f.min_slice_bytes, 1);
  auto high = std::max(f.max_slice_bytes, low);
  if (low == high) return low;
  auto bits = slices.between(std::bit_width(low) - 1, std::bit_width(high));
  auto top = std::min<std::size_t>(high, std::size_t{1} << bits);
  return static_cast<std::size_t>(slices.between(static_cast<std::int64_t>(low),
                                                 static_cast<std::int64_t>(std::max(top, low))));
}

clock::time_point network_state::passes(const std::string& origin, const std::string& client,
                                        direction d) const {
  auto now = w.now();
  auto when = now;
  for (auto& c : cuts) {
    bool hit = (c.origin.empty() || c.origin == origin) &&
               (c.client.empty() || c.client == client) && (c.d == direction::both || c.d == d) &&
               c.from <= now && now < c.until;
    if (hit) when = std::max(when, c.until);
  }
  return when;
}

std::shared_ptr<lane> network_state::make_lane(const link_faults& f, const std::string& origin,
                                               const std::string& client, direction d) {
  auto out = std::make_shared<lane>(shared_from_this(), f, origin, client, d);
  if (lanes.size() == lanes.capacity())
    std::erase_if(lanes, [](const auto& weak) { return weak.expired(); });
  lanes.push_back(out);
  return out;
}

std::uint64_t network_state::log_request(request_record r) {
  log.push_back(std::move(r));
  if (log.size() > network::max_logged_requests) {
    log.pop_front();
    ++first_logged;
  }
  return requests++;
}

request_record* network_state::logged(std::uint64_t number) {
  if (number < first_logged || number - first_logged >= log.size()) return nullptr;
  return &log[number - first_logged];
}

}  // namespace detail

void host::start(server::handler answer) {
  if (up()) crash();
  state_->program();
  ++state_->incarnation;
  state_->answer = std::move(answer);
  state_->net.w.note("net.start", {state_->incarnation});
}

void host::crash(bool silent) {
  state_->net.w.note("net.crash", {state_->incarnation, silent});
  state_->answer = nullptr;
  ++state_->incarnation;
  // Moved out, as the ends of exchanges change the list.
  for (auto& [id, weak] : std::exchange(state_->exchanges, {}))
    if (auto e = weak.lock()) e->server_died(silent);
  for (auto& weak : std::exchange(state_->sockets, {}))
    if (auto s = weak.lock()) s->server_died(silent);
  if (!state_->programs.empty()) state_->programs.back()->kill();
}

bool host::up() const {
  return state_->answer != nullptr;
}
executor host::get_executor() {
  return state_->program().get_executor();
}
std::uint64_t host::handled() const {
  return state_->handled;
}

network::network(world& w, fault_plan& faults)
    : state_(std::make_shared<detail::network_state>(w, faults)) {}

network::~network() {
  for (auto& [origin, h] : state_->hosts)
    for (auto& p : h->programs) p->kill();
  auto parked = std::exchange(state_->parked, {});
  for (auto& weak : std::exchange(state_->lanes, {}))
    if (auto alive = weak.lock()) alive->cut();
}

host network::add_host(const std::string& origin) {
  auto& h = state_->hosts[origin];
  if (!h) {
    h = std::make_unique<detail::host_state>(*state_);
    h->origin = origin;
  }
  return host(*h);
}

void network::set_faults(link_faults faults) {
  state_->default_faults = faults;
}
void network::set_faults(const std::string& origin, link_faults faults) {
  state_->faults[{origin, {}}] = faults;
}
void network::set_faults(const std::string& origin, const std::string& client, link_faults faults) {
  state_->faults[{origin, client}] = faults;
}

void network::partition(const std::string& origin, const std::string& client, direction d,
                        clock::time_point from, clock::time_point until) {
  state_->w.note("net.partition", {static_cast<std::uint64_t>(d)});
  state_->cuts.push_back({origin, client, d, from, until});
}

void network::heal() {
  state_->w.note("net.heal");
  state_->cuts.clear();
  for (auto& f : std::exchange(state_->parked, {}))
    state_->w.after(std::chrono::milliseconds(200), std::move(f));
}

const std::deque<request_record>& network::request_log() const {
  return state_->log;
}
std::uint64_t network::requests_sent() const {
  return state_->requests;
}
std::uint64_t network::events() const {
  return state_->events;
}
std::uint64_t network::body_bytes_delivered() const {
  return state_->bytes;
}

}  // namespace tidewire::lab
