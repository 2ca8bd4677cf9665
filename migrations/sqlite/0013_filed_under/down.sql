DELETE FROM "blocking_key" WHERE ("key", "record_id") IN (
    SELECT w."value", d."record_id" FROM "filing_due" d, json_each(d."was", '$[0]') w);
DELETE FROM "search_token" WHERE ("kind", "value", "record_id") IN (
    SELECT CAST(substr(w."value", 1, instr(w."value", '=') - 1) AS INTEGER), substr(w."value", instr(w."value", '=') + 1),
        d."record_id"
    FROM "filing_due" d, json_each(d."was", '$[1]') w);
INSERT OR IGNORE INTO "blocking_key" ("key", "record_id")
SELECT w."value", d."record_id" FROM "filing_due" d
JOIN "filed_under" f ON f."record_id" = d."record_id", json_each(f."terms", '$[0]') w ORDER BY 1, 2;
INSERT OR IGNORE INTO "search_token" ("kind", "value", "record_id")
SELECT CAST(substr(w."value", 1, instr(w."value", '=') - 1) AS INTEGER), substr(w."value", instr(w."value", '=') + 1),
    d."record_id"
FROM "filing_due" d JOIN "filed_under" f ON f."record_id" = d."record_id", json_each(f."terms", '$[1]') w
ORDER BY 1, 2, 3;
DROP TABLE "filing_due";
DROP TABLE "filed_under";
CREATE INDEX "blocking_key_record" ON "blocking_key" ("record_id");
CREATE INDEX "search_token_record" ON "search_token" ("record_id");
