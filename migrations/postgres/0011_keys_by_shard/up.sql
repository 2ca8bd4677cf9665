-- Each key has the column by which its table would be distributed (docs/scale-out.md). That a number is given once is
-- seen to by who gives it; here it is only found by it.

ALTER TABLE "source_record" DROP CONSTRAINT "source_record_pkey", ADD PRIMARY KEY ("identifier_key", "id");
CREATE INDEX "source_record_id" ON "source_record" ("id");

ALTER TABLE "link" DROP CONSTRAINT "link_pkey", ADD PRIMARY KEY ("record_id", "id");
CREATE INDEX "link_id" ON "link" ("id");
DROP INDEX "link_record";

ALTER TABLE "steward_decision" DROP CONSTRAINT "steward_decision_pkey", ADD PRIMARY KEY ("record_a", "id");
CREATE INDEX "steward_decision_id" ON "steward_decision" ("id");
DROP INDEX "steward_decision_a";

ALTER TABLE "review" DROP CONSTRAINT "review_pkey", ADD PRIMARY KEY ("record_id", "id");
CREATE INDEX "review_id" ON "review" ("id");
DROP INDEX "review_record";
