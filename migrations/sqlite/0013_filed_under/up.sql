-- What a record is filed under stands beside it, as [[key, ...], ["kind=value", ...]], in the place of two indexes by
-- record. So it can be put into the tables by which it is sought later, much of it at a time and in their order, where
-- this process answers from memory meanwhile: rows that come one by one each change a page of their own.
-- "filing_due" names the records for which these tables do not say so yet, and what they may say of them instead.

CREATE TABLE "filed_under" (
    "record_id" INTEGER NOT NULL PRIMARY KEY,
    "terms" TEXT NOT NULL
);
CREATE TABLE "filing_due" (
    "place" INTEGER NOT NULL PRIMARY KEY,
    "record_id" BIGINT NOT NULL,
    "was" TEXT
);
CREATE UNIQUE INDEX "filing_due_record" ON "filing_due" ("record_id");

INSERT INTO "filed_under" ("record_id", "terms")
SELECT c."record_id", json_array(
    json((SELECT json_group_array(k."key") FROM "blocking_key" k WHERE k."record_id" = c."record_id")),
    json((SELECT json_group_array(t."kind" || '=' || t."value") FROM "search_token" t
        WHERE t."record_id" = c."record_id")))
FROM "comparison_row" c ORDER BY c."record_id";

DROP INDEX "blocking_key_record";
DROP INDEX "search_token_record";
