-- What a replay needs of each message and act: its place among all of them, and what its transaction drew.
ALTER TABLE "inbox" ADD COLUMN "seq" BIGINT;
ALTER TABLE "inbox" ADD COLUMN "drawn" TEXT;
CREATE INDEX "inbox_seq" ON "inbox" ("seq");
