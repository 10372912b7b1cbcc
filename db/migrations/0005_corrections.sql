-- Task types that a person corrected.

-- One row per corrected prompt. words are the buckets that its words fall into, two bytes each,
-- lowest first (routing/corrections.py); the prompt itself is not kept. A prompt that is corrected
-- again gets a new row in place of its old one.
CREATE TABLE task_corrections (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  created_ms INTEGER NOT NULL,
  task_type TEXT NOT NULL,
  words BLOB NOT NULL UNIQUE
);
