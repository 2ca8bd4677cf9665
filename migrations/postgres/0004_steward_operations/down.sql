DROP INDEX "review_other";
DROP TABLE "steward_operation";
