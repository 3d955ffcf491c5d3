#pragma once

#include <string_view>

namespace tidewire::queue_postgres {

// How tasks go from place to place when they end or come back: what settlements, reaping,
// cancelling and dependencies share. Each function has the schema's search path, whoever calls it.
constexpr std::string_view moves_version_1 = R"(
CREATE FUNCTION now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS
  $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;

-- One for all tasks of a schema: claims share it, pausing takes it alone. So no claim is under way
-- when a pause has returned.
CREATE FUNCTION pause_lock() RETURNS integer LANGUAGE sql STABLE SET search_path FROM CURRENT AS
  $$ SELECT hashtext(current_schema()) $$;

-- Where the rate of a gate lets the next one through (src/queue/gate.hpp), in milliseconds.
CREATE FUNCTION gate_opens_at(g_max_starts bigint, g_period bigint, g_spread_until_us bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN g_max_starts = 0 THEN 0 ELSE greatest(0,
    (g_spread_until_us - (g_period * 1000 - greatest(1, g_period * 1000 / g_max_starts)) + 999)
    / 1000) END $$;

-- What was scheduled or retrying and is due is ready now.
CREATE FUNCTION promote(at bigint) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pending WHERE state IN (2, 3) AND due <= at) THEN RETURN; END IF;
  WITH late AS MATERIALIZED (
    SELECT id FROM pending WHERE state IN (2, 3) AND due <= at ORDER BY due LIMIT 1000
      FOR UPDATE SKIP LOCKED),
  limited AS (
    UPDATE pending p SET state = 1 FROM late WHERE p.id = late.id AND p.marks & 2 <> 0),
  gone AS (
    DELETE FROM pending p USING late WHERE p.id = late.id AND p.marks & 2 = 0 RETURNING p.*)
  INSERT INTO ready (id, fence, attempt, max_attempts, lane, marks, kind, worker, error, progress)
    SELECT id, fence, attempt, max_attempts, lane, marks, kind, worker, error, progress FROM gone;
END $$;

-- Tasks that left `running` give their places in their limits back.
CREATE FUNCTION leave_gates(ids bigint[]) RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM 1 FROM gate WHERE key IN (SELECT t.limit_key FROM task t WHERE t.id = ANY(ids))
    ORDER BY key FOR UPDATE;
  UPDATE gate g SET running = greatest(0, g.running - l.n)
    FROM (SELECT t.limit_key AS key, count(*) AS n FROM task t
          WHERE t.id = ANY(ids) AND t.limit_key IS NOT NULL GROUP BY 1) l
    WHERE g.key = l.key;
END $$;

-- Tasks that depend on some which have ended go on, or end with them.
CREATE FUNCTION end_dependants(ids bigint[]) RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  ended bigint[] := ids;
  after bigint[];
  at bigint := now_ms();
BEGIN
  WHILE cardinality(ended) > 0 LOOP
    PERFORM 1 FROM pending p WHERE p.id IN
        (SELECT d.dependant FROM dependency d WHERE d.needed = ANY(ended))
      ORDER BY p.id FOR UPDATE;
    -- The needed one's failure is the dependant's.
    WITH lost AS (
      SELECT d.dependant, min(d.needed) AS needed FROM dependency d
        JOIN finished f ON f.id = d.needed
        WHERE d.needed = ANY(ended) AND f.state <> 6 GROUP BY 1),
    gone AS (
      DELETE FROM pending p USING lost WHERE p.id = lost.dependant AND p.state = 0
        RETURNING p.*, lost.needed),
    fin AS (
      INSERT INTO finished (id, fence, finished, attempt, state, marks, worker, error, progress)
        SELECT id, fence, at, attempt, 8, marks, worker,
          'a task that it depends on did not succeed: ' || needed, progress FROM gone
        RETURNING id)
    SELECT coalesce(array_agg(id), '{}') INTO after FROM fin;
    -- The others have one thing less to wait for.
    WITH met AS (
      SELECT d.dependant, count(*) AS n FROM dependency d
        JOIN finished f ON f.id = d.needed
        WHERE d.needed = ANY(ended) AND f.state = 6 GROUP BY 1)
    UPDATE pending p SET waits_for = p.waits_for - met.n,
        state = CASE WHEN p.waits_for > met.n THEN 0 ELSE 2 END
      FROM met WHERE p.id = met.dependant AND p.state = 0;
    DELETE FROM dependency d WHERE d.needed = ANY(ended) OR d.dependant = ANY(after);
    IF cardinality(after) > 0 THEN
      DELETE FROM unique_key u USING task t
        WHERE t.id = ANY(after) AND u.key = t.unique_key AND u.id = t.id;
    END IF;
    ended := after;
  END LOOP;
  PERFORM promote(at);
END $$;

-- For tasks with marks that have just come into `finished`.
CREATE FUNCTION after_end(ids bigint[]) RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
  DELETE FROM unique_key u USING task t
    WHERE t.id = ANY(ids) AND u.key = t.unique_key AND u.id = t.id;
  PERFORM end_dependants(ids);
END $$;

-- Where a task is: its state and fence, whatever its limit says.
CREATE FUNCTION place_of(task_id bigint) RETURNS TABLE (state smallint, fence bigint) LANGUAGE sql
SET search_path FROM CURRENT AS $$
  SELECT r.state, r.fence FROM finished r WHERE r.id = task_id UNION ALL
  SELECT 5::smallint, r.fence FROM running r WHERE r.id = task_id UNION ALL
  SELECT r.state, r.fence FROM pending r WHERE r.id = task_id UNION ALL
  SELECT 4::smallint, r.fence FROM task t JOIN ready r
    ON r.lane = t.lane AND r.kind = t.kind AND r.id = t.id WHERE t.id = task_id $$;

-- Why settlements were not applied: what is known of their tasks.
CREATE FUNCTION not_applied(ids bigint[], fences bigint[], applied bigint[])
RETURNS TABLE (id bigint, repeated boolean, state smallint) LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT s.id, coalesce(p.fence = s.fence AND p.state <> 5, false), coalesce(p.state, 10::smallint)
      FROM unnest(ids, fences) s(id, fence) LEFT JOIN LATERAL place_of(s.id) p ON true
      WHERE s.id <> ALL (coalesce(applied, '{}'));
END $$;

-- Settles attempts that succeeded. Rows come for those alone that were not applied.
CREATE FUNCTION settle_done(ids bigint[], fences bigint[], results text[])
RETURNS TABLE (id bigint, repeated boolean, state smallint) LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  applied bigint[];
  marked bigint[];
  limited bigint[];
  at bigint := now_ms();
BEGIN
  WITH gone AS (
    DELETE FROM running r USING unnest(ids, fences, results) s(id, fence, result)
      WHERE r.id = s.id AND r.fence = s.fence
      RETURNING r.id, r.fence, r.attempt, r.marks, r.worker, r.error, r.progress, s.result),
  fin AS (
    INSERT INTO finished (id, fence, finished, attempt, state, marks, worker, error, progress, result)
      SELECT id, fence, at, attempt, 6, marks, worker, error, progress, result FROM gone
      RETURNING id, marks)
  SELECT array_agg(id), array_agg(id) FILTER (WHERE marks & 5 <> 0),
      array_agg(id) FILTER (WHERE marks & 2 <> 0)
    INTO applied, marked, limited FROM fin;
  IF limited IS NOT NULL THEN PERFORM leave_gates(limited); END IF;
  IF marked IS NOT NULL THEN PERFORM after_end(marked); END IF;
  IF coalesce(cardinality(applied), 0) < cardinality(ids) THEN
    RETURN QUERY SELECT * FROM not_applied(ids, fences, applied);
  END IF;
END $$;

-- What a running task becomes is decided by the caller: `moved` are rows of `running` that were
-- deleted, `states` and `afters` what comes of them.
CREATE FUNCTION move_on(moved running[], states smallint[], afters bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  marked bigint[];
  limited bigint[];
  at bigint := now_ms();
BEGIN
  WITH m AS MATERIALIZED (
    SELECT (moved[i]).*, states[i] AS state, afters[i] AS after
      FROM generate_subscripts(moved, 1) i),
  fin AS (
    INSERT INTO finished (id, fence, finished, attempt, state, marks, worker, error, progress)
      SELECT id, fence, at, attempt, state, marks, worker, error, progress FROM m
      WHERE state >= 6),
  rdy AS (
    INSERT INTO ready (id, fence, attempt, max_attempts, lane, marks, kind, worker, error, progress)
      SELECT id, fence, attempt, max_attempts, lane, marks, kind, worker, error, progress FROM m
      WHERE state = 4 AND marks & 2 = 0),
  pen AS (
    INSERT INTO pending (id, due, fence, attempt, max_attempts, lane, marks, state, kind, limit_key,
        worker, error, progress)
      SELECT m.id, at + m.after, m.fence, m.attempt, m.max_attempts, m.lane, m.marks,
          CASE m.state WHEN 4 THEN 1 ELSE m.state END, m.kind, t.limit_key,
          m.worker, m.error, m.progress
        FROM m JOIN task t ON t.id = m.id
        WHERE m.state IN (2, 3) OR (m.state = 4 AND m.marks & 2 <> 0))
  SELECT array_agg(id) FILTER (WHERE state >= 6 AND marks & 5 <> 0),
      array_agg(id) FILTER (WHERE marks & 2 <> 0)
    INTO marked, limited FROM m;
  IF limited IS NOT NULL THEN PERFORM leave_gates(limited); END IF;
  IF marked IS NOT NULL THEN PERFORM after_end(marked); END IF;
END $$;

-- Settles attempts that ended in other ways: hows are outcome::kind. The rules are those of
-- src/queue/task_rules.cpp. A row comes for each.
CREATE FUNCTION settle_other(ids bigint[], fences bigint[], hows bigint[], texts text[],
  afters bigint[], most_starts bigint)
RETURNS TABLE (id bigint, applied boolean, repeated boolean, state smallint) LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  moved running[];
  states smallint[];
  delays bigint[];
BEGIN
  WITH gone AS (
    DELETE FROM running r USING unnest(ids, fences, hows, texts, afters) s(id, fence, how, txt, after)
      WHERE r.id = s.id AND r.fence = s.fence
      RETURNING r.*, s.how, s.txt, s.after),
  v AS (
    SELECT g.*, CASE g.how
        WHEN 3 THEN 8  -- discard
        WHEN 4 THEN 9  -- cancelled
        WHEN 5 THEN 10 -- unknown
        WHEN 1 THEN CASE WHEN g.attempt >= g.max_attempts THEN 7 ELSE 3 END
        WHEN 2 THEN CASE WHEN g.fence >= most_starts THEN 7 ELSE 2 END
        ELSE 4 END AS s FROM gone g)
  SELECT array_agg(ROW(id, fence, lease_until, attempt - (how IN (2, 6))::int, max_attempts, lane, marks,
        cancel_requested, kind, worker, coalesce(txt, error), progress)::running),
      array_agg((CASE WHEN cancel_requested AND s < 6 THEN 9 ELSE s END)::smallint),
      array_agg(after)
    INTO moved, states, delays FROM v;
  IF moved IS NOT NULL THEN PERFORM move_on(moved, states, delays); END IF;
  RETURN QUERY SELECT (moved[i]).id, true, false, states[i] FROM generate_subscripts(moved, 1) i;
  IF coalesce(cardinality(moved), 0) < cardinality(ids) THEN
    RETURN QUERY SELECT n.id, false, n.repeated, n.state
      FROM not_applied(ids, fences, ARRAY(SELECT (m).id FROM unnest(moved) m)) n;
  END IF;
END $$;

-- Gives up attempts whose lease has ended.
CREATE FUNCTION reap(most bigint) RETURNS TABLE (id bigint, fence bigint, state smallint)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  moved running[];
  states smallint[];
BEGIN
  WITH late AS MATERIALIZED (
    SELECT r.id FROM running r WHERE r.lease_until <= now_ms()
      ORDER BY r.lease_until LIMIT most FOR UPDATE SKIP LOCKED),
  gone AS (DELETE FROM running r USING late WHERE r.id = late.id RETURNING r.*)
  SELECT array_agg(ROW(id, fence, lease_until, attempt, max_attempts, lane, marks, cancel_requested,
        kind, worker, 'the worker was silent for too long', progress)::running),
      array_agg((CASE WHEN cancel_requested THEN 9 WHEN attempt >= max_attempts THEN 7
                      ELSE 4 END)::smallint)
    INTO moved, states FROM gone;
  IF moved IS NULL THEN RETURN; END IF;
  PERFORM move_on(moved, states, array_fill(0::bigint, ARRAY[cardinality(moved)]));
  RETURN QUERY SELECT (moved[i]).id, (moved[i]).fence, states[i]
    FROM generate_subscripts(moved, 1) i;
END $$;
)";

}  // namespace tidewire::queue_postgres
