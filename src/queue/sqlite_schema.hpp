#pragma once

#include <cstdint>
#include <string_view>

namespace tidewire::queue {

constexpr std::uint32_t sqlite_application_id = 0x54777471;  // "Twtq"
constexpr std::int64_t sqlite_schema_version = 1;

// `state` is task_state; `at` is when the task may run, when its lease ends or when it ended, by
// its state. The partial indexes hold a task only while it is in their state, so that a finished
// one costs a row and one entry.
constexpr std::string_view sqlite_version_1 = R"(
CREATE TABLE queue_state (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  version INTEGER NOT NULL,
  next_id INTEGER NOT NULL,
  wheel INTEGER NOT NULL,
  paused INTEGER NOT NULL,
  boot TEXT NOT NULL,
  clock_offset INTEGER NOT NULL,
  last_time INTEGER NOT NULL) STRICT;
INSERT INTO queue_state VALUES (1, 1, 1, 0, 0, '', 0, 0);
CREATE TABLE queue_task (
  id INTEGER PRIMARY KEY,
  state INTEGER NOT NULL,
  lane INTEGER NOT NULL,
  at INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  timeout INTEGER NOT NULL,
  retry_delay INTEGER NOT NULL,
  created INTEGER NOT NULL,
  cancel_requested INTEGER NOT NULL,
  waits_for INTEGER NOT NULL,
  kind TEXT NOT NULL,
  payload TEXT,
  metadata TEXT,
  name TEXT,
  unique_key TEXT,
  batch TEXT,
  limit_key TEXT,
  worker TEXT,
  progress TEXT,
  result TEXT,
  error TEXT) STRICT;
CREATE INDEX queue_task_by_state ON queue_task (state, at);
CREATE INDEX queue_task_ready ON queue_task (lane, kind, id) WHERE state = 4;
CREATE INDEX queue_task_held ON queue_task (limit_key, lane, id) WHERE state = 1;
CREATE INDEX queue_task_batch ON queue_task (batch) WHERE batch IS NOT NULL;
CREATE UNIQUE INDEX queue_task_name ON queue_task (name) WHERE name IS NOT NULL;
CREATE UNIQUE INDEX queue_task_unique ON queue_task (unique_key)
  WHERE unique_key IS NOT NULL AND state < 6;
CREATE TABLE queue_dependency (
  needs INTEGER NOT NULL,
  task INTEGER NOT NULL,
  PRIMARY KEY (needs, task)) STRICT, WITHOUT ROWID;
CREATE TABLE queue_gate (
  key TEXT PRIMARY KEY,
  max_running INTEGER NOT NULL,
  max_starts INTEGER NOT NULL,
  period INTEGER NOT NULL,
  running INTEGER NOT NULL,
  held INTEGER NOT NULL,
  spread_until_us INTEGER NOT NULL,
  opens_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX queue_gate_held ON queue_gate (opens_at) WHERE held > 0;
CREATE TABLE queue_tick (schedule TEXT PRIMARY KEY, tick INTEGER NOT NULL) STRICT, WITHOUT ROWID;
)";

}  // namespace tidewire::queue
