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
CREATE TRIGGER training_classes_refuses_update BEFORE UPDATE ON training_classes BEGIN SELECT RAISE(ABORT, 'table training_classes is append-only'); END;
CREATE TRIGGER training_classes_refuses_delete BEFORE DELETE ON training_classes BEGIN SELECT RAISE(ABORT, 'table training_classes is append-only'); END;

-- Trainees of a class. `particulars` is a JSON text.
CREATE TABLE class_enrolments (
    class_id     TEXT NOT NULL,
    worker_id    TEXT NOT NULL,
    reason       TEXT,
    particulars  TEXT NOT NULL,
    enrolled_at  BIGINT NOT NULL,
    enrolled_by  TEXT NOT NULL,
    CONSTRAINT class_enrolments_pkey PRIMARY KEY (class_id, worker_id)
) WITHOUT ROWID;
CREATE INDEX class_enrolments_by_worker ON class_enrolments (worker_id, class_id);
CREATE TRIGGER class_enrolments_refuses_update BEFORE UPDATE ON class_enrolments BEGIN SELECT RAISE(ABORT, 'table class_enrolments is append-only'); END;
CREATE TRIGGER class_enrolments_refuses_delete BEFORE DELETE ON class_enrolments BEGIN SELECT RAISE(ABORT, 'table class_enrolments is append-only'); END;

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
) WITHOUT ROWID;
CREATE TRIGGER attendance_intervals_refuses_update BEFORE UPDATE ON attendance_intervals BEGIN SELECT RAISE(ABORT, 'table attendance_intervals is append-only'); END;
CREATE TRIGGER attendance_intervals_refuses_delete BEFORE DELETE ON attendance_intervals BEGIN SELECT RAISE(ABORT, 'table attendance_intervals is append-only'); END;

-- Intervals that were recorded wrongly; they stay, and count no more.
CREATE TABLE attendance_voids (
    worker_id   TEXT NOT NULL,
    started_at  BIGINT NOT NULL,
    revision    INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    recorded_by TEXT NOT NULL,
    CONSTRAINT attendance_voids_pkey PRIMARY KEY (worker_id, started_at, revision)
) WITHOUT ROWID;
CREATE TRIGGER attendance_voids_refuses_update BEFORE UPDATE ON attendance_voids BEGIN SELECT RAISE(ABORT, 'table attendance_voids is append-only'); END;
CREATE TRIGGER attendance_voids_refuses_delete BEFORE DELETE ON attendance_voids BEGIN SELECT RAISE(ABORT, 'table attendance_voids is append-only'); END;

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
CREATE TRIGGER class_closings_refuses_update BEFORE UPDATE ON class_closings BEGIN SELECT RAISE(ABORT, 'table class_closings is append-only'); END;
CREATE TRIGGER class_closings_refuses_delete BEFORE DELETE ON class_closings BEGIN SELECT RAISE(ABORT, 'table class_closings is append-only'); END;

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
) WITHOUT ROWID;
CREATE INDEX class_results_by_worker ON class_results (worker_id, class_id);
CREATE TRIGGER class_results_refuses_update BEFORE UPDATE ON class_results BEGIN SELECT RAISE(ABORT, 'table class_results is append-only'); END;
CREATE TRIGGER class_results_refuses_delete BEFORE DELETE ON class_results BEGIN SELECT RAISE(ABORT, 'table class_results is append-only'); END;

-- Classes that were declared false (CR-6).
CREATE TABLE class_annulments (
    class_id          TEXT NOT NULL,
    reason            TEXT NOT NULL,
    decision_document TEXT NOT NULL,
    recorded_at       BIGINT NOT NULL,
    recorded_by       TEXT NOT NULL,
    CONSTRAINT class_annulments_pkey PRIMARY KEY (class_id)
);
CREATE TRIGGER class_annulments_refuses_update BEFORE UPDATE ON class_annulments BEGIN SELECT RAISE(ABORT, 'table class_annulments is append-only'); END;
CREATE TRIGGER class_annulments_refuses_delete BEFORE DELETE ON class_annulments BEGIN SELECT RAISE(ABORT, 'table class_annulments is append-only'); END;

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
CREATE TRIGGER credit_entries_refuses_update BEFORE UPDATE ON credit_entries BEGIN SELECT RAISE(ABORT, 'table credit_entries is append-only'); END;
CREATE TRIGGER credit_entries_refuses_delete BEFORE DELETE ON credit_entries BEGIN SELECT RAISE(ABORT, 'table credit_entries is append-only'); END;

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
CREATE TRIGGER signals_refuses_update BEFORE UPDATE ON signals BEGIN SELECT RAISE(ABORT, 'table signals is append-only'); END;
CREATE TRIGGER signals_refuses_delete BEFORE DELETE ON signals BEGIN SELECT RAISE(ABORT, 'table signals is append-only'); END;

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
CREATE TRIGGER record_lookups_refuses_update BEFORE UPDATE ON record_lookups BEGIN SELECT RAISE(ABORT, 'table record_lookups is append-only'); END;
CREATE TRIGGER record_lookups_refuses_delete BEFORE DELETE ON record_lookups BEGIN SELECT RAISE(ABORT, 'table record_lookups is append-only'); END;

CREATE TRIGGER attendance_intervals_refuses_overlap BEFORE INSERT ON attendance_intervals
WHEN (
    SELECT earlier.ended_at FROM attendance_intervals AS earlier
    WHERE earlier.worker_id = NEW.worker_id AND earlier.started_at < NEW.ended_at
        AND NOT EXISTS (SELECT 1 FROM attendance_voids AS void WHERE void.worker_id = earlier.worker_id AND void.started_at = earlier.started_at AND void.revision = earlier.revision)
    ORDER BY earlier.started_at DESC, earlier.revision DESC LIMIT 1
) > NEW.started_at
BEGIN SELECT RAISE(ABORT, 'attendance_intervals_no_overlap'); END;
