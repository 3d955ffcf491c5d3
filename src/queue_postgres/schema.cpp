#include "schema.hpp"

#include "schema_calls.hpp"
#include "schema_claims.hpp"
#include "schema_moves.hpp"
#include "schema_tables.hpp"

#include <tidewire/queue_postgres/task_store.hpp>

#include <string_view>

namespace tidewire::queue_postgres {
namespace {

const std::string& version_1() {
  static const std::string whole = std::string(tables_version_1) + std::string(moves_version_1) +
                                   std::string(claims_version_1) + std::string(calls_version_1);
  return whole;
}

}  // namespace

std::string channel_of(const std::string& schema) {
  return schema + "_tasks";
}

}  // namespace tidewire::queue_postgres

namespace tidewire::queue {

store_postgres::schema_part postgres_task_schema(std::string schema) {
  store_postgres::schema_part out;
  out.schema = std::move(schema);
  out.name = "tasks";
  out.migrations = {queue_postgres::version_1()};
  return out;
}

}  // namespace tidewire::queue
