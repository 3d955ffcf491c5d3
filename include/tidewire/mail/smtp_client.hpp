#pragma once

#include <tidewire/core/context.hpp>
#include <tidewire/mail/client.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace tidewire::mail {

// Encryption of smtp:// (smtps:// is encrypted from the first byte).
enum class starttls {
  required,  // a server that does not offer it gets nothing
  optional,  // where it is offered. Somebody on the way can take the offer away
  none,
};

struct smtp_options {
  // smtp://HOST[:PORT] (port 25) or smtps://HOST[:PORT] (port 465). No credentials in it.
  std::string url;
  starttls security = starttls::required;
  // AUTH with what the server offers (PLAIN, LOGIN, CRAM-MD5 …); empty: none. Never logged.
  std::string username, password;
  // File with certificates to trust in place of the system's. Host names are always verified.
  std::string ca_file;
  // What EHLO says; empty: this machine's name.
  std::string ehlo_name;
  // Messages under way at once; more wait their turn, max_waiting at most (errc::limit_exceeded).
  std::size_t max_connections = 2;
  std::size_t max_waiting = 10'000;
  // After so many messages a connection is closed, since servers count them too.
  std::size_t max_messages_per_connection = 100;
  // From the look-up of the name to the end of AUTH.
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(30);
  // From the connection to the answer after the final dot. RFC 5321, 4.5.3.2.6 wants ten minutes
  // for that answer: what is shorter makes outcomes unknown.
  std::chrono::nanoseconds send_timeout = std::chrono::minutes(10);
  // An idle connection is kept so long for the next message.
  std::chrono::nanoseconds idle_timeout = std::chrono::seconds(10);
  message_limits limits;
};

// SMTP. libcurl connects, encrypts and logs in; the message itself is sent by a dialogue of our
// own, since libcurl waits for the server's last answer without serving anybody else, and does not
// tell whether the final dot had been sent.
//
// context.exec must have one thread or be a strand; it blocks while attachments are read. Stop the
// client, or end its executor, before it goes. errc::invalid_server when the URL or the options
// can't be used; `why` says so in words.
result<std::unique_ptr<client>> make_smtp_client(context ctx, smtp_options options,
                                                 std::string* why = nullptr);

}  // namespace tidewire::mail
