DROP TRIGGER "comparison_row_moved";
DROP TRIGGER "comparison_row_linked";
DROP TRIGGER "comparison_row_filed";
ALTER TABLE "comparison_row" DROP COLUMN "person_id";
