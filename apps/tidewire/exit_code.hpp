#pragma once

#include <span>
#include <string>

namespace tidewire::cli {

// The exit codes of every command. Part of the interface: scripts depend on them, docs/cli.md and
// exit_codes() say what each means.
enum class exit_code {
  ok = 0,
  usage = 2,              // the command line, a URL or a list can't be used; nothing was done
  network_exhausted = 3,  // no connection could be made or kept, after all retries
  refused = 4,            // the server's answer is a final no (403, 404, 410 …)
  changed = 5,            // the resource kept changing, or what was written can't be taken back
  digest_mismatch = 6,    // all bytes arrived and are not the promised ones
  length_unverified = 7,  // nothing but the connection's end said that the body was whole
  disk = 8,               // full, read-only, missing folder, input/output error
  target_taken = 9,       // the target exists, or another process is downloading it
  partial_unusable = 10,  // a foreign or damaged .part or journal is in the way
  bad_response = 11,      // the answers contradict themselves, the request or HTTP
  outcome_unknown = 12,   // what was sent may have been taken or not
  internal = 70,          // a defect of the program (sysexits' EX_SOFTWARE)
  interrupted = 130,      // SIGINT (128 + 2)
  terminated = 143,       // SIGTERM (128 + 15)
};

struct exit_code_entry {
  exit_code code;
  const char* name;     // the word that a script's author knows it by: "refused", "disk" …
  const char* meaning;  // for --help and the manual
};

// All of them, by number.
std::span<const exit_code_entry> exit_codes();

// The table for --help.
std::string exit_code_help();

// The name above; used in NDJSON.
const char* exit_code_name(exit_code code);

}  // namespace tidewire::cli
