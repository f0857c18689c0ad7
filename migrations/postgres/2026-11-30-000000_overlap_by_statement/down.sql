DROP TRIGGER attendance_intervals_refuses_overlap ON attendance_intervals;
DROP FUNCTION refuse_overlaps();
CREATE FUNCTION refuse_overlap() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    earlier_end BIGINT;
BEGIN
    PERFORM 1 FROM workers WHERE id = NEW.worker_id FOR NO KEY UPDATE;
    SELECT earlier.ended_at INTO earlier_end FROM attendance_intervals AS earlier
    WHERE earlier.worker_id = NEW.worker_id AND earlier.started_at < NEW.ended_at
        AND NOT EXISTS (SELECT 1 FROM attendance_voids AS void WHERE void.worker_id = earlier.worker_id AND void.started_at = earlier.started_at AND void.revision = earlier.revision)
    ORDER BY earlier.started_at DESC, earlier.revision DESC LIMIT 1;
    IF earlier_end > NEW.started_at THEN
        RAISE EXCEPTION USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'attendance_intervals_no_overlap', TABLE = 'attendance_intervals', MESSAGE = 'attendance_intervals_no_overlap';
    END IF;
    RETURN NEW;
END;
$$;
CREATE TRIGGER attendance_intervals_refuses_overlap BEFORE INSERT ON attendance_intervals FOR EACH ROW EXECUTE FUNCTION refuse_overlap();
