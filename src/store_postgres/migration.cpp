#include <tidewire/store_postgres/migration.hpp>

namespace tidewire::store_postgres {
namespace {

// Whoever brings a schema up to date holds this lock until the end of his transaction. The number
// says whose it is ("Twmg"); the second key tells schemas apart.
constexpr std::int64_t lock_class = 0x54776d67;

result<void> make_table(connection& c, const schema_part& part) {
  return c.execute("CREATE SCHEMA IF NOT EXISTS " + part.schema +
                   ";"
                   "CREATE TABLE IF NOT EXISTS " +
                   part.schema +
                   ".schema_version ("
                   " part text PRIMARY KEY, version bigint NOT NULL)");
}

bool plain(const std::string& name) {
  return !name.empty() && name.size() <= 63 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == name.npos;
}

result<void> set_version(connection& c, const schema_part& part) {
  parameters values;
  values.add(part.name).add(static_cast<std::uint64_t>(part.migrations.size()));
  auto done = c.query("INSERT INTO " + part.schema +
                          ".schema_version (part, version) VALUES ($1, $2)"
                          " ON CONFLICT (part) DO UPDATE SET version = excluded.version",
                      values);
  if (!done) return done.error();
  return {};
}

}  // namespace

result<std::uint64_t> version_of(connection& c, const schema_part& part) {
  if (!plain(part.schema) || !plain(part.name)) return make_error_code(errc::misuse);
  // Not to_regclass(): within a transaction it may answer from what the session saw before.
  parameters name;
  name.add(part.schema);
  auto there = c.query(
      "SELECT EXISTS (SELECT 1 FROM pg_class r JOIN pg_namespace s ON s.oid = r.relnamespace"
      " WHERE s.nspname = $1 AND r.relname = 'schema_version')",
      name);
  if (!there) return there.error();
  if (!there->boolean(0, 0)) return std::uint64_t(0);
  parameters values;
  values.add(part.name);
  auto row =
      c.query("SELECT version FROM " + part.schema + ".schema_version WHERE part = $1", values);
  if (!row) return row.error();
  return row->empty() ? std::uint64_t(0) : row->unsigned_integer(0, 0);
}

result<void> migrate(connection& c, const schema_part& part) {
  auto version = version_of(c, part);
  if (!version) return version.error();
  auto newest = part.migrations.size();
  if (*version > newest) return make_error_code(errc::newer_schema);
  if (*version == newest) return {};
  auto all = transaction::begin(c);
  if (!all) return all.error();
  parameters keys;
  keys.add(lock_class).add(part.schema);
  auto locked = c.query("SELECT pg_advisory_xact_lock($1::int, hashtext($2))", keys);
  if (!locked) return locked.error();
  auto done = make_table(c, part);
  if (!done) return done;
  // Somebody else may have done it while we waited.
  version = version_of(c, part);
  if (!version) return version.error();
  if (*version > newest) return make_error_code(errc::newer_schema);
  for (auto v = *version; done && v < newest; ++v)
    done = c.execute(std::string(part.migrations[static_cast<std::size_t>(v)]));
  if (done) done = set_version(c, part);
  if (!done) return done;
  return all->commit();
}

}  // namespace tidewire::store_postgres
