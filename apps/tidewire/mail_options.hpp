#pragma once

#include <tidewire/mail/smtp_client.hpp>

#include <CLI/App.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::cli {

// The server, as typed: what all commands that send mail have in common.
struct mail_server_options {
  std::string smtp, username, password_file, starttls = "required", ca_file, ehlo_name;
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(30),
                           timeout = std::chrono::minutes(10);
};
void add_mail_server(CLI::App& app, mail_server_options& o);

// Where a password comes from when no file is named. An argument would be seen by every user of the
// machine.
constexpr auto smtp_password_variable = "TIDEWIRE_SMTP_PASSWORD";

// Checked, or in `fault` what is wrong, without a secret.
std::optional<mail::smtp_options> make_smtp_options(const mail_server_options& o,
                                                    std::string& fault);

// The message, as typed.
struct mail_message_options {
  std::string from, subject, text, text_file, html_file, id;
  std::vector<std::string> cc, reply_to, attach, headers;
};
void add_mail_message(CLI::App& app, mail_message_options& o);

// The message without its recipient, files read; or in `fault` what is wrong.
std::optional<mail::message> make_mail_message(const mail_message_options& o, std::string& fault);

// All of a file, or of standard input for "-"; at most 32 MiB. False: `fault` says why not.
bool read_text_file(const std::string& path, std::string& out, std::string& fault);

// "a@b: sent (250 2.0.0 queued)", and for programs one line of JSON.
std::string send_line(const std::string& to, const mail::send_result& r);
std::string send_json(const std::string& to, const mail::send_result& r);

}  // namespace tidewire::cli
