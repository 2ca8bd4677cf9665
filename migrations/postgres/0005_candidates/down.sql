DROP TRIGGER "comparison_row_linked" ON "link";
DROP TRIGGER "comparison_row_filed" ON "comparison_row";
DROP FUNCTION "comparison_row_linked"();
DROP FUNCTION "comparison_row_filed"();
ALTER TABLE "comparison_row" DROP COLUMN "person_id";
