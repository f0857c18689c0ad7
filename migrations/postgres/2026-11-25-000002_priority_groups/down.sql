DROP TABLE worker_group_ends;
DROP TABLE worker_groups;
