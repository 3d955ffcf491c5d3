#pragma once

#include <tidewire/core/retry_policy.hpp>
#include <tidewire/http/digest.hpp>
#include <tidewire/http/message.hpp>
#include <tidewire/transfer/download_progress.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::transfer {

class download_sink;

// What is durable when: `power` syncs each second or 64 MiB and before the final name appears;
// `process` never syncs, so that only a crash of the machine can lose what was written.
enum class durability { process, power };

// What a download_request holds, with its defaults. Read by the downloader; built by the setters.
struct download_settings {
  std::vector<http::url> sources;
  std::string file, folder;
  download_sink* sink = nullptr;
  std::optional<http::sha256_digest> checksum;
  http::fields headers;
  unsigned connections = 4;
  bool adaptive = false;
  std::uint64_t min_split_bytes = 1024 * 1024;
  retry_policy retries{};
  http::exchange_limits limits{};
  std::uint64_t rate_limit = 0, lowest_speed = 0;
  durability keep = durability::power;
  bool overwrite = false, accept_unverified = false;
  unsigned max_restarts = 3;
  std::function<void(const download_progress&)> on_progress;
  std::chrono::nanoseconds progress_interval = std::chrono::milliseconds(100);
  std::function<void(const download_event&)> on_event;
};

// One download. A value with setters that return it, so that it can be built in one expression
// outside a coroutine (see CONTRIBUTING on g++ 12).
class download_request {
 public:
  explicit download_request(http::url source);

  static constexpr unsigned max_connections = 64;
  static constexpr std::size_t max_sources = 16;

  // Where to: a file path; or a folder, the name then comes from the answer or the URL, made safe;
  // or a sink, borrowed until completion. Exactly one; the last call counts.
  download_request& to_file(std::string path);
  download_request& to_folder(std::string path);
  download_request& to_sink(download_sink& sink);

  // A further place of the same resource. With a digest all serve at once; without one they are
  // tried in turn, each from the beginning. At most max_sources; more are ignored.
  download_request& mirror(http::url source);
  // The file is complete only with this SHA-256.
  download_request& checksum(http::sha256_digest digest);
  download_request& header(std::string name, std::string value);

  // Connections at once. Default 4; at most max_connections.
  download_request& connections(unsigned count);
  // Starts with one and adds more, up to `maximum`, while that makes it faster.
  download_request& adaptive_connections(unsigned maximum = 16);
  // No piece smaller than this gets a connection of its own. Default 1 MiB.
  download_request& min_split_bytes(std::uint64_t bytes);
  // Default: 3 retries (4 tries) of a connection without a byte of progress, then it retires; the
  // download fails when the last one did.
  download_request& retries(retry_policy policy);
  download_request& limits(http::exchange_limits limits);
  // Bytes per second over all connections; 0, the default, is no limit.
  download_request& rate_limit(std::uint64_t bytes_per_second);
  // A connection slower than this over 10 s is replaced; 0, the default, is none.
  download_request& lowest_speed(std::uint64_t bytes_per_second);
  download_request& keep(durability level);
  // Replaces an existing target, at the very end. Default: errc::target_exists, at the start.
  download_request& overwrite(bool yes = true);
  // Takes a body that ends with the connection as whole. Default: errc::length_unverified.
  download_request& accept_unverified(bool yes = true);
  // A resource that changed is begun anew at most this often. Default 3.
  download_request& max_restarts(unsigned count);

  // Called on the client's executor, at most once an `interval`, and at the end.
  download_request& on_progress(std::function<void(const download_progress&)> call,
                                std::chrono::nanoseconds interval = std::chrono::milliseconds(100));
  download_request& on_event(std::function<void(const download_event&)> call);

  const download_settings& settings() const { return settings_; }

 private:
  download_settings settings_;
};

}  // namespace tidewire::transfer
