-- What running several models on a task keeps: answers for the same question, who met which arm of
-- an experiment, and how far a workflow has come.

-- One row per kept answer. key is the hash of everything that was sent (storage/answer_keys.py).
-- used is a counter, not a time: the row with the lowest one was used longest ago.
CREATE TABLE answer_cache (
  key BLOB PRIMARY KEY,
  model TEXT NOT NULL,
  provider TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  used INTEGER NOT NULL,
  hits INTEGER NOT NULL DEFAULT 0,
  size INTEGER NOT NULL,
  answer BLOB NOT NULL
);
CREATE INDEX answer_cache_used ON answer_cache (used);
CREATE INDEX answer_cache_expires ON answer_cache (expires_ms);

-- For near-duplicate questions, only where that was asked for: answers may stand in for one another
-- within one space (model, system prompt, tools, parameters, history) and one guard (numbers,
-- negations, names), both hashes. sketch is the vector of the question's letters.
CREATE TABLE answer_sketches (
  key BLOB PRIMARY KEY REFERENCES answer_cache (key) ON DELETE CASCADE,
  space BLOB NOT NULL,
  guard BLOB NOT NULL,
  sketch BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX answer_sketches_place ON answer_sketches (space, guard);

-- Kept by triggers, so that the size bound needs no count.
CREATE TABLE answer_cache_state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  entries INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  hits INTEGER NOT NULL,
  near_hits INTEGER NOT NULL,
  misses INTEGER NOT NULL,
  evicted INTEGER NOT NULL,
  expired INTEGER NOT NULL,
  saved_nanos INTEGER NOT NULL
);
INSERT INTO answer_cache_state VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0);
CREATE TRIGGER answer_cache_added AFTER INSERT ON answer_cache BEGIN
  UPDATE answer_cache_state SET entries = entries + 1, bytes = bytes + NEW.size;
END;
CREATE TRIGGER answer_cache_removed AFTER DELETE ON answer_cache BEGIN
  UPDATE answer_cache_state SET entries = entries - 1, bytes = bytes - OLD.size;
END;

-- One row per experiment; details is its definition as JSON. state is running, stopped or decided.
CREATE TABLE experiments (
  name TEXT PRIMARY KEY,
  state TEXT NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'stopped', 'decided')),
  created_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  details TEXT NOT NULL
) WITHOUT ROWID;

-- Arms that were stopped by a guard rail or a person.
CREATE TABLE experiment_stops (
  experiment TEXT NOT NULL,
  arm TEXT NOT NULL,
  stopped_ms INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (experiment, arm)
) WITHOUT ROWID;

-- One row each time a unit met an arm: written before the call, completed by its result.
-- ok is NULL until then; cost_nanos is NULL where the cost is unknown.
CREATE TABLE experiment_exposures (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  experiment TEXT NOT NULL,
  arm TEXT NOT NULL,
  unit TEXT NOT NULL,
  decision_id TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  finished_ms INTEGER,
  ok INTEGER,
  cost_nanos INTEGER,
  UNIQUE (experiment, decision_id)
);

-- One row per run of a workflow; definition is the JSON that it was started with, inputs included.
CREATE TABLE workflow_runs (
  run_id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed')),
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  definition BLOB NOT NULL
) WITHOUT ROWID;

-- One row per finished step: with these a run goes on after a crash where it stood. result is the
-- compressed JSON of its Completion.
CREATE TABLE workflow_steps (
  run_id TEXT NOT NULL REFERENCES workflow_runs (run_id) ON DELETE CASCADE,
  step TEXT NOT NULL,
  finished_ms INTEGER NOT NULL,
  ok INTEGER NOT NULL,
  decision_id TEXT NOT NULL DEFAULT '',
  cost_nanos INTEGER,
  result BLOB NOT NULL,
  PRIMARY KEY (run_id, step)
) WITHOUT ROWID;
