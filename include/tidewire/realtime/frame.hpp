#pragma once

#include <tidewire/core/json_text.hpp>
#include <tidewire/core/types.hpp>

#include <boost/system/error_category.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

// The frames that client and server exchange over a WebSocket (docs/realtime.md): one JSON object a
// text message. A pure codec for both sides. Members that are not known are ignored, so that later
// versions may add some. Thread-safe.
namespace tidewire::realtime {

// Of names: channels, clients, epochs, message ids. 1 byte at least, without control characters.
inline constexpr std::size_t max_name_bytes = 128;
// Of a message's payload as JSON text.
inline constexpr std::size_t max_payload_bytes = 64 * 1024;
inline constexpr std::size_t max_payload_depth = 32;
inline constexpr std::size_t max_channels_per_hello = 128;
inline constexpr std::size_t max_token_bytes = 4096;
inline constexpr std::size_t max_why_bytes = 512;
// Of a frame, whatever is in it: the WebSocket's own limit on both sides.
inline constexpr std::size_t max_frame_bytes = 128 * 1024;
inline constexpr std::uint32_t frame_version = 1;

// What is wrong with a frame that is JSON; what is wrong with its JSON is a json_errc. All are
// condition::permanent.
enum class frame_errc {
  unknown_type = 1,     // "t" is none of the names below
  bad_member,           // one is missing, of another type, or out of its bounds
  unsupported_version,  // a hello of another version than ours
  payload_too_large,    // "d" has more than max_payload_bytes
};
const boost::system::error_category& frame_category() noexcept;
error_code make_error_code(frame_errc) noexcept;

// Where a subscriber stands in a channel: it has everything up to `since`. Without an epoch it
// never was here; without `since` it wants what comes from now on.
struct subscription {
  std::optional<std::string> epoch;
  std::optional<std::uint64_t> since;
  friend bool operator==(const subscription&, const subscription&) = default;
};

// -> The first frame of a client.
struct hello_frame {
  std::string client;  // chosen by the client, for logs; the prefix of its message ids
  std::map<std::string, subscription> channels;
  std::string token;  // empty: the upgrade's Authorization header speaks
  friend bool operator==(const hello_frame&, const hello_frame&) = default;
};

struct channel_state {
  std::string epoch;
  // Everything after the cursor follows; else a reset_frame of this channel does, first.
  bool recovered = true;
  std::uint64_t head = 0;  // the newest offset when the subscription began; 0: none yet
  friend bool operator==(const channel_state&, const channel_state&) = default;
};

// <- The answer to a hello, before anything else.
struct welcome_frame {
  std::map<std::string, channel_state> channels;
  std::chrono::milliseconds ping{25'000};  // how often a quiet side pings
  friend bool operator==(const welcome_frame&, const welcome_frame&) = default;
};

// <- One message of a channel's log.
struct message_frame {
  std::string channel, epoch;
  std::uint64_t offset = 0;  // dense, from 1
  std::string id;
  std::string time;  // RFC 3339, informative
  std::string user;  // who published, as far as the server knows; may be empty
  std::string data;  // JSON text, byte for byte as published
  friend bool operator==(const message_frame&, const message_frame&) = default;
};

// -> Publishes; answered by an ack or a nack with the same id.
struct publish_frame {
  std::string id, channel;
  std::string data;  // JSON text
  // Something that was sent before it is not answered: if that was refused for now, so is this.
  bool behind = false;
  friend bool operator==(const publish_frame&, const publish_frame&) = default;
};

// <- The message is in the log, durable as the server's store is.
struct ack_frame {
  std::string id;
  std::uint64_t offset = 0;
  bool duplicate = false;  // it was there already
  friend bool operator==(const ack_frame&, const ack_frame&) = default;
};

// <- It is not. With `retry` the same frame may succeed after that time, without it never.
struct nack_frame {
  std::string id;
  std::string why;  // a word, "rate", "too_large", … (docs/realtime.md)
  std::optional<std::chrono::milliseconds> retry;
  friend bool operator==(const nack_frame&, const nack_frame&) = default;
};

enum class reset_reason {
  epoch,    // the log is another one, or does not reach as far as the cursor
  trimmed,  // what followed the cursor is gone
};

// <- The cursor was of no use: delivery goes on after `head` of `epoch`.
struct reset_frame {
  std::string channel, epoch;
  std::uint64_t head = 0;
  reset_reason why = reset_reason::epoch;
  friend bool operator==(const reset_frame&, const reset_frame&) = default;
};

// <- The server closes. `retry`: when to come back; each client is given another time.
struct bye_frame {
  std::string why;
  std::optional<std::chrono::milliseconds> retry;
  friend bool operator==(const bye_frame&, const bye_frame&) = default;
};

// <-> Heartbeat for who can't send a WebSocket ping, as pages in browsers: a pong is owed at once.
struct ping_frame {
  friend bool operator==(const ping_frame&, const ping_frame&) = default;
};
struct pong_frame {
  friend bool operator==(const pong_frame&, const pong_frame&) = default;
};

using frame = std::variant<hello_frame, welcome_frame, message_frame, publish_frame, ack_frame,
                           nack_frame, reset_frame, bye_frame, ping_frame, pong_frame>;

// Reads one text message. `detail`, when given, is told for people what is wrong; it never repeats
// what was sent.
result<frame> decode_frame(std::string_view text, std::string* detail = nullptr);

// The text of a frame whose strings are UTF-8 and whose payloads are JSON.
std::string encode_frame(const frame& f);
// The same for the one that is sent most, without a copy of it.
std::string encode_frame(const message_frame& f);

// Whether `name` is 1 to max_name_bytes of UTF-8 without control characters.
bool is_name(std::string_view name) noexcept;

}  // namespace tidewire::realtime

template <>
struct boost::system::is_error_code_enum<tidewire::realtime::frame_errc> : std::true_type {};
