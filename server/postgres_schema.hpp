#pragma once

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

}  // namespace tidewire::server
