-- SQLite has one file and no shards: its keys stay as they are.
SELECT 1;
