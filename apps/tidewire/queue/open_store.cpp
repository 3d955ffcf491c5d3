#include "queue/open_store.hpp"

#include "escape.hpp"
#include "queue/store_address.hpp"
#include "queue/store_fault.hpp"

#include <tidewire/queue/sqlite_task_store.hpp>

#include <unistd.h>

#include <cerrno>

namespace tidewire::cli {
namespace {

opened_store refuse(exit_code code, std::string fault) {
  return {nullptr, code, std::move(fault)};
}

std::string explain(const store_address& where, const error_code& ec, const std::string& said) {
  auto out = where.shown() + ": " + escape_terminal(ec.message());
  if (!said.empty()) out += " (" + escape_terminal(said) + ")";
  auto advice = advice_for_store(ec);
  return advice.empty() ? out + "." : out + ". " + advice;
}

opened_store open_sqlite(const store_address& where, when_missing missing,
                         store_sqlite::durability survives) {
  if (missing == when_missing::refuse && ::access(where.target.c_str(), F_OK) != 0 &&
      errno == ENOENT)
    return refuse(exit_code::disk, where.shown() +
                                       ": there is no task store. Check --store; `tidewire queue "
                                       "enqueue`, `work` and `migrate` make a new one.");
  queue::sqlite_store_options o;
  o.survives = survives;
  std::string said;
  auto made = queue::open_sqlite_task_store(where.target, o, &said);
  if (!made) return refuse(exit_code_of_store(made.error()), explain(where, made.error(), said));
  return {std::move(*made), exit_code::ok, {}};
}

}  // namespace

opened_store open_task_store(const std::string& address, when_missing missing,
                             store_sqlite::durability survives) {
  auto where = parse_store_address(address);
  if (!where)
    return refuse(exit_code::usage, "--store: \"" + escape_terminal(address) +
                                        "\" is not a store like sqlite:tasks.db or "
                                        "postgres://localhost/tasks");
  if (where->what == store_address::kind::postgres)
    return refuse(exit_code::usage,
                  "--store: this tidewire was built without PostgreSQL; give sqlite:FILE");
  return open_sqlite(*where, missing, survives);
}

}  // namespace tidewire::cli
