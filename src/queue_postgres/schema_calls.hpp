#pragma once

#include <string_view>

namespace tidewire::queue_postgres {

// What people and programs ask for: new tasks, and changes of one.
constexpr std::string_view calls_version_1 = R"(
-- Tasks without names, keys, ticks, dependencies and limits: many at once. Their ids, in order.
CREATE FUNCTION add_plain(kinds text[], lanes bigint[], payloads text[], metadatas text[],
  batches text[], delays bigint[], attempts bigint[], timeouts bigint[], retry_delays bigint[])
RETURNS TABLE (id bigint) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE at bigint := now_ms();
BEGIN
  RETURN QUERY
  WITH n AS MATERIALIZED (
    SELECT nextval('task_id_seq') AS id, u.* FROM unnest(kinds, lanes, payloads, metadatas, batches,
        delays, attempts, timeouts, retry_delays)
      u(kind, lane, payload, metadata, batch, delay, attempts, timeout, retry_delay)),
  t AS (
    INSERT INTO task (id, lane, max_attempts, timeout, retry_delay, created, kind, payload, metadata,
        batch)
      SELECT id, lane, attempts, timeout, retry_delay, at, kind, payload, metadata, batch FROM n),
  r AS (
    INSERT INTO ready (id, fence, attempt, max_attempts, lane, marks, kind)
      SELECT id, 0, 0, attempts, lane, 0, kind FROM n WHERE delay = 0),
  p AS (
    INSERT INTO pending (id, due, fence, attempt, max_attempts, lane, marks, state, kind)
      SELECT id, at + delay, 0, 0, attempts, lane, 0, 2, kind FROM n WHERE delay > 0)
  SELECT n.id FROM n ORDER BY n.id;
END $$;

-- Makes a live task the other's dependence; false: it is done already. Raises TW001 when it is not
-- there, TW002 when it has failed.
CREATE FUNCTION depend_on(needed_id bigint) RETURNS boolean LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE how smallint;
BEGIN
  -- It may go from one place to the next while we look.
  FOR look IN 1..100 LOOP
    UPDATE ready r SET marks = r.marks | 4 FROM task t
      WHERE t.id = needed_id AND r.lane = t.lane AND r.kind = t.kind AND r.id = t.id;
    IF FOUND THEN RETURN true; END IF;
    UPDATE pending SET marks = marks | 4 WHERE id = needed_id;
    IF FOUND THEN RETURN true; END IF;
    UPDATE running SET marks = marks | 4 WHERE id = needed_id;
    IF FOUND THEN RETURN true; END IF;
    SELECT f.state INTO how FROM finished f WHERE f.id = needed_id;
    IF FOUND THEN
      IF how <> 6 THEN RAISE EXCEPTION 'dependency failed' USING ERRCODE = 'TW002'; END IF;
      RETURN false;
    END IF;
    PERFORM 1 FROM task WHERE id = needed_id;
    IF NOT FOUND THEN RAISE EXCEPTION 'no such dependency' USING ERRCODE = 'TW001'; END IF;
  END LOOP;
  RAISE EXCEPTION 'the task % is nowhere', needed_id;
END $$;

-- A task with everything. `fault` 1: an unknown dependency, 2: one that failed.
CREATE FUNCTION add_task(a_kind text, a_lane integer, a_payload text, a_metadata text, a_batch text,
  a_delay bigint, a_attempts integer, a_timeout bigint, a_retry_delay bigint, a_name text,
  a_key text, a_schedule text, a_tick bigint, needs bigint[], needs_names text[],
  a_limit text, a_max_running bigint, a_max_starts bigint, a_period bigint)
RETURNS TABLE (id bigint, duplicate boolean, fault integer) LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  at bigint := now_ms();
  new_id bigint;
  there bigint;
  needed bigint[];
  live bigint[];
  my_marks smallint;
BEGIN
  LOOP
    SELECT t.id INTO there FROM task t WHERE t.name = a_name;
    IF FOUND THEN RETURN QUERY SELECT there, true, 0; RETURN; END IF;
    SELECT u.id INTO there FROM unique_key u WHERE u.key = a_key;
    IF FOUND THEN RETURN QUERY SELECT there, true, 0; RETURN; END IF;
    PERFORM 1 FROM schedule s WHERE s.name = a_schedule AND s.tick >= a_tick;
    IF FOUND THEN RETURN QUERY SELECT 0::bigint, true, 0; RETURN; END IF;
    -- Whoever took the name, key or tick meanwhile makes us begin anew, with nothing written.
    BEGIN
      SELECT array_agg(n ORDER BY n) INTO needed FROM (
        SELECT unnest(needs) AS n UNION
        SELECT coalesce(t.id, 0) FROM unnest(needs_names) w(name) LEFT JOIN task t ON t.name = w.name) x;
      live := ARRAY(SELECT n FROM unnest(needed) n WHERE depend_on(n));
      new_id := nextval('task_id_seq');
      my_marks := (a_key IS NOT NULL)::int + 2 * (a_limit IS NOT NULL)::int;
      IF a_key IS NOT NULL THEN INSERT INTO unique_key VALUES (a_key, new_id); END IF;
      IF a_schedule IS NOT NULL THEN
        INSERT INTO schedule AS s VALUES (a_schedule, a_tick)
          ON CONFLICT (name) DO UPDATE SET tick = excluded.tick WHERE s.tick < excluded.tick;
        IF NOT FOUND THEN RAISE unique_violation; END IF;
      END IF;
      IF a_limit IS NOT NULL THEN
        -- Not a lock more than needed: it would be held until the commit.
        PERFORM 1 FROM gate g WHERE g.key = a_limit AND g.max_running = a_max_running
          AND g.max_starts = a_max_starts AND g.period = a_period;
        IF NOT FOUND THEN
          INSERT INTO gate (key, max_running, max_starts, period)
            VALUES (a_limit, a_max_running, a_max_starts, a_period)
            ON CONFLICT (key) DO UPDATE SET max_running = excluded.max_running,
              max_starts = excluded.max_starts, period = excluded.period;
        END IF;
      END IF;
      INSERT INTO task VALUES (new_id, a_lane, a_attempts, a_timeout, a_retry_delay, at, a_kind,
        a_payload, a_metadata, a_name, a_key, a_batch, a_limit);
      IF cardinality(live) = 0 AND a_delay = 0 AND a_limit IS NULL THEN
        INSERT INTO ready (id, fence, attempt, max_attempts, lane, marks, kind)
          VALUES (new_id, 0, 0, a_attempts, a_lane, my_marks, a_kind);
      ELSE
        INSERT INTO pending (id, due, fence, attempt, max_attempts, waits_for, lane, marks, state, kind,
            limit_key)
          VALUES (new_id, at + a_delay, 0, 0, a_attempts, cardinality(live), a_lane, my_marks,
            CASE WHEN cardinality(live) > 0 THEN 0 WHEN a_delay > 0 THEN 2 ELSE 1 END, a_kind,
            a_limit);
        INSERT INTO dependency SELECT n, new_id FROM unnest(live) n;
      END IF;
      RETURN QUERY SELECT new_id, false, 0;
      RETURN;
    EXCEPTION
      WHEN unique_violation THEN NULL;
      WHEN SQLSTATE 'TW001' THEN RETURN QUERY SELECT 0::bigint, false, 1; RETURN;
      WHEN SQLSTATE 'TW002' THEN RETURN QUERY SELECT 0::bigint, false, 2; RETURN;
    END;
  END LOOP;
END $$;

-- 0 cancelled, 1 requested, 2 already final, 3 not found.
CREATE FUNCTION cancel_task(task_id bigint) RETURNS integer LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  FOR look IN 1..100 LOOP
    WITH gone AS (
      DELETE FROM ready r USING task t
        WHERE t.id = task_id AND r.lane = t.lane AND r.kind = t.kind AND r.id = t.id RETURNING r.*)
    INSERT INTO finished (id, fence, finished, attempt, state, marks, worker, error, progress)
      SELECT id, fence, now_ms(), attempt, 9, marks, worker, error, progress FROM gone;
    IF NOT FOUND THEN
      WITH gone AS (DELETE FROM pending p WHERE p.id = task_id RETURNING p.*)
      INSERT INTO finished (id, fence, finished, attempt, state, marks, worker, error, progress)
        SELECT id, fence, now_ms(), attempt, 9, marks, worker, error, progress FROM gone;
    END IF;
    IF FOUND THEN
      DELETE FROM dependency WHERE dependant = task_id;
      PERFORM after_end(ARRAY[task_id]);
      RETURN 0;
    END IF;
    UPDATE running SET cancel_requested = true WHERE id = task_id;
    IF FOUND THEN RETURN 1; END IF;
    PERFORM 1 FROM finished WHERE id = task_id;
    IF FOUND THEN RETURN 2; END IF;
    PERFORM 1 FROM task WHERE id = task_id;
    IF NOT FOUND THEN RETURN 3; END IF;
  END LOOP;
  RAISE EXCEPTION 'the task % is nowhere', task_id;
END $$;

CREATE FUNCTION set_paused(yes boolean) RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1416064881, pause_lock());
  UPDATE control SET paused = yes;
