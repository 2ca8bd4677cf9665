DROP TABLE "steward_operation";
