-- What kind of listener a subscriber is, which domains it may be shown since when, and how far it was told of all
-- persons anew because that has changed.

ALTER TABLE "subscriber" ADD COLUMN "audience" TEXT;
ALTER TABLE "subscriber" ADD COLUMN "shown" TEXT;
ALTER TABLE "subscriber" ADD COLUMN "snapshot" TEXT;
ALTER TABLE "subscriber" ADD COLUMN "snapshot_after" BIGINT;
