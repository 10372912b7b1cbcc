-- What is learnt from judged answers, which choices it changed, and what trying models cost.

-- Which words a request holds, as buckets of hashes (routing/sketch.py); NULL in older rows.
ALTER TABLE routing_decisions ADD COLUMN features BLOB;

-- Finds the latest judgements among the many rows of calls.
CREATE INDEX routing_outcomes_judged ON routing_outcomes (seq)
  WHERE source NOT IN ('execution', 'cache');

-- Whether anything learnt may have an effect, and a number that grows with every change here.
CREATE TABLE learning_state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  active INTEGER NOT NULL,
  revision INTEGER NOT NULL
);
INSERT INTO learning_state VALUES (1, 1, 0);

-- One row per pair of models: how their answers to the same words differ. weights is a ridge
-- (storage/lessons.py); gain is the squared error on unseen judgements that it takes away.
CREATE TABLE learned_pairs (
  one TEXT NOT NULL,
  other TEXT NOT NULL,
  fitted_ms INTEGER NOT NULL,
  cases INTEGER NOT NULL,
  gain REAL NOT NULL,
  noise REAL NOT NULL,
  helps INTEGER NOT NULL,
  undone INTEGER NOT NULL DEFAULT 0,
  weights BLOB NOT NULL,
  PRIMARY KEY (one, other)
) WITHOUT ROWID;

-- Task types that went from the usual model to a cheaper one; an undone row stays, so that it is
-- not switched again.
CREATE TABLE learned_switches (
  task_type TEXT PRIMARY KEY,
  usual TEXT NOT NULL,
  model TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  chance REAL NOT NULL,
  undone INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- One row per decision that was made while models were tried: which one was chosen, with what
-- chance, and what the usual model would have cost and promised.
CREATE TABLE learning_trials (
  decision_id TEXT PRIMARY KEY,
  created_ms INTEGER NOT NULL,
  task_type TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('usual', 'switched', 'explored')),
  model TEXT NOT NULL,
  usual TEXT NOT NULL,
  propensity REAL NOT NULL,
  quality REAL NOT NULL,
  usual_quality REAL NOT NULL,
  cost_nanos INTEGER NOT NULL,
  usual_nanos INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX learning_trials_created ON learning_trials (created_ms);

-- What learning changed, in the order in which it did.
CREATE TABLE learning_events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  created_ms INTEGER NOT NULL,
  task_type TEXT NOT NULL,
  kind TEXT NOT NULL,
  told TEXT NOT NULL
);
