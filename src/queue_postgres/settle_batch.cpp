#include "settle_batch.hpp"

#include "queue/task_rules.hpp"
#include "text.hpp"

#include <tidewire/core/utf8.hpp>

#include <algorithm>
#include <map>
#include <optional>

namespace tidewire::queue_postgres {
namespace {

namespace pg = store_postgres;
using queue::outcome;
using queue::settle_outcome;
using queue::task_state;

std::int64_t after_of(const outcome& how) {
  constexpr queue::milliseconds zero(0), most = queue::task_bounds::delay;
  return std::clamp(how.after().value_or(zero), zero, most).count();
}

}  // namespace

std::string storable(std::string_view text) {
  if (is_utf8(text) && text.find('\0') == text.npos) return std::string(text);
  std::string out;
  for (char c : text) out += static_cast<unsigned char>(c) < 0x80 && c != '\0' ? c : '?';
  return out;
}

settle_batch::settle_batch(std::span<const queue::settlement> all, const std::string& prefix)
    : all_(all),
      done_sql_("SELECT id, repeated, state FROM " + prefix +
                "settle_done($1::bigint[], $2::bigint[], $3::text[])"),
      other_sql_("SELECT id, applied, repeated, state FROM " + prefix +
                 "settle_other($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[],"
                 " $6::bigint)") {
  std::vector<std::size_t> order(all.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return all[a].id < all[b].id; });
  // By how many settlements of the same task come before, and by the way.
  std::map<std::pair<std::size_t, bool>, group> sorted;
  std::size_t before = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    before = i > 0 && all[order[i]].id == all[order[i - 1]].id ? before + 1 : 0;
    bool done = all[order[i]].outcome.is_done();
    auto& g = sorted[{before, done}];
    g.done = done;
    g.members.push_back(order[i]);
  }
  for (auto& [key, g] : sorted) groups_.push_back(std::move(g));
}

void settle_batch::add_to(pg::batch& b) const {
  for (const auto& g : groups_) {
    if (g.done)
      add_done(b, g);
    else
      add_other(b, g);
  }
}

void settle_batch::add_done(pg::batch& b, const group& g) const {
  std::vector<std::int64_t> ids, fences;
  std::vector<std::optional<std::string>> results;
  bool any = false;
  for (auto i : g.members) {
    ids.push_back(number(all_[i].id));
    fences.push_back(number(all_[i].fence));
    auto& text = all_[i].outcome.text();
    any = any || !text.empty();
    results.push_back(text.empty() ? std::nullopt : std::optional(storable(text)));
  }
  pg::parameters p;
  p.add_array(ids).add_array(fences);
  if (any)
    p.add_array(results);
  else
    p.add_null();
  b.add(pg::statement(done_sql_), std::move(p));
}

void settle_batch::add_other(pg::batch& b, const group& g) const {
  std::vector<std::int64_t> ids, fences, hows, afters;
  std::vector<std::optional<std::string>> texts;
  for (auto i : g.members) {
    auto& how = all_[i].outcome;
    ids.push_back(number(all_[i].id));
    fences.push_back(number(all_[i].fence));
    hows.push_back(static_cast<std::int64_t>(how.what()));
    texts.push_back(or_null(queue::cut(storable(how.text()), queue::task_bounds::error_bytes)));
    afters.push_back(after_of(how));
  }
  pg::parameters p;
  p.add_array(ids).add_array(fences).add_array(hows).add_array(texts).add_array(afters);
  p.add(number(queue::task_bounds::starts));
  b.add(pg::statement(other_sql_), std::move(p));
}

std::size_t settle_batch::index_of(const group& g, std::int64_t id) const {
  auto wanted = static_cast<queue::task_id>(id);
  return *std::lower_bound(g.members.begin(), g.members.end(), wanted,
                           [this](auto i, auto than) { return all_[i].id < than; });
}

std::vector<settle_outcome> settle_batch::read(std::span<const pg::rows> answers) const {
  std::vector<settle_outcome> out(all_.size());
  for (std::size_t n = 0; n < groups_.size(); ++n) {
    const auto& g = groups_[n];
    const auto& rows = answers[n];
    // Of those that are done only exceptions are told.
    for (auto i : g.members)
      if (g.done) out[i] = {settle_outcome::kind::applied, task_state::done, {}};
    int column = g.done ? 1 : 2;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      auto i = index_of(g, rows.integer(row, 0));
      auto what =
          rows.boolean(row, column) ? settle_outcome::kind::repeated : settle_outcome::kind::lost;
      if (!g.done && rows.boolean(row, 1)) what = settle_outcome::kind::applied;
      out[i] = {what, static_cast<task_state>(rows.integer(row, column + 1)), {}};
      if (what == settle_outcome::kind::applied)
        out[i].next_attempt = queue::milliseconds(after_of(all_[i].outcome));
    }
  }
  return out;
}

}  // namespace tidewire::queue_postgres
