DROP TABLE competition_annulments;
DROP TABLE competition_results;
