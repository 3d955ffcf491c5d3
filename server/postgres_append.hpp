#pragma once

#include <tidewire/server/message_store.hpp>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace tidewire::server {

// What an append to PostgreSQL decides, between what it reads and what it writes.

struct locked_log {
  std::int64_t channel = 0;
  log_state state;
};

// What the database said of a batch's channels and ids, under the locks of the channels.
struct append_ground {
  struct known {
    std::uint64_t offset;
    std::int64_t fingerprint;
  };
  std::map<std::string, locked_log> logs;      // by name; one that is missing may not be made
  std::unordered_map<std::string, known> ids;  // by id_key()
};

inline std::string id_key(std::int64_t channel, std::string_view id) {
  return std::to_string(channel) + ":" + std::string(id);
}

struct append_plan {
  std::vector<append_outcome> outcomes;  // one for each message
  // The new ones, column by column, as unnest() takes them.
  std::vector<std::int64_t> channels, offsets, fingerprints;
  std::vector<std::string> ids, users, data;
  // The logs that grow: their new states.
  std::vector<locked_log> moved;
  std::vector<std::string> moved_names;
  // Those of them that drop their oldest messages, and from where on they are kept.
  std::vector<std::int64_t> cut, cut_oldest;
};

// PostgreSQL holds UTF-8 without NULs.
bool is_storable(const new_message& m);

append_plan plan_append(std::span<const new_message> messages, append_ground ground,
                        std::uint64_t max_messages);

}  // namespace tidewire::server