END $$;

-- Final tasks begin anew. How many of them were final.
CREATE FUNCTION replay_tasks(ids bigint[]) RETURNS bigint LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  n bigint;
  at bigint := now_ms();
BEGIN
  WITH gone AS (
    DELETE FROM finished f USING task t WHERE f.id = ANY(ids) AND t.id = f.id
      RETURNING f.id, f.fence, f.marks, f.worker, t.lane, t.kind, t.max_attempts, t.limit_key,
        t.unique_key),
  rdy AS (
    INSERT INTO ready (id, fence, attempt, max_attempts, lane, marks, kind, worker)
      SELECT id, fence, 0, max_attempts, lane, marks & ~4, kind, worker FROM gone
      WHERE limit_key IS NULL),
  pen AS (
    INSERT INTO pending (id, due, fence, attempt, max_attempts, lane, marks, state, kind, limit_key,
        worker)
      SELECT id, at, fence, 0, max_attempts, lane, marks & ~4, 1, kind, limit_key, worker FROM gone
      WHERE limit_key IS NOT NULL),
  keys AS (
    INSERT INTO unique_key SELECT unique_key, id FROM gone WHERE unique_key IS NOT NULL
      ON CONFLICT DO NOTHING)
  SELECT count(*) INTO n FROM gone;
  RETURN n;
