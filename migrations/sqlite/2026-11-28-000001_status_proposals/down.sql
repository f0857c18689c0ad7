DROP TABLE status_decisions;
DROP TABLE status_proposals;
