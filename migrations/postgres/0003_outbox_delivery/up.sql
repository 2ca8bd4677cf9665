-- How far each subscriber has been told, who tells it now, and what it would not take.

CREATE TABLE "subscriber" (
    "name" TEXT NOT NULL,
    "domains" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "delivered" BIGINT NOT NULL,
    "attempts" INTEGER NOT NULL,
    "refusals" INTEGER NOT NULL,
    "next_try" BIGINT NOT NULL,
    "trouble" TEXT NOT NULL,
    "holder" TEXT NOT NULL,
    "held_until" BIGINT NOT NULL,
    PRIMARY KEY ("name")
);

CREATE TABLE "dead_letter" (
    "subscriber" TEXT NOT NULL,
    "outbox_id" BIGINT NOT NULL,
    "seq" BIGINT NOT NULL,
    "time" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "person_id" BIGINT NOT NULL,
    "attempts" INTEGER NOT NULL,
    "trouble" TEXT NOT NULL,
    "parked" BIGINT NOT NULL,
    "state" TEXT NOT NULL,
    PRIMARY KEY ("subscriber", "outbox_id")
);
