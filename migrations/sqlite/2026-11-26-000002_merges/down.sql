DROP TABLE merged_workers;
DROP TABLE worker_merge_ends;
DROP TABLE worker_merges;
