#include "mail/dial_watch.hpp"

namespace tidewire::mail {
namespace {

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// Whether `line` begins with `word`, in any case, and the word ends there.
bool begins(std::string_view line, std::string_view word) {
  if (line.size() < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i)
    if (upper(line[i]) != word[i]) return false;
  return line.size() == word.size() || line[word.size()] == ' ' || line[word.size()] == '\r' ||
         line[word.size()] == '\n';
}

}  // namespace

void dial_watch::sent(std::string_view command) {
  if (begins(command, "QUIT")) {
    quitting_ = true;
    return;  // what went wrong before it counts
  }
  reply_ = {};
  if (at_ == phase::auth) return;  // an answer to a challenge
  if (begins(command, "EHLO") || begins(command, "HELO")) {
    at_ = phase::ehlo;
    size_offered_ = false;  // of before the encryption, say
  } else if (begins(command, "STARTTLS")) {
    at_ = phase::starttls;
  } else if (begins(command, "AUTH")) {
    at_ = phase::auth;
  }
}

void dial_watch::received(std::string_view bytes) {
  if (quitting_) return;
  if (at_ == phase::ehlo && bytes.size() > 4 && begins(bytes.substr(4), "SIZE"))
    size_offered_ = true;
  broken_ = broken_ || !reader_.feed(bytes);
  if (broken_) return;
  if (auto whole = reader_.take()) {
    reply_ = std::move(*whole);
    if (at_ == phase::auth && reply_.code / 100 == 2) logged_in_ = true;
  }
}

}  // namespace tidewire::mail
