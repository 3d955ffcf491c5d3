#pragma once

#include <tidewire/core/rng.hpp>
#include <tidewire/core/types.hpp>

#include <boost/system/error_category.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace tidewire::server {

using message_time = std::chrono::sys_time<std::chrono::milliseconds>;

struct new_message {
  std::string channel;
  std::string id;    // unique in its channel
  std::string user;  // may be empty
  std::string data;  // JSON text
};

struct stored_message {
  std::uint64_t offset = 0;
  message_time time{};
  std::string id, user, data;
  friend bool operator==(const stored_message&, const stored_message&) = default;
};

// A channel's log: the messages from `oldest` to `head`, none missing. Without messages `oldest` is
// head + 1. A channel that was never written to has a log too: it is empty.
struct log_state {
  std::string epoch;
  std::uint64_t oldest = 1, head = 0;
  friend bool operator==(const log_state&, const log_state&) = default;
};

// Why one message was not taken while others of its batch were.
enum class message_errc {
  id_reused = 1,      // [permanent] the id belongs to another message of this channel
  too_many_channels,  // [permanent] message_retention::max_channels
  not_text,           // [permanent] no UTF-8, or with a NUL: this store can't hold it
};
const boost::system::error_category& message_category() noexcept;
error_code make_error_code(message_errc) noexcept;

struct append_outcome {
  std::uint64_t offset = 0;  // also of a duplicate
  bool duplicate = false;    // it was in the log already; nothing was written
  error_code error;          // a message_errc
  // Of the log that it is in. Stores that one process has for itself leave it empty.
  std::string epoch;
};

struct log_page {
  log_state log;  // when the page was read
  std::vector<stored_message> messages;
};

// How long what is kept. The age is by the wall clock: it bounds, it orders nothing.
struct message_retention {
  std::uint64_t max_messages = 100'000;  // of a channel
  std::chrono::milliseconds max_age = std::chrono::hours(24 * 30);
  // Ids are known for at least this long, and as long as their message is there.
  std::chrono::milliseconds id_age = std::chrono::hours(24 * 30);
  std::size_t max_channels = 1'000'000;
};

enum class trimming { done, more };

// How far a log reaches, as somebody else left it.
struct moved_log {
  std::string channel, epoch;
  std::uint64_t head = 0;
};

// The logs of all channels, with the table of ids that belongs to them: what makes a message that
// was sent twice be there once. Calls may block, for the disk or a server. One call at a time, from
// any thread; but watch() and the end of it at any time.
//
// Every implementation must pass the suite in message_store_test.cpp.
class message_store {
 public:
  virtual ~message_store() = default;

  virtual result<log_state> state(const std::string& channel) = 0;

  // The messages behind `since`: from the oldest on when that is later. At most `limit`, and no
  // more than `max_bytes` of data, but always one when there is one.
  virtual result<log_page> read(const std::string& channel, std::uint64_t since, std::size_t limit,
                                std::size_t max_bytes) = 0;

  // Appends all in order, or, after an error, none; then again it is not known which, if the error
  // came with the commit. What was reported is durable. One outcome for each message.
  virtual result<std::vector<append_outcome>> append(std::span<const new_message> messages,
                                                     message_time now) = 0;

  // The offset that an id has, while it is known.
  virtual result<std::optional<std::uint64_t>> find(const std::string& channel,
                                                    const std::string& id) = 0;

  // Drops what is older than the retention allows, a bounded piece a call: `more` when another call
  // may find more. The number of messages is seen to by append().
  virtual result<trimming> trim(message_time now) = 0;

  // Begins a channel's log anew, under another epoch, as after a restored backup.
  virtual result<log_state> reset(const std::string& channel) = 0;

  // state() of many, in their order.
  virtual result<std::vector<log_state>> states(std::span<const std::string> channels);

  // For stores to which others append too, in other processes: `moved` is told, on a thread of the
  // store's, which logs reach further or were begun anew, by whomever. An empty list: any may have,
  // look. Replaces the last handler, which is not called any more once this returned. The handler
  // must not call the store. A store that only its owner writes to never calls it.
  using moved_handler = std::function<void(std::vector<moved_log>)>;
  virtual void watch(moved_handler moved);
};

std::unique_ptr<message_store> make_memory_message_store(rng random,
                                                         message_retention retention = {});

// Messages in an SQLite file (docs/formats/message-store.md) that this object has for itself.
// Errors are store_sqlite::errc: locked when another process has the file. `said`, when given, is
// told more.
result<std::unique_ptr<message_store>> open_sqlite_message_store(const std::string& path,
                                                                 rng random,
                                                                 message_retention retention = {},
                                                                 std::string* said = nullptr);

struct postgres_store_options {
  std::string address;              // as store_postgres::connection_options::address
  std::string schema = "tidewire";  // made if it is not there, if the user may
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(5);
  std::chrono::milliseconds call_timeout = std::chrono::seconds(15);
  // Notifications tell at once of what others appended. So often it is looked for all the same.
  std::chrono::milliseconds look_interval = std::chrono::seconds(5);
};

// Messages in PostgreSQL (docs/formats/message-store-postgres.md), which any number of processes
// may share. Errors are store_postgres::errc. A connection that was lost is made again by the next
// call, which is tried twice: with ids that are known, an append may be repeated.
result<std::unique_ptr<message_store>> open_postgres_message_store(
    const postgres_store_options& options, rng random, message_retention retention = {},
    std::string* said = nullptr);

}  // namespace tidewire::server

template <>
struct boost::system::is_error_code_enum<tidewire::server::message_errc> : std::true_type {};
