-- PostgreSQL keeps its indexes by record: several processes write, and none of them may answer from memory.
SELECT 1;
