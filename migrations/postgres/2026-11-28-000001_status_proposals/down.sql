DROP TABLE status_decisions;
DROP FUNCTION status_decisions_by_another;
DROP TABLE status_proposals;
