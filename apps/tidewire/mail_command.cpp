#include "commands.hpp"
#include "escape.hpp"
#include "mail_options.hpp"
#include "terminal.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <csignal>
#include <memory>

namespace tidewire::cli {
namespace {

struct send_options {
  mail_server_options server;
  mail_message_options message;
  std::vector<std::string> to;
  bool json = false, quiet = false;
};

constexpr std::size_t max_recipients = 1000;

exit_code usage(const std::string& fault) {
  write_stderr("tidewire mail send: " + fault + "\nTry `tidewire mail send --help`.\n");
  return exit_code::usage;
}

exit_code code_of(mail::outcome o) {
  switch (o) {
    case mail::outcome::accepted:
      return exit_code::ok;
    case mail::outcome::retry:
      return exit_code::network_exhausted;
    case mail::outcome::unknown:
      return exit_code::outcome_unknown;
    case mail::outcome::discard:
    case mail::outcome::refused:
      return exit_code::refused;
  }
  return exit_code::internal;
}

// One run: the message goes to each recipient on its own, and each has a line.
class send_session {
 public:
  send_session(const send_options& o, std::vector<mail::message> messages)
      : options_(o), messages_(std::move(messages)), signals_(io_, SIGINT, SIGTERM) {}

  exit_code run(mail::smtp_options server) {
    std::string fault;
    auto made = mail::make_smtp_client(context(io_.get_executor(), rng::from_entropy()),
                                       std::move(server), &fault);
    if (!made) return usage("--smtp: " + fault);
    client_ = std::move(*made);
    signals_.async_wait([this](error_code ec, int number) {
      if (ec) return;
      signal_ = number;
      close();
    });
    left_ = messages_.size();
    codes_.assign(left_, exit_code::ok);
    for (std::size_t i = 0; i < messages_.size(); ++i)
      client_->async_send(messages_[i], mail::envelope(),
                          [this, i](error_code ec, const mail::send_result& r) { take(i, ec, r); });
    io_.run();
    if (signal_ != 0) return signal_ == SIGTERM ? exit_code::terminated : exit_code::interrupted;
    for (auto code : codes_)
      if (code != exit_code::ok) return code;
    return exit_code::ok;
  }

 private:
  void take(std::size_t i, error_code ec, const mail::send_result& r) {
    auto& to = messages_[i].to.email;
    codes_[i] = ec == condition::permanent ? exit_code::disk : code_of(r.outcome);
    bool good = codes_[i] == exit_code::ok;
    if (options_.json)
      write_stdout(send_json(to, r) + "\n");
    else if (!good)
      write_stderr(send_line(to, r) + "\n");
    else if (!options_.quiet)
      write_stdout(send_line(to, r) + "\n");
    if (--left_ == 0) close();
  }

  void close() {
    error_code ignored;
    signals_.cancel(ignored);
    client_->async_stop([] {});
  }

  const send_options& options_;
  std::vector<mail::message> messages_;
  asio::io_context io_{1};
  asio::signal_set signals_;
  std::unique_ptr<mail::client> client_;
  std::vector<exit_code> codes_;
  std::size_t left_ = 0;
  int signal_ = 0;
};

exit_code send(const send_options& o) {
  std::string fault;
  auto server = make_smtp_options(o.server, fault);
  if (!server) return usage(fault);
  if (o.to.size() > max_recipients) return usage("--to: at most 1000; send more with `mail bulk`");
  auto base = make_mail_message(o.message, fault);
  if (!base) return usage(fault);
  auto id = o.message.id;
  if (id.empty()) {
    auto random = rng::from_entropy();
    id = fmt::format("{:016x}{:016x}", random(), random());
  }
  // All of them are checked before the first is sent.
  std::vector<mail::message> messages;
  for (auto& to : o.to) {
    auto m = *base;
    m.to = mail::parse_address(to);
    m.id = id + ":" + m.to.email;
    if (auto wrong = mail::check(m, server->limits)) return usage(escape_terminal(wrong.text));
    messages.push_back(std::move(m));
  }
  return send_session(o, std::move(messages)).run(std::move(*server));
}

constexpr auto send_footer =
    "Examples:\n"
    "  tidewire mail send --smtp smtp://mail.example.org:587 --username me --password-file p \\\n"
    "    --from me@example.org --to you@example.org --subject Hello --text 'How are you?'\n"
    "  tidewire mail send --smtp smtps://mail.example.org --from 'The Shop <shop@example.org>' \\\n"
    "    --to a@example.org --to b@example.org --subject Invoice --text-file - --attach i.pdf < t\n"
    "\n"
    "Exit codes: 0 the server took them all; otherwise that of the first recipient, in the given\n"
    "order, for whom it did not: 3 not sent, may work later; 4 refused for good; 12 unknown: the\n"
    "connection was lost after the whole message was sent; 2 wrong command line or message, "
    "nothing\n"
    "was sent; 8 an attachment can't be read; 130 SIGINT, 143 SIGTERM.";

}  // namespace

void add_mail(CLI::App& app, action& chosen) {
  auto* group = app.add_subcommand("mail", "Send mail over SMTP");
  group->require_subcommand(1);
  auto o = std::make_shared<send_options>();
  auto* c = group->add_subcommand(
      "send",
      "Send a message to one or more recipients now, to each on its own, and say what the server\n"
      "answered. Nothing is tried again.");
  add_mail_server(*c, o->server);
  add_mail_message(*c, o->message);
  c->add_option("--to", o->to, "Who gets it (again for more)")
      ->type_name("ADDRESS")
      ->allow_extra_args(false)
      ->required();
  c->add_flag("--json", o->json, "Print results as one line of JSON each");
  c->add_flag("-q,--quiet", o->quiet, "Tell of failures only");
  c->footer(send_footer);
  c->callback([o, &chosen] { chosen = [o] { return send(*o); }; });
  add_mail_bulk(*group, chosen);
}

}  // namespace tidewire::cli
