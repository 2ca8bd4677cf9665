//! What the matcher must do, told with invented people.
