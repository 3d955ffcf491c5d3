#include "mail_options.hpp"

#include "escape.hpp"
#include "options.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>

namespace tidewire::cli {
namespace {

// Larger ones the message's own limit would refuse anyway.
constexpr std::size_t max_text_bytes = 32 * 1024 * 1024;

std::optional<std::string> first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line)) return std::nullopt;
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

std::vector<mail::address> addresses(const std::vector<std::string>& typed) {
  std::vector<mail::address> out;
  for (auto& text : typed) out.push_back(mail::parse_address(text));
  return out;
}

bool add_header(mail::message& m, const std::string& line, std::string& fault) {
  auto colon = line.find(':');
  if (colon == line.npos) {
    fault = "--header is written as \"Name: value\"";
    return false;
  }
  auto value = line.substr(colon + 1);
  value.erase(0, value.find_first_not_of(" \t"));
  m.headers.emplace_back(line.substr(0, colon), value);
  return true;
}

const char* in_words(mail::outcome o) {
  switch (o) {
    case mail::outcome::accepted:
      return "sent";
    case mail::outcome::retry:
      return "not sent, may work later";
    case mail::outcome::discard:
      return "not sent, refused for good";
    case mail::outcome::unknown:
      return "may be sent or not: the connection was lost before the server's last answer";
    case mail::outcome::refused:
      return "not sent, the server does not serve us";
  }
  return "";
}

}  // namespace

bool read_text_file(const std::string& path, std::string& out, std::string& fault) {
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& in = path == "-" ? std::cin : file;
  char piece[64 * 1024];
  while (in && out.size() <= max_text_bytes) {
    in.read(piece, sizeof piece);
    out.append(piece, static_cast<std::size_t>(in.gcount()));
  }
  if (in.eof()) return true;
  fault = fmt::format("\"{}\" {}", escape_terminal(path),
                      out.size() > max_text_bytes ? "is larger than 32 MiB" : "can't be read");
  return false;
}

void add_mail_server(CLI::App& app, mail_server_options& o) {
  app.add_option("--smtp", o.smtp, "The server: smtp://HOST[:25] or smtps://HOST[:465]")
      ->type_name("URL")
      ->required();
  app.add_option("--username", o.username, "Log in with this name")->type_name("NAME");
  app.add_option("--password-file", o.password_file,
                 "The password is the first line of this file (default: the environment's\n"
                 "TIDEWIRE_SMTP_PASSWORD)")
      ->type_name("FILE");
  add_choice(app, "--starttls", o.starttls, {"required", "optional", "none"},
             "Encryption of smtp:// (default: required)");
  app.add_option("--ca-file", o.ca_file, "Trust these certificates in place of the system's")
      ->type_name("FILE");
  app.add_option("--ehlo", o.ehlo_name, "This machine's name for the server")->type_name("NAME");
  add_duration(app, "--connect-timeout", o.connect_timeout,
               "Up to the end of the log-in (default: 30s)");
  add_duration(app, "--timeout", o.timeout, "For one message (default: 10m)");
}

std::optional<mail::smtp_options> make_smtp_options(const mail_server_options& o,
                                                    std::string& fault) {
  mail::smtp_options out;
  out.url = o.smtp;
  out.security = o.starttls == "none"       ? mail::starttls::none
                 : o.starttls == "optional" ? mail::starttls::optional
                                            : mail::starttls::required;
  out.username = o.username;
  out.ca_file = o.ca_file;
  out.ehlo_name = o.ehlo_name;
  out.connect_timeout = o.connect_timeout;
  out.send_timeout = o.timeout;
  if (o.username.empty()) {
    if (o.password_file.empty()) return out;
    fault = "--password-file goes with --username";
    return std::nullopt;
  }
  std::optional<std::string> password;
  if (!o.password_file.empty())
    password = first_line(o.password_file);
  else if (auto* variable = std::getenv(smtp_password_variable))
    password = variable;
  if (password && !password->empty()) {
    out.password = *password;
    return out;
  }
  fault = o.password_file.empty()
              ? fmt::format("--username needs a password: --password-file FILE, or {}",
                            smtp_password_variable)
              : fmt::format("--password-file: \"{}\" can't be read or its first line is empty",
                            escape_terminal(o.password_file));
  return std::nullopt;
}

void add_mail_message(CLI::App& app, mail_message_options& o) {
  app.add_option("--from", o.from, "The sender: ADDRESS or \"Name <ADDRESS>\"")
      ->type_name("ADDRESS")
      ->required();
  app.add_option("--subject", o.subject, "The subject")->type_name("TEXT");
  auto* text = app.add_option("--text", o.text, "The text")->type_name("TEXT");
  app.add_option("--text-file", o.text_file, "The text is in this file; - is standard input")
      ->type_name("FILE")
      ->excludes(text);
  app.add_option("--html-file", o.html_file, "The same as HTML, beside the text or alone")
      ->type_name("FILE");
  app.add_option("--attach", o.attach, "A file that goes along (again for more)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--cc", o.cc, "Who else got it: a header only (again for more)")
      ->type_name("ADDRESS")
      ->allow_extra_args(false);
  app.add_option("--reply-to", o.reply_to, "Where answers go (again for more)")
      ->type_name("ADDRESS")
      ->allow_extra_args(false);
  app.add_option("--header", o.headers, "A further header, \"Name: value\" (again for more)")
      ->type_name("HEADER")
      ->allow_extra_args(false);
  app.add_option("--id", o.id,
                 "Message-ID is made of it and of the recipient: give the same one to\n"
                 "send again after an unknown outcome (default: a random one)")
      ->type_name("ID");
}

std::optional<mail::message> make_mail_message(const mail_message_options& o, std::string& fault) {
  mail::message m;
  m.from = mail::parse_address(o.from);
  m.cc = addresses(o.cc);
  m.reply_to = addresses(o.reply_to);
  m.subject = o.subject;
  m.text = o.text;
  if (!o.text_file.empty() && !read_text_file(o.text_file, m.text, fault)) return std::nullopt;
  if (!o.html_file.empty() && !read_text_file(o.html_file, m.html, fault)) return std::nullopt;
  for (auto& path : o.attach) m.attachments.push_back({path, {}, {}, {}});
  for (auto& line : o.headers)
    if (!add_header(m, line, fault)) return std::nullopt;
  return m;
}

std::string send_line(const std::string& to, const mail::send_result& r) {
  auto out = fmt::format("{}: {}", escape_terminal(to), in_words(r.outcome));
  std::string said = r.code != 0 ? std::to_string(r.code) + " " + r.text : r.text;
  if (!said.empty()) out += fmt::format(" ({})", escape_terminal(said));
  if (r.outcome != mail::outcome::accepted && r.at != mail::phase::none)
    out += fmt::format(" [{}]", mail::to_string(r.at));
  return out;
}

std::string send_json(const std::string& to, const mail::send_result& r) {
  boost::json::object o;
  o["type"] = "result";
  o["to"] = escape_terminal(to);
  o["outcome"] = mail::to_string(r.outcome);
  o["phase"] = mail::to_string(r.at);
  o["code"] = r.code != 0 ? boost::json::value(r.code) : boost::json::value(nullptr);
  o["enhanced"] = r.enhanced.empty() ? boost::json::value(nullptr) : boost::json::value(r.enhanced);
  o["text"] = escape_terminal(r.text);
  o["message_id"] = r.message_id;
  return boost::json::serialize(o);
}

}  // namespace tidewire::cli
