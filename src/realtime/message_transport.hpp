#pragma once

#include "realtime/connection_fsm.hpp"
#include "realtime/delivery_gate.hpp"

#include <tidewire/core/types.hpp>
#include <tidewire/realtime/message_codec.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace tidewire::realtime {

// What transports tell their connection, and ask it. All on the connection's executor. A call may
// end everything: its caller looks at its own state before it goes on.
class transport_sink {
 public:
  // What to subscribe to; `generation` speaks from then on.
  virtual std::vector<channel_cursor> begin_generation(std::uint64_t generation) = 0;
  // The server's word on a socket: in order.
  virtual void on_event(std::uint64_t generation, server_event event) = 0;
  // The socket of that generation is gone; nothing more comes from it.
  virtual void on_lost(std::uint64_t generation, socket_failure failure) = 0;

  // Of one channel, for polls.
  virtual delivery_gate& gate_of(const std::string& channel) = 0;
  // Something went through the gate.
  virtual void on_polled(const std::string& channel) = 0;
  // A poll or a publication failed, for people and logs; it will be tried again.
  virtual void on_trouble(error_code ec, const std::string& detail) = 0;

  // The next publication for that transport, with at most `in_flight` unanswered.
  virtual const publication* next_publication(std::uint64_t generation, std::size_t in_flight) = 0;
  // Answered, or to be tried again.
  virtual void on_acked(const publish_ack& ack) = 0;
  virtual void on_nacked(const publish_nack& nack) = 0;
  virtual void on_unanswered(std::uint64_t generation, bool sent) = 0;

 protected:
  ~transport_sink() = default;
};

// A way by which messages come and publications go. The connection decides when; a transport knows
// how. One for each socket, and one for all polls.
class message_transport {
 public:
  virtual ~message_transport() = default;
  // Begins, once; what it needs keeps itself alive.
  virtual void start() = 0;
  // Ends as soon as possible, in good order when `gracefully`; tells the sink nothing from now on.
  virtual void stop(bool gracefully) = 0;
  // There may be publications to send.
  virtual void publish() = 0;
};

}  // namespace tidewire::realtime
