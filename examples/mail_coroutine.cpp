#include <tidewire/mail/smtp_client.hpp>

#include <boost/asio.hpp>

#include <iostream>

using namespace tidewire;

asio::awaitable<void> send(mail::client& client, std::string from, std::string to) {
  mail::message m;
  m.id = "invoice-4711";  // Message-ID is made of it: the same when it is sent again
  m.from = {from, "The Shop"};
  m.to = {to};
  m.subject = "Grüße";
  m.text = "Here it is.\n";
  auto token = asio::as_tuple(asio::use_awaitable);
  auto sending = client.async_send(std::move(m), {}, token);
  auto [ec, sent] = co_await std::move(sending);
  std::cout << (ec ? ec.message() : to_string(sent.outcome)) << ": " << sent.text << std::endl;
  auto stopping = client.async_stop();
  co_await std::move(stopping);
}

int main(int argc, char** argv) {
  if (argc != 4) return std::cerr << "usage: mail_coroutine smtp://HOST FROM TO\n", 2;
  asio::io_context io;
  context ctx(io.get_executor(), rng::from_entropy());
  mail::smtp_options server;
  server.url = argv[1];
  server.security = mail::starttls::optional;  // required, unless you say otherwise
  std::string why;
  auto client = mail::make_smtp_client(ctx, std::move(server), &why);
  if (!client) return std::cerr << why << "\n", 2;
  asio::co_spawn(io, send(**client, argv[2], argv[3]), asio::detached);
  io.run();
}
