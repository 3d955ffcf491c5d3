#include <tidewire/mail/send_result.hpp>

namespace tidewire::mail {
namespace {

// RFC 4954, 6: they ask for another log-in or encryption, wherever they come.
bool about_login(unsigned code) {
  return code == 530 || code == 534 || code == 535 || code == 538;
}

}  // namespace

outcome classify_smtp(const dialogue_end& end) {
  auto kind = end.code / 100;
  if (kind == 4) return outcome::retry;
  if (kind == 5) {
    bool of_session = end.at < phase::mail || (end.at < phase::final_dot && about_login(end.code));
    return of_session ? outcome::refused : outcome::discard;
  }
  if (end.at == phase::final_dot) return kind == 2 ? outcome::accepted : outcome::unknown;
  return end.permanent && end.code == 0 ? outcome::refused : outcome::retry;
}

const char* to_string(phase p) {
  switch (p) {
    case phase::none:
      return "none";
    case phase::connect:
      return "connect";
    case phase::tls:
      return "tls";
    case phase::greeting:
      return "greeting";
    case phase::ehlo:
      return "ehlo";
    case phase::starttls:
      return "starttls";
    case phase::auth:
      return "auth";
    case phase::mail:
      return "mail";
    case phase::rcpt:
      return "rcpt";
    case phase::data:
      return "data";
    case phase::body:
      return "body";
    case phase::final_dot:
      return "final_dot";
  }
  return "none";
}

const char* to_string(outcome o) {
  switch (o) {
    case outcome::accepted:
      return "accepted";
    case outcome::retry:
      return "retry";
    case outcome::discard:
      return "discard";
    case outcome::unknown:
      return "unknown";
    case outcome::refused:
      return "refused";
  }
  return "unknown";
}

}  // namespace tidewire::mail
