#include "diagnosis.hpp"

#include "escape.hpp"
#include "units.hpp"

#include <tidewire/core/error.hpp>
#include <tidewire/file/journal.hpp>
#include <tidewire/http/error.hpp>
#include <tidewire/realtime/error.hpp>
#include <tidewire/transfer/error.hpp>

#include <fmt/format.h>

#include <csignal>

namespace tidewire::cli {
namespace {

exit_code of_transfer(transfer::errc code) {
  using transfer::errc;
  switch (code) {
    case errc::network_exhausted:
      return exit_code::network_exhausted;
    case errc::refused:
      return exit_code::refused;
    case errc::bad_response:
      return exit_code::bad_response;
    case errc::changed:
      return exit_code::changed;
    case errc::digest_mismatch:
      return exit_code::digest_mismatch;
    case errc::length_unverified:
      return exit_code::length_unverified;
    case errc::target_exists:
    case errc::target_busy:
      return exit_code::target_taken;
    case errc::partial_unusable:
      return exit_code::partial_unusable;
    case errc::no_file_name:
      return exit_code::usage;
    case errc::disk_failed:
      return exit_code::disk;
  }
  return exit_code::internal;
}

exit_code of_http(http::errc code) {
  using http::errc;
  switch (code) {
    case errc::bad_url:
    case errc::unsupported_scheme:
      return exit_code::usage;
    case errc::bad_message:
    case errc::limit_exceeded:
      return exit_code::bad_response;
    case errc::too_many_redirects:
    case errc::forbidden_redirect:
      return exit_code::refused;
    default:
      return exit_code::network_exhausted;
  }
}

exit_code of_realtime(realtime::errc code) {
  using realtime::errc;
  switch (code) {
    case errc::refused:
    case errc::rejected:
      return exit_code::refused;
    case errc::unavailable:
    case errc::unconfirmed:
    case errc::too_many_errors:
      return exit_code::network_exhausted;
    case errc::bad_answer:
      return exit_code::bad_response;
    case errc::function_threw:
      return exit_code::internal;
  }
  return exit_code::internal;
}

std::string sentence(std::string text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '.')) text.pop_back();
  return text.empty() ? text : text + ".";
}

// What happened, without what the library's detail adds.
std::string headline(const failure& f, exit_code code) {
  switch (code) {
    case exit_code::network_exhausted:
      if (f.result.retries == 0) return "no usable connection to the server";
      return fmt::format("the network failed, also after {} {}", f.result.retries,
                         f.result.retries == 1 ? "retry" : "retries");
    case exit_code::refused:
      return "the server refused";
    case exit_code::changed:
      return "the resource changed and could not be begun anew";
    case exit_code::digest_mismatch:
      return "digest mismatch: all bytes arrived, but they are not the promised ones";
    case exit_code::length_unverified:
      return "length unverified";
    case exit_code::disk:
      return "the disk failed";
    case exit_code::bad_response:
      return "bad response from the server";
    case exit_code::interrupted:
      return "interrupted";
    case exit_code::terminated:
      return "terminated";
    default:
      return f.code.message();
  }
}

std::string what_is_kept(const failure& f, exit_code code) {
  if (f.target.empty()) return "What was written to standard output can't be taken back.";
  if (code == exit_code::target_taken || code == exit_code::partial_unusable ||
      code == exit_code::usage)
    return "Nothing was touched.";
  if (f.result.bytes == 0 || f.result.path.empty()) return "Nothing was kept: no byte was usable.";
  return fmt::format("{} are kept in {}.", format_size(f.result.bytes), shown_path(f.result.path));
}

std::string what_to_do(const failure& f, exit_code code) {
  bool file = !f.target.empty() && f.result.bytes > 0;
  switch (code) {
    case exit_code::usage:
      return "Give a name with -o FILE.";
    case exit_code::network_exhausted:
      return file ? "Run the same command again to go on from there, or raise --retries."
                  : "Run the same command again, or raise --retries.";
    case exit_code::refused:
      if (f.result.http_status == 401 || f.result.http_status == 403 || f.result.http_status == 407)
        return "Check the credentials (--header @FILE) and the URL.";
      return "Check the URL.";
    case exit_code::changed:
      return "Run the command again once the resource is stable.";
    case exit_code::digest_mismatch:
      return "Check the --checksum value and the source; the next run begins anew.";
    case exit_code::length_unverified:
      return "Give --checksum sha-256=HEX to prove the bytes, or --accept-unverified to take them.";
    case exit_code::disk:
      return "Make room, or mend folder and permissions; the same command then goes on from there.";
    case exit_code::target_taken:
      return f.code == transfer::errc::target_exists
                 ? "Give another -o FILE, or --overwrite to replace it."
                 : "Wait for the other download, or give another -o FILE.";
    case exit_code::partial_unusable:
      return "Look with `tidewire transfers list`, move the .part files away, and run again.";
    case exit_code::bad_response:
      return "Another attempt is unlikely to help; try a --mirror.";
    case exit_code::interrupted:
    case exit_code::terminated:
      return file ? "Run the same command again to resume." : "Run the same command again.";
    default:
      return {};
  }
}

}  // namespace

std::string shown_path(std::string_view path) {
  // "./" says nothing that the name alone does not say, unless it would look like an option.
  if (path.starts_with("./") && path.size() > 2 && path[2] != '-') path.remove_prefix(2);
  return escape_terminal(path);
}

exit_code exit_code_of(const error_code& code, int signal) {
  if (!code) return exit_code::ok;
  bool ended = code == condition::cancelled || code == make_error_code(tidewire::errc::stopped);
  if (ended && signal == SIGTERM) return exit_code::terminated;
  if (ended) return exit_code::interrupted;
  if (code.category() == transfer::category())
    return of_transfer(static_cast<transfer::errc>(code.value()));
  if (code.category() == http::category()) return of_http(static_cast<http::errc>(code.value()));
  if (code.category() == realtime::category())
    return of_realtime(static_cast<realtime::errc>(code.value()));
  if (code.category() == file::category()) return exit_code::partial_unusable;
  if (code == tidewire::errc::invalid_argument) return exit_code::usage;
  if (code == tidewire::errc::timed_out) return exit_code::network_exhausted;
  // A plain system code comes from the file system: network ones carry the categories above.
  if (code.category() == boost::system::system_category() ||
      code.category() == boost::system::generic_category())
    return code == condition::retryable ? exit_code::network_exhausted : exit_code::disk;
  return exit_code::internal;
}

std::string explain(const failure& f) {
  auto code = exit_code_of(f.code, f.signal);
  auto out = fmt::format("{}: {}", escape_terminal(f.source), headline(f, code));
  auto detail = f.result.detail;
  if (detail.empty() && f.result.cause) detail = f.result.cause.message();
  if (detail.empty() && code == exit_code::internal) detail = "code " + f.code.to_string();
  if (!detail.empty() && code != exit_code::interrupted && code != exit_code::terminated)
    out += ": " + escape_terminal(detail);
  out = sentence(std::move(out));
  out += " " + what_is_kept(f, code);
  if (auto advice = what_to_do(f, code); !advice.empty()) out += " " + advice;
  return out;
}

}  // namespace tidewire::cli
