DROP INDEX statements_by_study;
DROP TABLE statement_voids;
