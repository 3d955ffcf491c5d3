#pragma once

#include <string_view>

namespace tidewire::queue_postgres {

// How attempts begin.
constexpr std::string_view claims_version_1 = R"(
-- Tasks with limits wait in `pending`. Those that may start now come into `ready` for the rest of
-- this transaction, which has their gates' rows; what is not claimed then goes back. A gate that
-- somebody else has is passed over: he lets tasks through himself.
CREATE FUNCTION open_gates(kinds text[], want integer, at bigint) RETURNS bigint[]
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  g gate;
  room bigint;
  step bigint;
  let bigint[];
  opened bigint[] := '{}';
BEGIN
  FOR g IN
    SELECT gate.* FROM gate
      WHERE (max_running = 0 OR running < max_running)
        AND gate_opens_at(max_starts, period, spread_until_us) <= at
        AND EXISTS (SELECT 1 FROM pending p
                    WHERE p.state = 1 AND p.limit_key = gate.key AND p.kind = ANY(kinds))
      ORDER BY spread_until_us LIMIT want FOR UPDATE SKIP LOCKED
  LOOP
    room := want;
    IF g.max_running > 0 THEN room := least(room, g.max_running - g.running); END IF;
    IF g.max_starts > 0 THEN
      step := greatest(1, g.period * 1000 / g.max_starts);
      -- One more each time that the rate is behind by a step.
      room := least(room, (at * 1000 + g.period * 1000 - step
                           - greatest(g.spread_until_us, at * 1000)) / step + 1);
    END IF;
    WITH first AS MATERIALIZED (
      SELECT p.id FROM pending p WHERE p.state = 1 AND p.limit_key = g.key AND p.kind = ANY(kinds)
        ORDER BY p.lane, p.id LIMIT greatest(room, 0) FOR UPDATE SKIP LOCKED),
    gone AS (DELETE FROM pending p USING first WHERE p.id = first.id RETURNING p.*),
    rdy AS (
      INSERT INTO ready (id, fence, attempt, max_attempts, lane, marks, kind, worker, error, progress)
        SELECT id, fence, attempt, max_attempts, lane, marks, kind, worker, error, progress FROM gone
        RETURNING id)
    SELECT array_agg(id) INTO let FROM rdy;
    opened := opened || let;
  END LOOP;
  RETURN opened;
END $$;

-- Those of the opened that were claimed count at their gates; the others wait on.
CREATE FUNCTION close_gates(opened bigint[], at bigint) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  WITH gone AS (
    DELETE FROM ready r USING task t
      WHERE t.id = ANY(opened) AND r.lane = t.lane AND r.kind = t.kind AND r.id = t.id
      RETURNING r.*, t.limit_key)
  INSERT INTO pending (id, due, fence, attempt, max_attempts, lane, marks, state, kind, limit_key,
      worker, error, progress)
    SELECT id, at, fence, attempt, max_attempts, lane, marks, 1, kind, limit_key,
      worker, error, progress FROM gone;
  UPDATE gate g SET running = g.running + c.n,
      spread_until_us = CASE WHEN g.max_starts = 0 THEN g.spread_until_us
        ELSE greatest(g.spread_until_us, at * 1000)
             + c.n * greatest(1, g.period * 1000 / g.max_starts) END
    FROM (SELECT t.limit_key AS key, count(*) AS n FROM running r JOIN task t ON t.id = r.id
          WHERE r.id = ANY(opened) GROUP BY 1) c
    WHERE g.key = c.key;
END $$;

-- How many of the next `count` starts are whose lane's: the wheel of src/queue/lane_wheel.hpp,
-- which passes places of lanes that have nothing.
CREATE FUNCTION lane_shares(turn bigint, count integer, has boolean[]) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  places CONSTANT integer[] := '{1,2,1,1,2,1,3,1,2,1}';
  weights CONSTANT integer[] := '{6,3,1}';
  shares integer[] := '{0,0,0}';
  round integer := 0;
  rest integer;
  place bigint := turn;
  lane integer;
BEGIN
  FOR l IN 1..3 LOOP
    IF has[l] THEN round := round + weights[l]; END IF;
  END LOOP;
  IF round = 0 THEN RETURN shares; END IF;
  FOR l IN 1..3 LOOP
    IF has[l] THEN shares[l] := count / round * weights[l]; END IF;
  END LOOP;
  rest := count % round;
  WHILE rest > 0 LOOP
    lane := places[place % 10 + 1];
    place := place + 1;
    IF has[lane] THEN
      shares[lane] := shares[lane] + 1;
      rest := rest - 1;
    END IF;
  END LOOP;
  RETURN shares;
END $$;

-- Begins at most `want` attempts, lane by lane, each in the order of ids. Nothing while paused.
CREATE FUNCTION claim(kinds text[], want integer, lease bigint, strict boolean, claimer text)
RETURNS TABLE (id bigint, fence bigint, attempt integer, max_attempts integer, lane smallint,
  timeout bigint, retry_delay bigint, lease_until bigint, kind text, payload text, metadata text,
  name text, turn bigint)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  at bigint;
  until bigint;
  my_turn bigint := 0;
  shares integer[];
  has boolean[] := '{f,f,f}';
  share integer;
  opened bigint[] := '{}';
  rest integer := want;
  n integer;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(1416064881, pause_lock());
  IF (SELECT paused FROM control WHERE only_one) THEN RETURN; END IF;
  at := now_ms();
  until := at + lease;
  PERFORM promote(at);
  IF EXISTS (SELECT 1 FROM pending WHERE state = 1) THEN
    opened := open_gates(kinds, want, at);
  END IF;
  FOR l IN 1..3 LOOP
    has[l] := EXISTS (SELECT 1 FROM unnest(kinds) k(kind), LATERAL (
      SELECT 1 FROM ready r WHERE r.lane = l - 1 AND r.kind = k.kind LIMIT 1) x);
  END LOOP;
  -- Turns are given outside of transactions: no claim waits for another.
  IF NOT strict AND (has[1] OR has[2] OR has[3]) THEN
    SELECT min(nextval('lane_turn')) INTO my_turn FROM generate_series(1, want);
  END IF;
  WHILE rest > 0 AND (has[1] OR has[2] OR has[3]) LOOP
    IF strict THEN
      shares := CASE WHEN has[1] THEN ARRAY[rest, 0, 0] WHEN has[2] THEN ARRAY[0, rest, 0]
                     ELSE ARRAY[0, 0, rest] END;
    ELSE
      shares := lane_shares(my_turn + want - rest, rest, has);
    END IF;
    FOR l IN 1..3 LOOP
      share := shares[l];
      CONTINUE WHEN share = 0;
      RETURN QUERY
      WITH first AS MATERIALIZED (
        SELECT r.at FROM unnest(kinds) k(kind) CROSS JOIN LATERAL (
            SELECT q.ctid AS at, q.id FROM ready q
              WHERE q.lane = l - 1 AND q.kind = k.kind
              ORDER BY q.id LIMIT share FOR UPDATE SKIP LOCKED) r
          ORDER BY r.id LIMIT share),
      gone AS (
        DELETE FROM ready q WHERE q.ctid = ANY(ARRAY(SELECT at FROM first)) RETURNING q.*),
      run AS (
        INSERT INTO running (id, fence, lease_until, attempt, max_attempts, lane, marks, kind,
            worker, error)
          SELECT g.id, g.fence + 1, until, g.attempt + 1, g.max_attempts, g.lane, g.marks, g.kind,
            claimer, g.error FROM gone g)
      SELECT g.id, g.fence + 1, g.attempt + 1, g.max_attempts, g.lane, t.timeout, t.retry_delay,
          until, g.kind, t.payload, t.metadata, t.name, my_turn
        FROM gone g JOIN task t ON t.id = g.id;
      GET DIAGNOSTICS n = ROW_COUNT;
      has[l] := n = share;
      rest := rest - n;
    END LOOP;
  END LOOP;
  IF cardinality(opened) > 0 THEN PERFORM close_gates(opened, at); END IF;
END $$;

-- Leases of attempts last for `lease` from now on. A row comes for each that is still its worker's.
CREATE FUNCTION renew(ids bigint[], fences bigint[], lease bigint)
RETURNS TABLE (id bigint, fence bigint, cancel_requested boolean) LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  PERFORM 1 FROM running r JOIN unnest(ids, fences) h(id, fence) ON r.id = h.id AND r.fence = h.fence
    ORDER BY r.id FOR UPDATE OF r;
  RETURN QUERY
    UPDATE running r SET lease_until = greatest(r.lease_until, now_ms() + lease)
      FROM unnest(ids, fences) h(id, fence) WHERE r.id = h.id AND r.fence = h.fence
      RETURNING r.id, r.fence, r.cancel_requested;
END $$;
)";

}  // namespace tidewire::queue_postgres
