#include "postgres_append.hpp"

#include "message_store.hpp"

#include <tidewire/core/utf8.hpp>

#include <set>

namespace tidewire::server {
namespace {

append_outcome plan_one(const new_message& m, append_ground& ground, append_plan& plan) {
  append_outcome out;
  if (!is_storable(m)) {
    out.error = message_errc::not_text;
    return out;
  }
  auto log = ground.logs.find(m.channel);
  if (log == ground.logs.end()) {
    out.error = message_errc::too_many_channels;
    return out;
  }
  auto print = static_cast<std::int64_t>(fingerprint(m.data));
  const auto& [channel, state] = log->second;
  out.epoch = state.epoch;
  auto [known, fresh] =
      ground.ids.try_emplace(id_key(channel, m.id), append_ground::known{state.head + 1, print});
  if (!fresh) {
    out.duplicate = known->second.fingerprint == print;
    if (out.duplicate)
      out.offset = known->second.offset;
    else
      out.error = message_errc::id_reused;
    return out;
  }
  out.offset = ++log->second.state.head;
  plan.channels.push_back(channel);
  plan.offsets.push_back(static_cast<std::int64_t>(out.offset));
  plan.fingerprints.push_back(print);
  plan.ids.push_back(m.id);
  plan.users.push_back(m.user);
  plan.data.push_back(m.data);
  return out;
}

}  // namespace

bool is_storable(const new_message& m) {
  for (const auto* text : {&m.channel, &m.id, &m.user, &m.data})
    if (text->find('\0') != text->npos || !is_utf8(*text)) return false;
  return true;
}

append_plan plan_append(std::span<const new_message> messages, append_ground ground,
                        std::uint64_t max_messages) {
  append_plan plan;
  for (const auto& m : messages) plan.outcomes.push_back(plan_one(m, ground, plan));
  std::set<std::int64_t> grown(plan.channels.begin(), plan.channels.end());
  for (auto& [name, log] : ground.logs) {
    if (!grown.contains(log.channel)) continue;
    auto& state = log.state;
    if (state.head - state.oldest + 1 > max_messages) {
      state.oldest = state.head - max_messages + 1;
      plan.cut.push_back(log.channel);
      plan.cut_oldest.push_back(static_cast<std::int64_t>(state.oldest));
    }
    plan.moved.push_back(log);
    plan.moved_names.push_back(name);
  }
  return plan;
}

}  // namespace tidewire::server
