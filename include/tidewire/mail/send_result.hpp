#pragma once

#include <string>

namespace tidewire::mail {

// Where in the dialogue something happened: what was being done, or waited for the answer of.
enum class phase {
  none,       // nothing was begun
  connect,    // looking the name up, connecting
  tls,        // the handshake of implicit TLS
  greeting,   // the server's first line
  ehlo,       //
  starttls,   // the command and its handshake
  auth,       //
  mail,       // MAIL FROM
  rcpt,       // RCPT TO
  data,       // DATA
  body,       // sending the message, up to its final dot
  final_dot,  // the whole message is sent; the server's answer is not here yet
};

// What is known of a message, and what to do.
enum class outcome {
  accepted,  // the server took responsibility for it (2xx after the final dot)
  retry,     // it was not taken; the same may work later (4xx, connection refused or lost)
  discard,   // it was not taken, and never will be (5xx to MAIL, RCPT, DATA or the message)
  unknown,   // the connection was lost after the final dot: it may have been taken
  // The server will not talk to us at all (5xx before MAIL, wrong password, untrusted certificate,
  // no STARTTLS). Says nothing about the message: keep it, and mend the settings.
  refused,
};

const char* to_string(phase p);
const char* to_string(outcome o);

// How a dialogue ended, as far as the outcome depends on it.
struct dialogue_end {
  phase at = phase::none;
  // The reply that ended it; 0: none, the connection was lost, timed out or not understood.
  unsigned code = 0;
  // Without a reply: whether another try would meet the same (certificate, no STARTTLS, no common
  // way to log in).
  bool permanent = false;
};

// The rules, pure. A reply counts where it was given: 2xx only after the final dot, 4xx and 5xx
// everywhere; anything else is a server that can't be understood, which before the final dot means
// retry and after it unknown.
outcome classify_smtp(const dialogue_end& end);

// What became of one send.
struct send_result {
  mail::outcome outcome = outcome::retry;
  mail::phase at = phase::none;
  unsigned code = 0;       // the server's; 0: it gave none
  std::string enhanced;    // "5.1.1" (RFC 3463), where the server gives one
  std::string text;        // the server's words or ours, without control characters
  std::string message_id;  // with its angle brackets
  bool reused_connection = false;
};

}  // namespace tidewire::mail
