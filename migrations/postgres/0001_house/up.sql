-- The tables of a new house. Types are those that both databases share; no foreign keys, triggers or serials.

CREATE TABLE "process" (
    "lane" INTEGER NOT NULL,
    "host" TEXT NOT NULL,
    "pid" BIGINT NOT NULL,
    "started" BIGINT NOT NULL,
    PRIMARY KEY ("lane")
);

CREATE TABLE "domain" (
    "key" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "facility" TEXT NOT NULL,
    "one_identifier_per_person" BOOLEAN NOT NULL,
    "state" TEXT NOT NULL,
    "regional" BOOLEAN NOT NULL,
    PRIMARY KEY ("key")
);

CREATE TABLE "domain_name" (
    "oid" TEXT NOT NULL,
    "valid_from" BIGINT NOT NULL,
    "domain_key" TEXT NOT NULL,
    "namespace" TEXT NOT NULL,
    "valid_to" BIGINT,
    PRIMARY KEY ("oid", "valid_from")
);
CREATE UNIQUE INDEX "domain_name_current" ON "domain_name" ("oid") WHERE "valid_to" IS NULL;
CREATE INDEX "domain_name_domain" ON "domain_name" ("domain_key");

CREATE TABLE "inbox" (
    "message_key" BIGINT NOT NULL,
    "id" BIGINT NOT NULL,
    "principal" TEXT NOT NULL,
    "message_id" TEXT NOT NULL,
    "transaction_name" TEXT NOT NULL,
    "payload_hash" TEXT NOT NULL,
    "payload" BYTEA NOT NULL,
    "received" BIGINT NOT NULL,
    "reply_id" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    PRIMARY KEY ("message_key", "id")
);

CREATE TABLE "source_record" (
    "id" BIGINT NOT NULL,
    "identifier_key" BIGINT NOT NULL,
    "domain_key" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "status" TEXT NOT NULL,
    "survivor" BIGINT,
    "version" INTEGER NOT NULL,
    "created" BIGINT NOT NULL,
    PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "source_record_identifier" ON "source_record" ("identifier_key", "domain_key", "value", "generation");

CREATE TABLE "demographic_version" (
    "record_id" BIGINT NOT NULL,
    "version" INTEGER NOT NULL,
    "recorded" BIGINT NOT NULL,
    "principal" TEXT NOT NULL,
    "inbox_id" BIGINT,
    "content" TEXT NOT NULL,
    PRIMARY KEY ("record_id", "version")
);

CREATE TABLE "comparison_row" (
    "record_id" BIGINT NOT NULL,
    "row" BYTEA NOT NULL,
    PRIMARY KEY ("record_id")
);

CREATE TABLE "blocking_key" (
    "key" BIGINT NOT NULL,
    "record_id" BIGINT NOT NULL,
    PRIMARY KEY ("key", "record_id")
);
CREATE INDEX "blocking_key_record" ON "blocking_key" ("record_id");

CREATE TABLE "search_token" (
    "kind" SMALLINT NOT NULL,
    "value" TEXT COLLATE "C" NOT NULL,
    "record_id" BIGINT NOT NULL,
    PRIMARY KEY ("kind", "value", "record_id")
);
CREATE INDEX "search_token_record" ON "search_token" ("record_id");

CREATE TABLE "person" (
    "id" BIGINT NOT NULL,
    "state" TEXT NOT NULL,
    "successor" BIGINT,
    "created" BIGINT NOT NULL,
    PRIMARY KEY ("id")
);

CREATE TABLE "regional_id" (
    "value" TEXT NOT NULL,
    "person_id" BIGINT NOT NULL,
    "state" TEXT NOT NULL,
    "issued" BIGINT NOT NULL,
    "retired" BIGINT,
    PRIMARY KEY ("value")
);
CREATE INDEX "regional_id_person" ON "regional_id" ("person_id");

CREATE TABLE "regional_block" (
    "prefix" TEXT NOT NULL,
    "next" BIGINT NOT NULL,
    PRIMARY KEY ("prefix")
);

CREATE TABLE "link" (
    "id" BIGINT NOT NULL,
    "record_id" BIGINT NOT NULL,
    "person_id" BIGINT NOT NULL,
    "origin" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "weight" DOUBLE PRECISION NOT NULL,
    "model" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "valid_from" BIGINT NOT NULL,
    "valid_to" BIGINT,
    PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "link_current" ON "link" ("record_id") WHERE "valid_to" IS NULL;
CREATE INDEX "link_person" ON "link" ("person_id") WHERE "valid_to" IS NULL;
CREATE INDEX "link_record" ON "link" ("record_id");

CREATE TABLE "steward_decision" (
    "id" BIGINT NOT NULL,
    "record_a" BIGINT NOT NULL,
    "record_b" BIGINT NOT NULL,
    "verdict" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "decided" BIGINT NOT NULL,
    "withdrawn" BIGINT,
    PRIMARY KEY ("id")
);
CREATE INDEX "steward_decision_a" ON "steward_decision" ("record_a");
CREATE INDEX "steward_decision_b" ON "steward_decision" ("record_b");

CREATE TABLE "review" (
    "id" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "record_id" BIGINT NOT NULL,
    "other_record" BIGINT,
    "person_id" BIGINT,
    "weight" DOUBLE PRECISION NOT NULL,
    "model" TEXT NOT NULL,
    "explanation" TEXT NOT NULL,
    "opened" BIGINT NOT NULL,
    "state" TEXT NOT NULL,
    "decided" BIGINT,
    "decided_by" TEXT,
    "verdict" TEXT,
    PRIMARY KEY ("id")
);
CREATE INDEX "review_state" ON "review" ("state", "opened");
CREATE INDEX "review_record" ON "review" ("record_id");

CREATE TABLE "event" (
    "id" BIGINT NOT NULL,
    "seq" BIGINT,
    "time" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "record_id" BIGINT,
    "person_id" BIGINT,
    "other_id" BIGINT,
    "actor" TEXT NOT NULL,
    "inbox_id" BIGINT,
    "detail" TEXT NOT NULL,
    PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "event_seq" ON "event" ("seq");
CREATE INDEX "event_unsealed" ON "event" ("id") WHERE "seq" IS NULL;
CREATE INDEX "event_record" ON "event" ("record_id");
CREATE INDEX "event_person" ON "event" ("person_id");

CREATE TABLE "outbox" (
    "id" BIGINT NOT NULL,
    "seq" BIGINT,
    "time" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "person_id" BIGINT NOT NULL,
    "record_id" BIGINT,
    "domains" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'pending',
    "attempts" INTEGER NOT NULL,
    PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "outbox_seq" ON "outbox" ("seq");
CREATE INDEX "outbox_unsealed" ON "outbox" ("id") WHERE "seq" IS NULL;
CREATE INDEX "outbox_state" ON "outbox" ("state", "seq");

CREATE TABLE "audit" (
    "id" BIGINT NOT NULL,
    "seq" BIGINT,
    "time" BIGINT NOT NULL,
    "transaction_name" TEXT NOT NULL,
    "principal" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "outcome" INTEGER NOT NULL,
    "reason" TEXT NOT NULL,
    "message_id" TEXT NOT NULL,
    "records" TEXT NOT NULL,
    "persons" TEXT NOT NULL,
    "digest" TEXT,
    PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "audit_seq" ON "audit" ("seq");
CREATE INDEX "audit_unsealed" ON "audit" ("id") WHERE "seq" IS NULL;
CREATE INDEX "audit_time" ON "audit" ("time");

-- What is drawn once for a store, such as the key that permutes regional IDs.
CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
