#pragma once

#include <tidewire/core/types.hpp>
#include <tidewire/store_postgres/connection.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidewire::store_postgres {

// Tables that belong together and have versions of their own.
struct schema_part {
  // Of the schema that they are in; connection_options::schema must be the same.
  std::string schema = "tidewire";
  // Tells them from other parts in that schema: "messages", "queue", ….
  std::string name;
  // SQL that makes version 1 out of nothing, version 2 out of 1, …, each with several statements.
  // Never change one that was released: add another.
  std::vector<std::string_view> migrations;
};

// Brings the tables up to date, in one transaction, under an advisory lock: of several processes
// that begin at once one does it, and the others wait. Does nothing, and needs no rights to create
// anything, when they are. errc::newer_schema when a later version wrote them: nothing is changed.
result<void> migrate(connection& c, const schema_part& part);

// 0: not there yet.
result<std::uint64_t> version_of(connection& c, const schema_part& part);

}  // namespace tidewire::store_postgres
