-- Who carries a run of a workflow out, so that no two processes pay for its steps at once.

-- One row per run that is held; holder is drawn anew each time. until_ms counts from when this
-- computer was started, by a clock that nobody sets (storage/run_leases.py).
CREATE TABLE workflow_leases (
  run_id TEXT PRIMARY KEY REFERENCES workflow_runs (run_id) ON DELETE CASCADE,
  holder TEXT NOT NULL,
  until_ms INTEGER NOT NULL
) WITHOUT ROWID;
