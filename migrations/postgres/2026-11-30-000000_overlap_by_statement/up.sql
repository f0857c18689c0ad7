-- Overlaps are looked for once a statement instead of once an interval: to begin two queries for each of five hundred intervals was half of
-- what recording them took. As before, the workers' rows are locked until the transaction ends, so that two nodes that record one worker at
-- the same moment take turns; each query here sees what was committed when it began. Stored intervals do not overlap, so wherever one now
-- does, two that follow each other do, and one of the two is new: its nearest neighbour tells.
DROP TRIGGER attendance_intervals_refuses_overlap ON attendance_intervals;
DROP FUNCTION refuse_overlap();
-- The plan is made while the table is small and kept when it is large, so it has to go by the indexes from the beginning.
CREATE FUNCTION refuse_overlaps() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    PERFORM 1 FROM workers WHERE id IN (SELECT worker_id FROM recorded) ORDER BY id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT 1 FROM recorded CROSS JOIN LATERAL (
            SELECT other.ended_at FROM attendance_intervals AS other
            WHERE other.worker_id = recorded.worker_id AND other.started_at < recorded.ended_at
                AND (other.started_at <> recorded.started_at OR other.revision <> recorded.revision)
                AND NOT EXISTS (SELECT 1 FROM attendance_voids AS void WHERE void.worker_id = other.worker_id AND void.started_at = other.started_at AND void.revision = other.revision)
            ORDER BY other.started_at DESC, other.revision DESC LIMIT 1
        ) AS nearest
        WHERE nearest.ended_at > recorded.started_at
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'attendance_intervals_no_overlap', TABLE = 'attendance_intervals', MESSAGE = 'attendance_intervals_no_overlap';
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER attendance_intervals_refuses_overlap AFTER INSERT ON attendance_intervals REFERENCING NEW TABLE AS recorded FOR EACH STATEMENT EXECUTE FUNCTION refuse_overlaps();
