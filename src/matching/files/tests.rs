//! What the matcher for files must do, on invented people.
