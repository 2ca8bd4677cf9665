//! `match-files` on small files written here.
