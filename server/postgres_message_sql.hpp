#pragma once

#include <tidewire/store_postgres/statement.hpp>

#include <string_view>

namespace tidewire::server {

// docs/formats/message-store-postgres.md. Never change one that was released: add another.
constexpr std::string_view postgres_messages_version_1 = R"(
CREATE TABLE message_seed (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  seed bigint NOT NULL);
CREATE TABLE message_log (
  channel bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  epoch text NOT NULL,
  oldest bigint NOT NULL,
  head bigint NOT NULL) WITH (fillfactor = 50);
CREATE TABLE message (
  channel bigint NOT NULL,
  off bigint NOT NULL,
  time bigint NOT NULL,
  id text NOT NULL,
  author text NOT NULL,
  data text NOT NULL,
  PRIMARY KEY (channel, off));
CREATE TABLE message_id (
  channel bigint NOT NULL,
  id text COLLATE "C" NOT NULL,
  off bigint NOT NULL,
  time bigint NOT NULL,
  fingerprint bigint NOT NULL,
  PRIMARY KEY (channel, id));
CREATE INDEX message_id_time ON message_id (time);
)";

// What the store asks. Each is prepared by a connection at its first use.
struct postgres_message_sql {
  store_postgres::statement states_of{
      "SELECT name, epoch, oldest, head FROM message_log WHERE name = ANY($1::text[])"};
  // In one statement, and so of one moment. The sum bounds what travels; one comes in any case.
  store_postgres::statement page_of{
      "SELECT l.epoch, l.oldest, l.head, m.off, m.time, m.id, m.author, m.data FROM message_log l"
      " LEFT JOIN LATERAL (SELECT *, sum(octet_length(data)) OVER (ORDER BY off) AS total FROM"
      "  (SELECT * FROM message WHERE channel = l.channel AND off > $2 ORDER BY off LIMIT $3) p) m"
      " ON m.total <= $4 OR m.total = octet_length(m.data) WHERE l.name = $1 ORDER BY m.off"};
  store_postgres::statement offset_of{
      "SELECT i.off FROM message_log l JOIN message_id i USING (channel)"
      " WHERE l.name = $1 AND i.id = $2"};

  // All writers take the locks of their channels in the order of the names, so that none waits for
  // one that waits for it.
  store_postgres::statement lock_logs{
      "SELECT name, channel, epoch, oldest, head FROM message_log WHERE name = ANY($1::text[])"
      " ORDER BY name FOR UPDATE"};
  store_postgres::statement known_ids{
      "SELECT i.channel, i.id, i.off, i.fingerprint FROM unnest($1::text[], $2::text[]) w(name, id)"
      " JOIN message_log l USING (name) JOIN message_id i ON i.channel = l.channel AND i.id = "
      "w.id"};
  store_postgres::statement make_logs{
      "INSERT INTO message_log (name, epoch, oldest, head) SELECT w.name, w.epoch, 1, 0"
      " FROM unnest($1::text[], $2::text[]) WITH ORDINALITY w(name, epoch, n)"
      " WHERE NOT EXISTS (SELECT 1 FROM message_log l WHERE l.name = w.name) ORDER BY n"
      " LIMIT greatest($3 - (SELECT count(*) FROM message_log), 0) ON CONFLICT DO NOTHING"};
  store_postgres::statement add_messages{
      "INSERT INTO message (channel, off, time, id, author, data) SELECT channel, off, $3, id, "
      "author,"
      " data FROM unnest($1::bigint[], $2::bigint[], $4::text[], $5::text[], $6::text[])"
      " w(channel, off, id, author, data)"};
  store_postgres::statement add_ids{
      "INSERT INTO message_id (channel, id, off, time, fingerprint) SELECT channel, id, off, $3,"
      " fingerprint FROM unnest($1::bigint[], $2::bigint[], $4::text[], $5::bigint[])"
      " w(channel, off, id, fingerprint)"};
  store_postgres::statement move_logs{
      "UPDATE message_log l SET oldest = w.oldest, head = w.head"
      " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) w(channel, oldest, head)"
      " WHERE l.channel = w.channel"};
  store_postgres::statement drop_messages{
      "DELETE FROM message m USING unnest($1::bigint[], $2::bigint[]) w(channel, oldest)"
      " WHERE m.channel = w.channel AND m.off < w.oldest"};
  store_postgres::statement notify{"SELECT pg_notify($1, said) FROM unnest($2::text[]) said"};

  store_postgres::statement old_logs{
      "SELECT l.channel, l.epoch, l.oldest, coalesce((SELECT m.off FROM message m"
      " WHERE m.channel = l.channel AND m.off >= l.oldest AND m.time >= $3 ORDER BY m.off LIMIT 1),"
      " l.head + 1) FROM message_log l WHERE l.channel > $1 ORDER BY l.channel LIMIT $2"};
  // Logs that somebody writes to now are trimmed another time: nobody waits for a lock here.
  store_postgres::statement trim_logs{
      "WITH free AS (SELECT l.channel, w.young FROM message_log l"
      "  JOIN unnest($1::bigint[], $2::text[], $3::bigint[]) w(channel, epoch, young)"
      "  ON l.channel = w.channel AND l.epoch = w.epoch WHERE l.oldest < w.young"
      "  FOR UPDATE OF l SKIP LOCKED),"
      " moved AS (UPDATE message_log l SET oldest = free.young FROM free"
      "  WHERE l.channel = free.channel RETURNING l.channel, l.oldest)"
      " DELETE FROM message m USING moved WHERE m.channel = moved.channel AND m.off < "
      "moved.oldest"};
  store_postgres::statement drop_ids{
      "DELETE FROM message_id WHERE (channel, id) IN (SELECT i.channel, i.id FROM message_id i"
      " JOIN message_log l USING (channel) WHERE i.time < $1 AND i.off < l.oldest LIMIT $2"
      " FOR UPDATE OF i SKIP LOCKED)"};

  store_postgres::statement renew_log{
      "UPDATE message_log SET epoch = $2, oldest = 1, head = 0 WHERE name = $1 RETURNING channel"};
  store_postgres::statement drop_all{
      "DELETE FROM message m USING message_log l WHERE l.name = $1 AND m.channel = l.channel"};
  store_postgres::statement drop_all_ids{
      "DELETE FROM message_id i USING message_log l WHERE l.name = $1 AND i.channel = l.channel"};
};

}  // namespace tidewire::server
