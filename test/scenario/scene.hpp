#pragma once

#include "resource.hpp"

#include <tidewire/http/url.hpp>
#include <tidewire/lab/client.hpp>
#include <tidewire/lab/disk.hpp>
#include <tidewire/lab/fault_plan.hpp>
#include <tidewire/lab/network.hpp>
#include <tidewire/lab/process.hpp>
#include <tidewire/lab/world.hpp>
#include <tidewire/transfer/downloader.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::test {

// One download of one client process, as it goes on and as it ended.
struct download_call {
  bool ended = false;
  error_code ec;
  transfer::download_result result;
  transfer::download_progress progress;  // the last one reported
  std::vector<transfer::download_event> events;

  unsigned count(transfer::download_event::kind_type kind) const;
};

// A client machine with its disk, a server with a resource, and the network between them, in
// virtual time and without any fault until one is asked for. For scenarios that are played step by
// step.
class scene {
 public:
  static constexpr const char* origin = "http://files:80";
  static constexpr const char* mirror_origin = "http://mirror:80";
  static constexpr const char* target = "/home/data.bin";

  explicit scene(std::uint64_t size);
  ~scene();

  // The resource at `origin`, into `target`, with four connections and small pieces.
  transfer::download_request request() const;
  static http::url url(const std::string& origin, const std::string& path = "/data.bin");

  std::shared_ptr<download_call> start(transfer::download_request request);
  // start(), and runs the world until it ended: three hours of virtual time at most.
  std::shared_ptr<download_call> run(transfer::download_request request);
  void run_until_end(const download_call& call);

  // SIGKILL: the client's process and all that it had open is gone. The next start() is another's.
  void kill_client();
  void cut_power();

  std::optional<std::string> bytes_of(const std::string& path) const;
  http::sha256_digest digest() const;

  lab::world world;
  lab::fault_plan plan;
  lab::network network;
  lab::disk disk;
  std::shared_ptr<resource> served;
  lab::host host;
  // Of every link; applied by start().
  lab::link_faults link;

  transfer::downloader& downloads();

 private:
  struct client_process;
  client_process& client();
  std::unique_ptr<client_process> client_;
};

}  // namespace tidewire::test
