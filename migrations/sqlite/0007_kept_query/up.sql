-- Queries by demographics of which a first page was told: who was found, in which order, so that further pages are
-- cut from the same list. A row is its asker's alone and lives for minutes.

CREATE TABLE "kept_query" (
    "id" BIGINT NOT NULL,
    "principal" TEXT NOT NULL,
    "query_id" TEXT NOT NULL,
    "kept" BIGINT NOT NULL,
    "expires" BIGINT NOT NULL,
    "domains" TEXT NOT NULL,
    "page_size" INTEGER NOT NULL,
    "next" INTEGER NOT NULL,
    "pages" TEXT NOT NULL,
    "results" TEXT NOT NULL,
    "echo" TEXT NOT NULL,
    PRIMARY KEY ("id")
) WITHOUT ROWID;

CREATE INDEX "kept_query_expires" ON "kept_query" ("expires");
CREATE INDEX "kept_query_principal" ON "kept_query" ("principal", "kept");
