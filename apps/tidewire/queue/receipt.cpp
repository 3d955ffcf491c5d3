#include "queue/receipt.hpp"

#include "escape.hpp"
#include "queue/json_line.hpp"

#include <fmt/format.h>

namespace tidewire::cli {
namespace {

const char* name_of(enqueue_receipt::state s) {
  switch (s) {
    case enqueue_receipt::state::queued:
      return "queued";
    case enqueue_receipt::state::rejected:
      return "rejected";
    default:
      return "unknown";
  }
}

}  // namespace

enqueue_receipt receipt_of(std::size_t line, const queue::insert_outcome& how) {
  enqueue_receipt out;
  out.line = line;
  out.id = how.id;
  out.duplicate = how.duplicate;
  if (!how.error) return out;
  out.what = enqueue_receipt::state::rejected;
  out.reason = how.error.message();
  return out;
}

std::string receipt_json(const enqueue_receipt& r) {
  json_line out;
  out.add("type", "receipt");
  if (r.line > 0) out.add("line", std::uint64_t(r.line));
  out.add("state", name_of(r.what));
  if (r.what == enqueue_receipt::state::queued)
    out.add("id", r.id).add("duplicate", r.duplicate);
  else
    out.add("reason", r.reason);
  return out.text();
}

std::string receipt_text(const enqueue_receipt& r) {
  if (r.what == enqueue_receipt::state::queued)
    return fmt::format("queued {}{}", r.id, r.duplicate ? " (it was there already)" : "");
  auto where = r.line > 0 ? fmt::format(" line {}", r.line) : std::string();
  return fmt::format("{}{}: {}", name_of(r.what), where, escape_terminal(r.reason));
}

}  // namespace tidewire::cli
