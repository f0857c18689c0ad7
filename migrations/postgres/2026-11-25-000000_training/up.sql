-- Training: classes, trainees, attendance, and the credits that follow from them.

-- Classes of training providers. `particulars`, `modules` and `instructors` are JSON texts.
CREATE TABLE training_classes (
    id                         TEXT NOT NULL,
    organisation_id            TEXT NOT NULL,
    class_type                 TEXT NOT NULL,
    name                       TEXT NOT NULL,
    project_code               TEXT,
    occupation_edition         TEXT,
    occupation_code            TEXT,
    level                      TEXT,
    first_on                   DATE NOT NULL,
    last_on                    DATE NOT NULL,
    planned_theory_minutes     INTEGER NOT NULL,
    planned_practical_minutes  INTEGER NOT NULL,
    method                     TEXT NOT NULL,
    site                       TEXT,
    modules                    TEXT NOT NULL,
    instructors                TEXT NOT NULL,
    particulars                TEXT NOT NULL,
    registered_at              BIGINT NOT NULL,
    registered_by              TEXT NOT NULL,
    CONSTRAINT training_classes_pkey PRIMARY KEY (id)
);
CREATE INDEX training_classes_by_organisation ON training_classes (organisation_id, id);
CREATE TRIGGER training_classes_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON training_classes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Trainees of a class. `particulars` is a JSON text.
CREATE TABLE class_enrolments (
    class_id     TEXT NOT NULL,
    worker_id    TEXT NOT NULL,
    reason       TEXT,
    particulars  TEXT NOT NULL,
    enrolled_at  BIGINT NOT NULL,
    enrolled_by  TEXT NOT NULL,
    CONSTRAINT class_enrolments_pkey PRIMARY KEY (class_id, worker_id)
);
CREATE INDEX class_enrolments_by_worker ON class_enrolments (worker_id, class_id);
CREATE TRIGGER class_enrolments_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON class_enrolments FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Attendance. One worker is in one place at a time (HR-5): the table itself refuses an interval that overlaps another one of the
-- worker's, in whatever class, unless that one was voided. Stored intervals never overlap, so the last one that begins before the new
-- one ends is the only one that can. `revision` tells intervals apart that begin at one moment because earlier ones were voided.
CREATE TABLE attendance_intervals (
    worker_id   TEXT NOT NULL,
    started_at  BIGINT NOT NULL,
    revision    INTEGER NOT NULL,
    ended_at    BIGINT NOT NULL,
    class_id    TEXT NOT NULL,
    mode        TEXT NOT NULL,
    part        TEXT NOT NULL,
    source      TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    recorded_by TEXT NOT NULL,
    CONSTRAINT attendance_intervals_pkey PRIMARY KEY (worker_id, started_at, revision),
    CONSTRAINT attendance_intervals_forward CHECK (started_at < ended_at)
);
CREATE TRIGGER attendance_intervals_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON attendance_intervals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Intervals that were recorded wrongly; they stay, and count no more.
CREATE TABLE attendance_voids (
    worker_id   TEXT NOT NULL,
    started_at  BIGINT NOT NULL,
    revision    INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    recorded_by TEXT NOT NULL,
    CONSTRAINT attendance_voids_pkey PRIMARY KEY (worker_id, started_at, revision)
);
CREATE TRIGGER attendance_voids_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON attendance_voids FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A class is closed once.
CREATE TABLE class_closings (
    class_id    TEXT NOT NULL,
    rules       INTEGER NOT NULL,
    trainees    INTEGER NOT NULL,
    completed   INTEGER NOT NULL,
    closed_on   DATE NOT NULL,
    recorded_at BIGINT NOT NULL,
    recorded_by TEXT NOT NULL,
    CONSTRAINT class_closings_pkey PRIMARY KEY (class_id)
);
CREATE TRIGGER class_closings_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON class_closings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What each trainee of a closed class reached. `working` is a JSON text that shows the arithmetic.
CREATE TABLE class_results (
    class_id         TEXT NOT NULL,
    worker_id        TEXT NOT NULL,
    assessment       TEXT NOT NULL,
    credited_minutes INTEGER NOT NULL,
    credited_hours   INTEGER NOT NULL,
    completed        BOOLEAN NOT NULL,
    working          TEXT NOT NULL,
    recorded_at      BIGINT NOT NULL,
    CONSTRAINT class_results_pkey PRIMARY KEY (class_id, worker_id)
);
CREATE INDEX class_results_by_worker ON class_results (worker_id, class_id);
CREATE TRIGGER class_results_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON class_results FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Classes that were declared false (CR-6).
CREATE TABLE class_annulments (
    class_id          TEXT NOT NULL,
    reason            TEXT NOT NULL,
    decision_document TEXT NOT NULL,
    recorded_at       BIGINT NOT NULL,
    recorded_by       TEXT NOT NULL,
    CONSTRAINT class_annulments_pkey PRIMARY KEY (class_id)
);
CREATE TRIGGER class_annulments_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON class_annulments FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The credit ledger: what was awarded, reversed, converted, in tenths of a credit. The sequence orders a worker's entries, each with
-- the balance behind it; the achievement key lets one achievement be posted once (CR-2). `facts` is a JSON text.
CREATE TABLE credit_entries (
    id              TEXT NOT NULL,
    worker_id       TEXT NOT NULL,
    sequence        INTEGER NOT NULL,
    kind            TEXT NOT NULL,
    source          TEXT NOT NULL,
    achievement_key TEXT NOT NULL,
    tenths          INTEGER NOT NULL,
    balance_tenths  INTEGER NOT NULL,
    reverses        TEXT,
    rule            TEXT NOT NULL,
    rule_version    INTEGER NOT NULL,
    facts           TEXT NOT NULL,
    earned_on       DATE NOT NULL,
    organisation_id TEXT,
    posted_at       BIGINT NOT NULL,
    posted_by       TEXT NOT NULL,
    CONSTRAINT credit_entries_pkey PRIMARY KEY (id),
    CONSTRAINT credit_entries_sequence_unique UNIQUE (worker_id, sequence),
    CONSTRAINT credit_entries_achievement_unique UNIQUE (achievement_key)
);
CREATE TRIGGER credit_entries_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Signs of fraud (SV-9). They open a case; they change nothing by themselves.
CREATE TABLE signals (
    id              TEXT NOT NULL,
    signal_key      TEXT NOT NULL,
    kind            TEXT NOT NULL,
    rule            TEXT NOT NULL,
    organisation_id TEXT NOT NULL,
    worker_id       TEXT,
    facts           TEXT NOT NULL,
    raised_at       BIGINT NOT NULL,
    CONSTRAINT signals_pkey PRIMARY KEY (id),
    CONSTRAINT signals_key_unique UNIQUE (signal_key)
);
CREATE TRIGGER signals_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON signals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A record finds the sessions of its worker.
CREATE INDEX session_candidates_by_worker ON session_candidates (worker_id, session_id);
CREATE INDEX session_scores_by_worker ON session_scores (worker_id, session_id);

-- Who looked at a worker's record or credits (PR-5, PR-7).
CREATE TABLE record_lookups (
    id              TEXT NOT NULL,
    worker_id       TEXT NOT NULL,
    organisation_id TEXT,
    client_id       TEXT NOT NULL,
    part            TEXT NOT NULL,
    looked_at       BIGINT NOT NULL,
    CONSTRAINT record_lookups_pkey PRIMARY KEY (id)
);
CREATE INDEX record_lookups_by_worker ON record_lookups (worker_id, id);
CREATE TRIGGER record_lookups_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON record_lookups FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The worker's row is locked until the transaction ends, so that two nodes that record one worker at the same moment take turns.
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