END $$;

-- Whether a scheduled or retrying task is ready now; null: there is no such task.
CREATE FUNCTION hasten(task_id bigint) RETURNS boolean LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE at bigint := now_ms();
BEGIN
  PERFORM 1 FROM task WHERE id = task_id;
  IF NOT FOUND THEN RETURN NULL; END IF;
  WITH gone AS (
    DELETE FROM pending p WHERE p.id = task_id AND p.state IN (2, 3) AND p.marks & 2 = 0
      RETURNING p.*)
  INSERT INTO ready (id, fence, attempt, max_attempts, lane, marks, kind, worker, error, progress)
    SELECT id, fence, attempt, max_attempts, lane, marks, kind, worker, error, progress FROM gone;
  IF FOUND THEN RETURN true; END IF;
  UPDATE pending SET state = 1, due = at
    WHERE id = task_id AND state IN (2, 3) AND marks & 2 <> 0;
  RETURN FOUND;
END $$;

-- Drops what is beyond: at most 10,000 a call.
CREATE FUNCTION prune(finished_age bigint, dead_age bigint, most bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  at bigint := now_ms();
  beyond bigint;
  n bigint;
BEGIN
  SELECT greatest(0, count(*) - most) INTO beyond
    FROM (SELECT 1 FROM finished LIMIT most + 10000) x;
  WITH old AS MATERIALIZED (
    (SELECT id FROM finished ORDER BY finished, id LIMIT beyond)
    UNION
    (SELECT id FROM finished WHERE finished < at - finished_age AND state IN (6, 9)
      ORDER BY finished LIMIT 10000 - beyond)
    UNION
    (SELECT id FROM finished WHERE finished < at - dead_age AND state IN (7, 8, 10)
      ORDER BY finished LIMIT 10000 - beyond)),
  gone AS (DELETE FROM finished f USING old WHERE f.id = old.id RETURNING f.id),
  dropped AS (DELETE FROM task t USING gone WHERE t.id = gone.id RETURNING t.id)
  SELECT count(*) INTO n FROM dropped;
  IF n > 0 THEN
    DELETE FROM gate g WHERE g.key IN (
      SELECT key FROM gate WHERE running = 0 AND spread_until_us <= at * 1000
        AND NOT EXISTS (SELECT 1 FROM pending p WHERE p.limit_key = gate.key)
        LIMIT 1000 FOR UPDATE SKIP LOCKED);
  END IF;
  RETURN n;
END $$;

CREATE FUNCTION next_due(kinds text[])
RETURNS TABLE (idle boolean, paused boolean, ready_after bigint, lease_ends bigint)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  at bigint := now_ms();
  due_at bigint;
  gate_at bigint;
BEGIN
  PERFORM promote(at);
  IF EXISTS (SELECT 1 FROM unnest(kinds) k(kind), generate_series(0, 2) l(lane),
      LATERAL (SELECT 1 FROM ready r WHERE r.lane = l.lane AND r.kind = k.kind LIMIT 1) x) THEN
    due_at := at;
  ELSE
    SELECT min(p.due) INTO due_at FROM pending p WHERE p.state IN (2, 3);
    IF EXISTS (SELECT 1 FROM pending p WHERE p.state = 1) THEN
      SELECT min(gate_opens_at(g.max_starts, g.period, g.spread_until_us)) INTO gate_at FROM gate g
        WHERE (g.max_running = 0 OR g.running < g.max_running)
          AND EXISTS (SELECT 1 FROM pending p
                      WHERE p.state = 1 AND p.limit_key = g.key AND p.kind = ANY(kinds));
      due_at := least(due_at, gate_at);
    END IF;
  END IF;
  RETURN QUERY SELECT
    NOT EXISTS (SELECT 1 FROM ready) AND NOT EXISTS (SELECT 1 FROM pending)
      AND NOT EXISTS (SELECT 1 FROM running),
    (SELECT c.paused FROM control c),
    -- greatest() passes over nulls.
    CASE WHEN due_at IS NOT NULL THEN greatest(0, due_at - at) END,
    (SELECT CASE WHEN min(r.lease_until) IS NOT NULL THEN greatest(0, min(r.lease_until) - at) END
       FROM running r);
END $$;

-- Every task with its place, for people too.
CREATE FUNCTION shown_state(state smallint, limit_key text, at bigint) RETURNS smallint
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
  SELECT CASE WHEN state = 1 AND EXISTS (SELECT 1 FROM gate g WHERE g.key = limit_key
      AND (g.max_running = 0 OR g.running < g.max_running)
      AND gate_opens_at(g.max_starts, g.period, g.spread_until_us) <= at)
    THEN 4::smallint ELSE state END $$;
CREATE VIEW place AS
  SELECT t.id, 4::smallint AS state, r.attempt, r.fence, false AS cancel_requested, r.worker,
    r.progress, NULL::text AS result, r.error, t.created AS due, NULL::bigint AS lease_until,
    NULL::bigint AS finished
    FROM task t JOIN ready r ON r.lane = t.lane AND r.kind = t.kind AND r.id = t.id
  UNION ALL SELECT id, shown_state(state, limit_key, now_ms()), attempt, fence, false, worker,
    progress, NULL, error, due, NULL, NULL FROM pending
  UNION ALL SELECT id, 5, attempt, fence, cancel_requested, worker, progress, NULL, error, NULL,
    lease_until, NULL FROM running
  UNION ALL SELECT id, state, attempt, fence, false, worker, progress, result, error, NULL, NULL,
    finished FROM finished;
)";

}  // namespace tidewire::queue_postgres
