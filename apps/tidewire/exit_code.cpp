#include "exit_code.hpp"

namespace tidewire::cli {

const char* exit_code_help() {
  return "Exit codes:\n"
         "  0    everything is there and verified\n"
         "  2    wrong command line, URL or list; nothing was done\n"
         "  3    the network failed more often than --retries allows\n"
         "  4    the server refused (401, 403, 404, 410, a redirect loop ...)\n"
         "  5    the resource changed and could not be begun anew\n"
         "  6    digest mismatch: the bytes are not the promised ones\n"
         "  7    length unverified: only the connection's end marked the end of the file\n"
         "  8    disk: full, read-only, missing folder, input/output error\n"
         "  9    the target exists already, or somebody else is downloading it\n"
         "  10   a foreign or damaged partial file is in the way\n"
         "  11   the server's answers contradict themselves or the request\n"
         "  130  interrupted (SIGINT); 143 terminated (SIGTERM); what arrived is kept";
}

const char* exit_code_name(exit_code code) {
  switch (code) {
    case exit_code::ok:
      return "ok";
    case exit_code::usage:
      return "usage";
    case exit_code::network_exhausted:
      return "network_exhausted";
    case exit_code::refused:
      return "refused";
    case exit_code::changed:
      return "changed";
    case exit_code::digest_mismatch:
      return "digest_mismatch";
    case exit_code::length_unverified:
      return "length_unverified";
    case exit_code::disk:
      return "disk";
    case exit_code::target_taken:
      return "target_taken";
    case exit_code::partial_unusable:
      return "partial_unusable";
    case exit_code::bad_response:
      return "bad_response";
    case exit_code::internal:
      return "internal";
    case exit_code::interrupted:
      return "interrupted";
    case exit_code::terminated:
      return "terminated";
  }
  return "unknown";
}

}  // namespace tidewire::cli
