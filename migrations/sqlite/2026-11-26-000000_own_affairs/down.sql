DROP INDEX log_entries_of_exports;
DROP TABLE dispute_answers;
DROP TABLE disputes;
DROP TABLE share_views;
DROP TABLE share_ends;
DROP TABLE shares;
DROP TABLE history_exports;
