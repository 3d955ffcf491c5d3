#include "exit_code.hpp"

namespace tidewire::cli {
namespace {

constexpr exit_code_entry entries[] = {
    {exit_code::ok, "ok", "everything is there and verified"},
    {exit_code::usage, "usage", "wrong command line, URL or list; nothing was done"},
    {exit_code::network_exhausted, "network_exhausted",
     "the network failed more often than --retries allows"},
    {exit_code::refused, "refused", "the server refused (401, 403, 404, 410, a redirect loop ...)"},
    {exit_code::changed, "changed", "the resource changed and could not be begun anew"},
    {exit_code::digest_mismatch, "digest_mismatch",
     "digest mismatch: the bytes are not the promised ones"},
    {exit_code::length_unverified, "length_unverified",
     "length unverified: only the connection's end marked the end of the file"},
    {exit_code::disk, "disk", "disk: full, read-only, missing folder, input/output error"},
    {exit_code::target_taken, "target_taken",
     "the target exists already, or somebody else is downloading it"},
    {exit_code::partial_unusable, "partial_unusable",
     "a foreign or damaged partial file is in the way"},
    {exit_code::bad_response, "bad_response",
     "the server's answers contradict themselves or the request"},
    {exit_code::outcome_unknown, "outcome_unknown",
     "what was sent may have been taken or not: the answer was lost"},
    {exit_code::internal, "internal", "a defect of Tidewire: please report it"},
    {exit_code::interrupted, "interrupted", "interrupted (SIGINT); what arrived is kept"},
    {exit_code::terminated, "terminated", "terminated (SIGTERM); what arrived is kept"},
};

}  // namespace

std::span<const exit_code_entry> exit_codes() {
  return entries;
}

std::string exit_code_help() {
  std::string text = "Exit codes:";
  for (auto& entry : entries) {
    auto number = std::to_string(static_cast<int>(entry.code));
    number.resize(5, ' ');
    text += "\n  " + number + entry.meaning;
  }
  return text;
}

const char* exit_code_name(exit_code code) {
  for (auto& entry : entries)
    if (entry.code == code) return entry.name;
  return "unknown";
}

}  // namespace tidewire::cli
