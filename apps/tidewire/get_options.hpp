#pragma once

#include "progress_display.hpp"

#include <tidewire/core/types.hpp>
#include <tidewire/http/fields.hpp>
#include <tidewire/http/url.hpp>
#include <tidewire/transfer/download_request.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::cli {

// The command line of `tidewire get`, as typed. Defaults are those of --help.
struct get_options {
  std::vector<std::string> urls, mirrors, headers;
  std::string output, folder, input_file, checksum;
  std::string connections = "auto";
  std::uint64_t min_split = 1024 * 1024, limit_rate = 0, lowest_speed = 0;
  unsigned retries = 10, max_restarts = 3, jobs = 4;
  std::chrono::nanoseconds max_wait = std::chrono::minutes(10);
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(15);
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);
  std::chrono::nanoseconds progress_interval{};  // zero: what suits the display
  std::string progress = "auto", durability = "power";
  std::string user_agent, ca_file;
  std::optional<std::string> proxy;
  bool accept_unverified = false, overwrite = false, quiet = false;
  unsigned verbose = 0;
};

// One file to get, checked.
struct get_item {
  std::vector<http::url> sources;
  std::string file;    // or
  std::string folder;  // or neither: standard output
  std::optional<http::sha256_digest> checksum;

  std::string name() const;    // for people: the file's, as far as it is known
  std::string target() const;  // what was asked for; empty for standard output
};

// Everything the run needs, checked.
struct get_plan {
  get_options options;
  std::vector<get_item> items;
  http::fields headers;
  std::optional<unsigned> connections;  // nothing: adaptive
  display_options display;
};

// A plan or, in words, what is wrong with the command line or the list. Reads --input-file and
// --header files; touches nothing else.
struct plan_or_fault {
  std::optional<get_plan> plan;
  std::string fault;
};
plan_or_fault make_plan(get_options options);

transfer::download_request make_request(const get_plan& plan, const get_item& item);

}  // namespace tidewire::cli
