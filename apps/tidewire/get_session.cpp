#include "get_session.hpp"

#include "diagnosis.hpp"
#include "escape.hpp"
#include "stdout_sink.hpp"
#include "units.hpp"

#include <tidewire/core/context.hpp>
#include <tidewire/http/curl_client.hpp>
#include <tidewire/transfer/downloader.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <fmt/format.h>

#include <csignal>

namespace tidewire::cli {
namespace {

// One run of `tidewire get`: keeps up to `jobs` downloads going and tells the display about them.
// Everything happens on the thread that runs the io_context.
class get_session {
 public:
  explicit get_session(const get_plan& plan)
      : plan_(plan),
        ctx_(io_.get_executor(), rng::from_entropy()),
        disk_(file::make_posix_filesystem()),
        client_(http::make_curl_client(ctx_, client_options(plan.options))),
        downloads_(ctx_, *client_, *disk_),
        display_(make_display(plan.display, clock(ctx_.exec))),
        signals_(io_, SIGINT, SIGTERM),
        codes_(plan.items.size(), exit_code::ok) {}

  exit_code run() {
    await_signal();
    auto first = std::min<std::size_t>(plan_.options.jobs, plan_.items.size());
    for (std::size_t i = 0; i < first; ++i) start_next();
    if (running_ == 0) close();
    io_.run();
    return outcome();
  }

 private:
  static http::curl_client_options client_options(const get_options& o) {
    http::curl_client_options options;
    if (!o.user_agent.empty()) options.user_agent = o.user_agent;
    options.proxy = o.proxy;
    options.ca_file = o.ca_file;
    return options;
  }

  void await_signal() {
    signals_.async_wait([this](error_code ec, int number) {
      if (ec) return;
      signal_ = number;
      display_->note(fmt::format("{}: stopping; once more ends at once",
                                 number == SIGINT ? "interrupted" : "terminated"));
      // Back to the system's default, so that the second signal works even while a disk hangs.
      error_code ignored;
      signals_.clear(ignored);
      downloads_.async_stop([] {});
    });
  }

  void start_next() {
    if (signal_ != 0 || next_ == plan_.items.size()) return;
    auto index = next_++;
    auto& item = plan_.items[index];
    ++running_;
    display_->begin(index, item.name(), item.sources.front().redacted());
    auto request = make_request(plan_, item);
    if (item.target().empty()) request.to_sink(sink_);
    request.on_progress([this, index](const auto& p) { display_->update(index, p); },
                        display_->interval());
    request.on_event([this, index](const auto& e) { display_->event(index, e); });
    auto began = clock(ctx_.exec).now();
    downloads_.async_download(std::move(request),
                              [this, index, began](error_code ec, transfer::download_result r) {
                                finish(index, began, ec, std::move(r));
                              });
  }

  void finish(std::size_t index, clock::time_point began, error_code ec,
              transfer::download_result result) {
    auto& item = plan_.items[index];
    file_outcome outcome;
    outcome.code = codes_[index] = exit_code_of(ec, signal_);
    std::chrono::duration<double> took = clock(ctx_.exec).now() - began;
    outcome.seconds = took.count();
    if (ec)
      outcome.text = explain({ec, result, item.sources.front().redacted(), item.target(), signal_});
    else
      outcome.text = success(item, result, took.count());
    outcome.result = std::move(result);
    display_->finish(index, outcome);
    --running_;
    start_next();
    if (running_ == 0) close();
  }

  static std::string success(const get_item& item, const transfer::download_result& r,
                             double seconds) {
    auto out = fmt::format(
        "{} ({} in {}", item.target().empty() ? "standard output" : "saved " + shown_path(r.path),
        format_size(r.bytes),
        format_duration(std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9))));
    if (seconds > 0 && r.received_bytes > 0)
      out += ", " + format_rate(static_cast<double>(r.received_bytes) / seconds);
    if (r.resumed_bytes > 0) out += ", resumed at " + format_size(r.resumed_bytes);
    if (r.generation > 1) out += fmt::format(", begun anew {} times", r.generation - 1);
    if (r.digest) out += ", sha-256 verified";
    return out + ")";
  }

  // Everything ended: nothing may keep the loop alive any longer.
  void close() {
    if (closed_) return;
    closed_ = true;
    if (auto left = plan_.items.size() - next_; left > 0)
      display_->note(fmt::format("{} more were not begun", left));
    error_code ignored;
    signals_.cancel(ignored);
    downloads_.async_stop([this] { client_->stop([] {}); });
  }

  exit_code outcome() const {
    for (auto code : codes_)
      if (code == exit_code::interrupted || code == exit_code::terminated) return code;
    if (signal_ != 0 && next_ < plan_.items.size())
      return signal_ == SIGTERM ? exit_code::terminated : exit_code::interrupted;
    for (auto code : codes_)
      if (code != exit_code::ok) return code;
    return exit_code::ok;
  }

  const get_plan& plan_;
  asio::io_context io_{1};
  context ctx_;
  std::unique_ptr<file::filesystem> disk_;
  std::unique_ptr<http::client> client_;
  stdout_sink sink_;
  transfer::downloader downloads_;
  std::unique_ptr<progress_display> display_;
  asio::signal_set signals_;
  std::vector<exit_code> codes_;
  std::size_t next_ = 0, running_ = 0;
  int signal_ = 0;
  bool closed_ = false;
};

}  // namespace

exit_code run_get(const get_plan& plan) {
  return get_session(plan).run();
}

}  // namespace tidewire::cli
