CREATE INDEX "review_record" ON "review" ("record_id");
DROP INDEX "review_id";
ALTER TABLE "review" DROP CONSTRAINT "review_pkey", ADD PRIMARY KEY ("id");

CREATE INDEX "steward_decision_a" ON "steward_decision" ("record_a");
DROP INDEX "steward_decision_id";
ALTER TABLE "steward_decision" DROP CONSTRAINT "steward_decision_pkey", ADD PRIMARY KEY ("id");

CREATE INDEX "link_record" ON "link" ("record_id");
DROP INDEX "link_id";
ALTER TABLE "link" DROP CONSTRAINT "link_pkey", ADD PRIMARY KEY ("id");

DROP INDEX "source_record_id";
ALTER TABLE "source_record" DROP CONSTRAINT "source_record_pkey", ADD PRIMARY KEY ("id");
