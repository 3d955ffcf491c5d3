// A program as a user of Asio writes it, built against an installed Tidewire.
#include <tidewire/core/runtime.hpp>
#include <tidewire/core/timer.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <iostream>

namespace asio = boost::asio;
using namespace std::chrono_literals;

asio::awaitable<void> wait_a_little(bool& came) {
  tidewire::timer timer(co_await asio::this_coro::executor);
  timer.expires_after(10ms);
  co_await timer.async_wait();
  came = true;
}

int main() {
  asio::io_context context;
  bool came = false;
  asio::co_spawn(context, wait_a_little(came), asio::detached);
  context.run();
  std::cout << (came ? "the timer came" : "the timer never came") << '\n';
  return came ? 0 : 1;
}
