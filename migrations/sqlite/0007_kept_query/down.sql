DROP TABLE "kept_query";
