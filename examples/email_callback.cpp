#include <tidewire/core/runtime.hpp>
#include <tidewire/email/email_queue.hpp>
#include <tidewire/mail/smtp_client.hpp>
#include <tidewire/queue/sqlite_task_store.hpp>

#include <iostream>
#include <semaphore>

using namespace tidewire;

int main(int argc, char** argv) {
  if (argc < 5) return std::cerr << "usage: email_callback FILE smtp://HOST FROM TO...\n", 2;
  runtime thread;  // or runtime thread(your GUI's "call this later"): callbacks then come there
  context ctx(thread.get_executor(), rng::from_entropy());
  mail::smtp_options server;
  server.url = argv[2];
  server.security = mail::starttls::optional;
  std::string why;
  auto client = mail::make_smtp_client(ctx, std::move(server), &why);
  if (!client) return std::cerr << why << "\n", 2;
  auto store = queue::open_sqlite_task_store(argv[1], {}, &why);
  if (!store) return std::cerr << why << "\n", 1;
  email::email_queue mails(ctx, std::move(*store), **client);

  std::counting_semaphore<> ended(0);
  auto show = [&](error_code ec, queue::task_result r) {
    std::cout << "task " << r.id << ": " << (ec ? ec.message() + ": " + r.error : r.result) << "\n";
    ended.release();
  };
  auto kept = [&](error_code ec, queue::task_handle task) {
    if (!ec) return task.async_wait(thread.callback(show));
    std::cout << ec.message() << "\n";
    ended.release();
  };
  for (int i = 4; i < argc; ++i) {
    mail::message m;
    m.from = {argv[3]};
    m.to = {argv[i]};
    m.subject = "Hello";
    m.text = "How are you?\n";
    mails.async_send(std::move(m), {}, thread.callback(kept));  // kept in FILE, then sent
  }
  for (int i = 4; i < argc; ++i) ended.acquire();
  std::binary_semaphore stopped(0);
  mails.async_stop(thread.callback([&](error_code) { stopped.release(); }));
  stopped.acquire();
  (*client)->async_stop(thread.callback([&] { stopped.release(); }));
  stopped.acquire();
}
