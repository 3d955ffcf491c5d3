#include <tidewire/mail/address.hpp>

#include <algorithm>

namespace tidewire::mail {
namespace {

constexpr std::size_t max_local_bytes = 64, max_email_bytes = 254, max_label_bytes = 63;

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_atom_char(char c) {
  return is_alnum(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

bool is_printable(char c) {
  return c >= ' ' && c <= '~';
}

// Parts that all satisfy `accept`, with single dots between them.
template <class Accept>
bool is_dotted(std::string_view s, Accept accept) {
  for (;;) {
    auto dot = std::min(s.find('.'), s.size());
    if (dot == 0 || !accept(s.substr(0, dot))) return false;
    if (dot == s.size()) return true;
    s.remove_prefix(dot + 1);
  }
}

bool is_dot_atom(std::string_view s) {
  return is_dotted(
      s, [](std::string_view atom) { return std::all_of(atom.begin(), atom.end(), is_atom_char); });
}

bool is_quoted(std::string_view s) {
  if (s.size() < 2 || s.front() != '"' || s.back() != '"') return false;
  s = s.substr(1, s.size() - 2);
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '"' || !is_printable(s[i])) return false;
    if (s[i] == '\\' && (++i == s.size() || !is_printable(s[i]))) return false;
  }
  return true;
}

bool is_label(std::string_view s) {
  return s.size() <= max_label_bytes && s.front() != '-' && s.back() != '-' &&
         std::all_of(s.begin(), s.end(), [](char c) { return is_alnum(c) || c == '-'; });
}

bool is_literal(std::string_view s) {
  return s.size() > 2 && s.front() == '[' && s.back() == ']' &&
         std::all_of(s.begin() + 1, s.end() - 1,
                     [](char c) { return is_alnum(c) || c == '.' || c == ':'; });
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

// A name in quotes without them.
std::string unquote(std::string_view s) {
  if (!is_quoted(s)) {
    bool quoted = s.size() >= 2 && s.front() == '"' && s.back() == '"';  // with UTF-8 in it
    if (!quoted) return std::string(s);
  }
  std::string out;
  for (std::size_t i = 1; i + 1 < s.size(); ++i) {
    if (s[i] == '\\' && i + 2 < s.size()) ++i;
    out += s[i];
  }
  return out;
}

}  // namespace

std::string check_email(std::string_view email) {
  if (email.empty()) return "the address is empty";
  if (std::any_of(email.begin(), email.end(), [](char c) { return (c & 0x80) != 0; }))
    return "an address is ASCII: write the domain in its xn-- form";
  if (!std::all_of(email.begin(), email.end(), is_printable))
    return "an address holds no control characters";
  auto at = email.rfind('@');
  if (at == email.npos) return "an address is written as name@domain";
  auto local = email.substr(0, at), domain = email.substr(at + 1);
  if (local.size() > max_local_bytes) return "what stands before the @ is longer than 64 bytes";
  if (email.size() > max_email_bytes) return "the address is longer than 254 bytes";
  if (!is_dot_atom(local) && !is_quoted(local))
    return "what stands before the @ needs quotes, or is no name";
  if (!is_dotted(domain, is_label) && !is_literal(domain)) return "what follows the @ is no domain";
  return {};
}

std::string domain_of(std::string_view email) {
  auto at = email.rfind('@');
  if (at == email.npos) return {};
  std::string out(email.substr(at + 1));
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

address parse_address(std::string_view text) {
  text = trim(text);
  auto open = text.rfind('<');
  if (open == text.npos || !text.ends_with('>')) return {std::string(text)};
  auto email = text.substr(open + 1, text.size() - open - 2);
  return {std::string(trim(email)), unquote(trim(text.substr(0, open)))};
}

}  // namespace tidewire::mail
