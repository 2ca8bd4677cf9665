-- Whose a record is stands beside what is compared of it, so that a candidate is one look-up and not three.
-- Only records that are active have a row here. The triggers keep it true whoever writes the link: while an older
-- version serves beside this one, both do. They come first, so that nothing is written between them and the update
-- that they do not see.

ALTER TABLE "comparison_row" ADD COLUMN "person_id" BIGINT;

CREATE FUNCTION "comparison_row_filed"() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NEW."person_id" IS NULL THEN
        SELECT l."person_id" INTO NEW."person_id" FROM "link" l
        WHERE l."record_id" = NEW."record_id" AND l."valid_to" IS NULL;
    END IF;
    RETURN NEW;
END
$body$;
CREATE FUNCTION "comparison_row_linked"() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    UPDATE "comparison_row" SET "person_id" = (
        SELECT l."person_id" FROM "link" l WHERE l."record_id" = NEW."record_id" AND l."valid_to" IS NULL)
    WHERE "record_id" = NEW."record_id";
    RETURN NULL;
END
$body$;
CREATE TRIGGER "comparison_row_filed" BEFORE INSERT ON "comparison_row"
    FOR EACH ROW EXECUTE FUNCTION "comparison_row_filed"();
CREATE TRIGGER "comparison_row_linked" AFTER INSERT OR UPDATE OF "person_id", "valid_to" ON "link"
    FOR EACH ROW EXECUTE FUNCTION "comparison_row_linked"();

DELETE FROM "comparison_row" WHERE "record_id" IN (SELECT "id" FROM "source_record" WHERE "status" <> 'active');
UPDATE "comparison_row" c SET "person_id" = l."person_id"
    FROM "link" l WHERE l."record_id" = c."record_id" AND l."valid_to" IS NULL;
