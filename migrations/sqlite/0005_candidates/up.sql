-- Whose a record is stands beside what is compared of it, so that a candidate is one look-up and not three.
-- Only records that are active have a row here. The triggers keep it true whoever writes the link: while an older
-- version serves beside this one, both do.

ALTER TABLE "comparison_row" ADD COLUMN "person_id" BIGINT;
DELETE FROM "comparison_row" WHERE "record_id" IN (SELECT "id" FROM "source_record" WHERE "status" <> 'active');
UPDATE "comparison_row" SET "person_id" = (
    SELECT l."person_id" FROM "link" l WHERE l."record_id" = "comparison_row"."record_id" AND l."valid_to" IS NULL);

CREATE TRIGGER "comparison_row_filed" AFTER INSERT ON "comparison_row" WHEN NEW."person_id" IS NULL
BEGIN
    UPDATE "comparison_row" SET "person_id" = (
        SELECT l."person_id" FROM "link" l WHERE l."record_id" = NEW."record_id" AND l."valid_to" IS NULL)
    WHERE "record_id" = NEW."record_id"
        AND EXISTS (SELECT 1 FROM "link" l WHERE l."record_id" = NEW."record_id" AND l."valid_to" IS NULL);
END;
CREATE TRIGGER "comparison_row_linked" AFTER INSERT ON "link" WHEN NEW."valid_to" IS NULL
BEGIN
    UPDATE "comparison_row" SET "person_id" = NEW."person_id" WHERE "record_id" = NEW."record_id";
END;
CREATE TRIGGER "comparison_row_moved" AFTER UPDATE OF "person_id", "valid_to" ON "link"
BEGIN
    UPDATE "comparison_row" SET "person_id" = (
        SELECT l."person_id" FROM "link" l WHERE l."record_id" = NEW."record_id" AND l."valid_to" IS NULL)
    WHERE "record_id" = NEW."record_id";
END;
