ALTER TABLE "subscriber" DROP COLUMN "snapshot_after";
ALTER TABLE "subscriber" DROP COLUMN "snapshot";
ALTER TABLE "subscriber" DROP COLUMN "shown";
ALTER TABLE "subscriber" DROP COLUMN "audience";
