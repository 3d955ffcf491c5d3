#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/http/message.hpp>
#include <tidewire/realtime/message.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tidewire::realtime {

// A channel, and where it is asked from.
struct channel_cursor {
  std::string channel{};
  cursor at{};
  // Without an epoch: from the oldest that the server has, rather than from what comes next.
  bool from_oldest = false;
};

// One message to publish, with the id by which the server's log knows it again.
struct publication {
  std::string id, channel, data;
  // Something published before it is not answered. A server that refused that for now must refuse
  // this too, or the order is lost.
  bool behind = false;
};

// What a server says. `message` and `reset` are among it.
struct welcome {  // the subscription holds; what was missed follows
  struct channel {
    std::string name{};
    cursor at{};             // of the log: its epoch, and its head
    bool recovered = false;  // everything behind the cursor follows
  };
  std::vector<channel> channels{};
  std::optional<std::chrono::nanoseconds> ping{};  // how long the server is quiet at most
};
struct publish_ack {
  std::string id{};
  std::uint64_t offset = 0;
  bool duplicate = false;
};
struct publish_nack {
  std::string id{}, reason{};
  std::optional<std::chrono::nanoseconds> retry_after{};  // not set: never
};
struct goodbye {
  std::string reason{};
  bool unauthorized = false;  // it wants other credentials
  std::optional<std::chrono::nanoseconds> retry_after{};
};
using server_event = std::variant<welcome, message, reset, publish_ack, publish_nack, goodbye>;

// What a poll brought: everything from where it was asked.
struct message_page {
  std::string epoch{};
  std::uint64_t head = 0;           // of the log, when it was read
  bool more = false;                // than is in here
  std::vector<message> messages{};  // oldest first
};

// How a server is spoken to: the one place to write for a server of your own. Functions, not
// conversations: everything else (when, again, in what order) is the connection's business. Called
// on the connection's executor. Decoding fails with errc::bad_answer; what is unknown but
// well-formed is skipped.
class message_codec {
 public:
  virtual ~message_codec() = default;

  // Whether messages carry epoch and dense offsets. Without: see docs/realtime.md for what weakens.
  virtual bool has_offsets() const = 0;
  // Whether publications by WebSocket are answered. Where not, they go by HTTP.
  virtual bool acknowledges() const = 0;

  // The first frame on a socket; nothing: the server needs none, and will not welcome either.
  virtual std::optional<std::string> hello(const std::vector<channel_cursor>& all) = 0;
  virtual result<std::vector<server_event>> decode(std::string_view frame) = 0;
  virtual std::string encode(const publication& p) = 0;

  // Completes a GET of the poll URL: query and headers. `wait`: how long the server may hold the
  // answer back; zero is not at all.
  virtual void prepare_poll(http::request& r, const channel_cursor& s, std::size_t limit,
                            std::chrono::seconds wait) = 0;
  // Of a 200, or of a 410 by which the server says that it can't go on from there.
  virtual result<std::variant<message_page, reset>> decode_poll(const channel_cursor& s,
                                                                unsigned status,
                                                                std::string_view body) = 0;
  // Completes a POST; returns its body.
  virtual std::string prepare_publish(http::request& r, const publication& p) = 0;
  // Of a 2xx.
  virtual result<publish_ack> decode_publish(const publication& p, std::string_view body) = 0;
};

// The wire of Tidewire's own backend.
std::unique_ptr<message_codec> make_wire_codec(std::string client_id);

// Servers without offsets: JSON objects with an id, one channel.
struct plain_shape {
  // Frames are {"type": frame_type, "payload": message}; empty: the frame is the message. Frames of
  // other types are skipped.
  std::string frame_type{};
  std::string id_member = "id";
  bool newest_first = false;  // in the array that a poll answers with
};
std::unique_ptr<message_codec> make_plain_codec(std::string channel, plain_shape shape = {});

// The lesson's chat: frames {"type":"message","payload":{id,text,userId,timestamp}}, GET and POST
// /chat/messages, the newest first.
std::unique_ptr<message_codec> make_chat_codec();

}  // namespace tidewire::realtime
