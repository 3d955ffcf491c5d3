#pragma once

#include <string>
#include <string_view>

namespace tidewire::mail {

// A mailbox: "name <email>".
struct address {
  address() = default;
  address(std::string mail, std::string person = {})  // NOLINT: "a@b.example" is an address
      : email(std::move(mail)), name(std::move(person)) {}
  address(const char* mail) : email(mail) {}  // NOLINT

  std::string email;  // local-part@domain in ASCII; see check_email()
  std::string name;   // UTF-8, may be empty

  friend bool operator==(const address&, const address&) = default;
};

// What is wrong with an address, in words; empty when it can be used. Accepted are the dot-atom and
// quoted forms of RFC 5321, 4.1.2, with a domain name or an address literal, at most 64 octets
// before the @ and 254 in all. Non-ASCII addresses (RFC 6531) are refused with a hint, as is every
// control character: no address can end a command early.
std::string check_email(std::string_view email);

// The part behind the last @, in lower case: what rate limits are counted by. Empty when there is
// none.
std::string domain_of(std::string_view email);

// "Name <local@domain>", "local@domain" or "<local@domain>", as people type it. The name may be in
// quotes. Checks nothing else.
address parse_address(std::string_view text);

}  // namespace tidewire::mail
