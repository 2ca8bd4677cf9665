-- What stewards did to links and persons, with what it changed, so that it can be undone.

CREATE TABLE "steward_operation" (
    "id" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "time" BIGINT NOT NULL,
    "person_id" BIGINT NOT NULL,
    "effects" TEXT NOT NULL,
    "undone" BIGINT,
    PRIMARY KEY ("id")
);
CREATE INDEX "steward_operation_person" ON "steward_operation" ("person_id");

-- Questions were sought by their other record through all that are open.
CREATE INDEX "review_other" ON "review" ("other_record");
