DROP SEQUENCE "journal_seq";
DROP INDEX "inbox_seq";
ALTER TABLE "inbox" DROP COLUMN "drawn";
ALTER TABLE "inbox" DROP COLUMN "seq";
