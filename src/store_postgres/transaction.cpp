#include <tidewire/store_postgres/connection.hpp>

namespace tidewire::store_postgres {

result<transaction> transaction::begin(connection& c, isolation level) {
  const char* sql = "BEGIN";
  if (level == isolation::repeatable_read) sql = "BEGIN ISOLATION LEVEL REPEATABLE READ";
  if (level == isolation::serializable) sql = "BEGIN ISOLATION LEVEL SERIALIZABLE";
  auto begun = c.execute(sql);
  if (!begun) return begun.error();
  return transaction(c);
}

transaction::~transaction() {
  if (connection_ && connection_->usable()) (void)connection_->execute("ROLLBACK");
}

result<void> transaction::commit() {
  // COMMIT of a transaction that has failed is a ROLLBACK, and no error to the server.
  auto done = connection_->query("COMMIT");
  if (!done) return done.error();
  connection_ = nullptr;
  return {};
}

}  // namespace tidewire::store_postgres
