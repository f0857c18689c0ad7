-- Two records of one person.

-- Records that were joined to another one.
CREATE TABLE worker_merges (
    id                TEXT NOT NULL,
    worker_id         TEXT NOT NULL,
    merged_worker_id  TEXT NOT NULL,
    reason            TEXT NOT NULL,
    decision_document TEXT,
    organisation_id   TEXT,
    recorded_at       BIGINT NOT NULL,
    recorded_by       TEXT NOT NULL,
    CONSTRAINT worker_merges_pkey PRIMARY KEY (id)
);
CREATE INDEX worker_merges_by_worker ON worker_merges (worker_id, id);
CREATE INDEX worker_merges_by_merged ON worker_merges (merged_worker_id, id);
CREATE TRIGGER worker_merges_refuses_update BEFORE UPDATE ON worker_merges BEGIN SELECT RAISE(ABORT, 'table worker_merges is append-only'); END;
CREATE TRIGGER worker_merges_refuses_delete BEFORE DELETE ON worker_merges BEGIN SELECT RAISE(ABORT, 'table worker_merges is append-only'); END;

-- Joins that were undone.
CREATE TABLE worker_merge_ends (
    merge_id    TEXT NOT NULL,
    reason      TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    recorded_by TEXT NOT NULL,
    CONSTRAINT worker_merge_ends_pkey PRIMARY KEY (merge_id)
);
CREATE TRIGGER worker_merge_ends_refuses_update BEFORE UPDATE ON worker_merge_ends BEGIN SELECT RAISE(ABORT, 'table worker_merge_ends is append-only'); END;
CREATE TRIGGER worker_merge_ends_refuses_delete BEFORE DELETE ON worker_merge_ends BEGIN SELECT RAISE(ABORT, 'table worker_merge_ends is append-only'); END;

-- Which record stands for which now: a projection of the two tables before. One record is joined to one other at a time.
CREATE TABLE merged_workers (
    worker_id      TEXT NOT NULL,
    into_worker_id TEXT NOT NULL,
    merge_id       TEXT NOT NULL,
    CONSTRAINT merged_workers_pkey PRIMARY KEY (worker_id)
);
CREATE INDEX merged_workers_by_into ON merged_workers (into_worker_id);
