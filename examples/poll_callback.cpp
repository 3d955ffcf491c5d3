#include <tidewire/core/runtime.hpp>
#include <tidewire/realtime/callback_poll.hpp>
#include <tidewire/realtime/poller.hpp>

#include <chrono>
#include <iostream>
#include <semaphore>

using namespace tidewire;

int main() {
  runtime thread;  // or runtime thread(your GUI's "call this later"): callbacks then come there
  context ctx(thread.get_executor(), rng::from_entropy());
  // Any function of yours that answers by a callback.
  auto count = [n = 0](const realtime::poll_request&, auto done) mutable {
    std::move(done)(realtime::poll_answer<int>::changed_to(++n));
  };
  realtime::poll_options options;
  options.pace.interval = std::chrono::milliseconds(100);
  realtime::poller<int> polls(ctx, realtime::callback_poll<int>(count), options);
  std::binary_semaphore enough(0), ended(0);
  auto show = [&](int value) {
    std::cout << value << std::endl;
    if (value == 3) enough.release();
  };
  auto changes = polls.data().connect(thread.callback(show));
  polls.start();
  enough.acquire();
  polls.async_stop(thread.callback([&] { ended.release(); }));
  ended.acquire();
  thread.stop();
}
