-- The schema as one file, for reading and for `sqlite3 new.db < db/schema.sql`.
-- Made from db/migrations by `python -m mcp_router.storage.schema`; change those instead.

PRAGMA journal_mode = WAL;
BEGIN IMMEDIATE;
PRAGMA application_id = 1296257106;
PRAGMA user_version = 12;

CREATE TABLE schema_migrations (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL
);

INSERT INTO schema_migrations VALUES (1, '0001_records');

-- Records of what was decided and what came of it, and the summaries that reports read.
--
-- Times are UTC, in whole milliseconds (_ms) or seconds (_s) since 1970. Money is in whole
-- nano-dollars. NULL means unknown, '' means none was named. A provider belongs to a model.

CREATE TABLE routing_decisions (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  decision_id TEXT NOT NULL UNIQUE,
  created_ms INTEGER NOT NULL,
  model TEXT NOT NULL,
  provider TEXT NOT NULL,
  task_type TEXT NOT NULL,
  complexity TEXT NOT NULL,
  pattern TEXT NOT NULL,
  strategy TEXT NOT NULL,
  confidence REAL NOT NULL,
  estimated_nanos INTEGER,
  baseline_nanos INTEGER,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  latency_ms INTEGER NOT NULL,
  project TEXT NOT NULL DEFAULT '',
  session TEXT NOT NULL DEFAULT '',
  category TEXT NOT NULL DEFAULT '',
  prompt_hash TEXT NOT NULL DEFAULT '',
  prompt TEXT,
  details BLOB NOT NULL
);
CREATE INDEX routing_decisions_created ON routing_decisions (created_ms);

-- One row per attempt, judgement or feedback. No foreign key: the decision may be archived.
-- weight is 2^((created - 2026-01-01) / 30 days): sums of it are decayed counts up to one factor,
-- whatever the order in which the rows arrive.
CREATE TABLE routing_outcomes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  decision_id TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  model TEXT NOT NULL,
  provider TEXT NOT NULL,
  task_type TEXT NOT NULL,
  complexity TEXT NOT NULL,
  source TEXT NOT NULL,
  ok INTEGER NOT NULL,
  failure TEXT NOT NULL DEFAULT '',
  score REAL,
  note TEXT NOT NULL DEFAULT '',
  latency_ms INTEGER,
  first_token_ms INTEGER,
  estimated_tokens INTEGER,
  input_tokens INTEGER,
  cache_read_tokens INTEGER,
  cache_write_tokens INTEGER,
  reasoning_tokens INTEGER,
  output_tokens INTEGER,
  cost_nanos INTEGER,
  project TEXT NOT NULL DEFAULT '',
  session TEXT NOT NULL DEFAULT '',
  category TEXT NOT NULL DEFAULT '',
  weight REAL NOT NULL
);
CREATE INDEX routing_outcomes_created ON routing_outcomes (created_ms);
CREATE INDEX routing_outcomes_decision ON routing_outcomes (decision_id);

-- One row each time a model was given up for the next; to_model is '' when none was left.
CREATE TABLE fallback_events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  decision_id TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  task_type TEXT NOT NULL,
  from_model TEXT NOT NULL,
  from_provider TEXT NOT NULL,
  to_model TEXT NOT NULL DEFAULT '',
  to_provider TEXT NOT NULL DEFAULT '',
  failure TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  project TEXT NOT NULL DEFAULT '',
  category TEXT NOT NULL DEFAULT ''
);
CREATE INDEX fallback_events_created ON fallback_events (created_ms);

-- One row each time a call had to wait: source is 'provider' for its 429, 'local' for our own limit.
CREATE TABLE rate_limit_events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  decision_id TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL,
  model TEXT NOT NULL,
  provider TEXT NOT NULL,
  source TEXT NOT NULL,
  retry_after_ms INTEGER
);
CREATE INDEX rate_limit_events_created ON rate_limit_events (created_ms);

-- One row per budget and period; what is left is limit - spent - reserved.
CREATE TABLE budget_tracking (
  name TEXT NOT NULL,
  period TEXT NOT NULL,
  period_start_ms INTEGER NOT NULL,
  period_end_ms INTEGER,
  limit_nanos INTEGER,
  spent_nanos INTEGER NOT NULL DEFAULT 0,
  reserved_nanos INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (name, period_start_ms)
) WITHOUT ROWID;

-- Sums per block of UTC time, in four widths (quarter hour, hour, day, 32 days) and five
-- dimensions ('all', 'model', 'task', 'project', 'category'). Any span whose ends lie on a quarter
-- hour, so any local day of any time zone, is a disjoint union of few blocks. They outlive the rows
-- that were summed, and lack the latest rows: add fresh_costs to them.
CREATE TABLE cost_tracking (
  dimension TEXT NOT NULL,
  width_s INTEGER NOT NULL,
  start_s INTEGER NOT NULL,
  name TEXT NOT NULL,
  provider TEXT NOT NULL,
  decisions INTEGER NOT NULL,
  calls INTEGER NOT NULL,
  ok INTEGER NOT NULL,
  fallbacks INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cost_nanos INTEGER NOT NULL,
  estimated_nanos INTEGER NOT NULL,
  baseline_nanos INTEGER NOT NULL,
  PRIMARY KEY (dimension, width_s, start_s, name, provider)
) WITHOUT ROWID;

-- Histograms of the latencies of good answers over the same blocks, from an hour up.
CREATE TABLE latency_tracking (
  dimension TEXT NOT NULL,
  width_s INTEGER NOT NULL,
  start_s INTEGER NOT NULL,
  name TEXT NOT NULL,
  provider TEXT NOT NULL,
  bin_ms INTEGER NOT NULL,
  calls INTEGER NOT NULL,
  PRIMARY KEY (dimension, width_s, start_s, name, provider, bin_ms)
) WITHOUT ROWID;

-- What is known of a model on a task type, '' for all of them: sums of weights (routing_outcomes).
CREATE TABLE model_performance (
  model TEXT NOT NULL,
  task_type TEXT NOT NULL,
  calls INTEGER NOT NULL,
  successes REAL NOT NULL,
  failures REAL NOT NULL,
  used_tokens REAL NOT NULL,
  estimated_tokens REAL NOT NULL,
  PRIMARY KEY (model, task_type)
) WITHOUT ROWID;

-- Weighted histograms of the same; measure is 'total' or 'first_token'.
CREATE TABLE model_latencies (
  model TEXT NOT NULL,
  task_type TEXT NOT NULL,
  measure TEXT NOT NULL,
  bin_ms INTEGER NOT NULL,
  weight REAL NOT NULL,
  PRIMARY KEY (model, task_type, measure, bin_ms)
) WITHOUT ROWID;

-- Lower ends of the histogram bins: ten to a decade (preferred numbers, ISO 3), 1 ms to 2.2 hours.
CREATE TABLE latency_bins (from_ms INTEGER PRIMARY KEY);
INSERT INTO latency_bins VALUES (0), (1), (2), (3), (4), (5), (6), (8);
WITH
  step(low) AS (VALUES (10), (12), (16), (20), (25), (32), (40), (50), (63), (80)),
  decade(factor) AS (VALUES (1), (10), (100), (1000), (10000), (100000))
INSERT INTO latency_bins SELECT low * factor FROM step, decade;

-- The last row of each table that the summaries contain. Adding 1 to folds brings them up to date.
CREATE TABLE summary_state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  decisions INTEGER NOT NULL,
  outcomes INTEGER NOT NULL,
  fallbacks INTEGER NOT NULL,
  folds INTEGER NOT NULL
);
INSERT INTO summary_state VALUES (1, 0, 0, 0, 0);

-- Rows copied into this file that may still stand in the one they came from (storage/archive.py).
CREATE TABLE moved_rows (
  kind TEXT NOT NULL,
  seq INTEGER NOT NULL,
  decision_id TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (kind, seq)
) WITHOUT ROWID;

-- The latest rows, at most 128 of each table, in the shape of the summaries. A judge's tokens are paid
-- for as well, but only 'execution' rows are calls. Without a baseline nothing counts as saved.
CREATE VIEW fresh_costs AS
WITH
  part(dimension) AS (VALUES ('all'), ('model'), ('task'), ('project'), ('category')),
  fresh AS (
    SELECT
      created_ms / 900000 * 900 AS start_s, model, provider, task_type, project, category,
      1 AS decisions, 0 AS calls, 0 AS ok, 0 AS fallbacks, 0 AS input_tokens, 0 AS output_tokens,
      0 AS cost_nanos, coalesce(estimated_nanos, 0) AS estimated_nanos,
      coalesce(baseline_nanos, estimated_nanos, 0) AS baseline_nanos
    FROM routing_decisions
    WHERE seq > (SELECT decisions FROM summary_state)
    UNION ALL
    SELECT
      created_ms / 900000 * 900, model, provider, task_type, project, category,
      0, source = 'execution', source = 'execution' AND ok, 0,
      coalesce(input_tokens + cache_read_tokens + cache_write_tokens, 0),
      coalesce(reasoning_tokens + output_tokens, 0), coalesce(cost_nanos, 0), 0, 0
    FROM routing_outcomes
    WHERE seq > (SELECT outcomes FROM summary_state)
    UNION ALL
    SELECT
      created_ms / 900000 * 900, from_model, from_provider, task_type, project, category,
      0, 0, 0, 1, 0, 0, 0, 0, 0
    FROM fallback_events
    WHERE seq > (SELECT fallbacks FROM summary_state)
  )
SELECT
  dimension, start_s,
  CASE dimension WHEN 'model' THEN model WHEN 'task' THEN task_type
    WHEN 'project' THEN project WHEN 'category' THEN category ELSE '' END AS name,
  CASE dimension WHEN 'model' THEN provider ELSE '' END AS provider,
  decisions, calls, ok, fallbacks, input_tokens, output_tokens,
  cost_nanos, estimated_nanos, baseline_nanos
FROM part CROSS JOIN fresh;

CREATE VIEW fresh_latencies AS
WITH part(dimension) AS (VALUES ('all'), ('model'), ('task'), ('project'), ('category'))
SELECT
  dimension, created_ms / 3600000 * 3600 AS start_s,
  CASE dimension WHEN 'model' THEN model WHEN 'task' THEN task_type
    WHEN 'project' THEN project WHEN 'category' THEN category ELSE '' END AS name,
  CASE dimension WHEN 'model' THEN provider ELSE '' END AS provider,
  (SELECT max(from_ms) FROM latency_bins WHERE from_ms <= latency_ms) AS bin_ms
FROM part CROSS JOIN routing_outcomes
WHERE seq > (SELECT outcomes FROM summary_state)
  AND source = 'execution' AND ok AND latency_ms IS NOT NULL;

-- A score counts as that share of a success, and the rest of it as a failure.
CREATE VIEW fresh_performance AS
WITH scope(pooled) AS (VALUES (0), (1))
SELECT
  model, CASE WHEN pooled THEN '' ELSE task_type END AS task_type,
  source = 'execution' AS calls,
  weight * coalesce(score, ok) AS successes,
  weight * (1 - coalesce(score, ok)) AS failures,
  CASE WHEN estimated_tokens > 0 AND input_tokens + cache_read_tokens + cache_write_tokens > 0
    THEN weight * (input_tokens + cache_read_tokens + cache_write_tokens) ELSE 0.0
    END AS used_tokens,
  CASE WHEN estimated_tokens > 0 AND input_tokens + cache_read_tokens + cache_write_tokens > 0
    THEN weight * estimated_tokens ELSE 0.0 END AS estimated_tokens
FROM scope CROSS JOIN routing_outcomes
WHERE seq > (SELECT outcomes FROM summary_state)
  -- What the caller, a key or a limit caused says nothing about how good a model is.
  AND failure NOT IN ('auth', 'breaker_open', 'budget', 'cancelled', 'content_filter',
    'context_length', 'invalid_request', 'rate_limited');

CREATE VIEW fresh_model_latencies AS
WITH
  scope(pooled) AS (VALUES (0), (1)),
  kind(measure) AS (VALUES ('total'), ('first_token')),
  timed AS (
    SELECT model, CASE WHEN pooled THEN '' ELSE task_type END AS task_type, measure, weight,
      CASE measure WHEN 'total' THEN latency_ms ELSE first_token_ms END AS took_ms
    FROM scope CROSS JOIN kind CROSS JOIN routing_outcomes
    WHERE seq > (SELECT outcomes FROM summary_state) AND source = 'execution' AND ok
  )
SELECT
  model, task_type, measure,
  (SELECT max(from_ms) FROM latency_bins WHERE from_ms <= took_ms) AS bin_ms, weight
FROM timed
WHERE took_ms IS NOT NULL;

-- Rows are summed 128 at a time: doing it row by row writes twenty pages for each.
CREATE TRIGGER routing_decisions_fold AFTER INSERT ON routing_decisions
WHEN NEW.seq >= (SELECT decisions + 128 FROM summary_state)
BEGIN
  UPDATE summary_state SET folds = folds + 1;
END;

CREATE TRIGGER routing_outcomes_fold AFTER INSERT ON routing_outcomes
WHEN NEW.seq >= (SELECT outcomes + 128 FROM summary_state)
BEGIN
  UPDATE summary_state SET folds = folds + 1;
END;

CREATE TRIGGER fallback_events_fold AFTER INSERT ON fallback_events
WHEN NEW.seq >= (SELECT fallbacks + 128 FROM summary_state)
BEGIN
  UPDATE summary_state SET folds = folds + 1;
END;

CREATE TRIGGER summary_state_fold AFTER UPDATE OF folds ON summary_state
BEGIN
  INSERT INTO cost_tracking
  SELECT
    dimension, width_s, start_s / width_s * width_s, name, provider, decisions, calls, ok,
    fallbacks, input_tokens, output_tokens, cost_nanos, estimated_nanos, baseline_nanos
  FROM (SELECT 900 AS width_s UNION ALL SELECT 3600 UNION ALL SELECT 86400
    UNION ALL SELECT 2764800) CROSS JOIN (
      SELECT
        dimension, start_s, name, provider, sum(decisions) AS decisions, sum(calls) AS calls,
        sum(ok) AS ok, sum(fallbacks) AS fallbacks, sum(input_tokens) AS input_tokens,
        sum(output_tokens) AS output_tokens, sum(cost_nanos) AS cost_nanos,
        sum(estimated_nanos) AS estimated_nanos, sum(baseline_nanos) AS baseline_nanos
      FROM fresh_costs
      GROUP BY dimension, start_s, name, provider)
  WHERE true
  ON CONFLICT (dimension, width_s, start_s, name, provider) DO UPDATE SET
    decisions = decisions + excluded.decisions,
    calls = calls + excluded.calls,
    ok = ok + excluded.ok,
    fallbacks = fallbacks + excluded.fallbacks,
    input_tokens = input_tokens + excluded.input_tokens,
    output_tokens = output_tokens + excluded.output_tokens,
    cost_nanos = cost_nanos + excluded.cost_nanos,
    estimated_nanos = estimated_nanos + excluded.estimated_nanos,
    baseline_nanos = baseline_nanos + excluded.baseline_nanos;
  INSERT INTO latency_tracking
  SELECT dimension, width_s, start_s / width_s * width_s, name, provider, bin_ms, calls
  FROM (SELECT 3600 AS width_s UNION ALL SELECT 86400 UNION ALL SELECT 2764800) CROSS JOIN (
    SELECT dimension, start_s, name, provider, bin_ms, count(*) AS calls
    FROM fresh_latencies
    GROUP BY dimension, start_s, name, provider, bin_ms)
  WHERE true
  ON CONFLICT (dimension, width_s, start_s, name, provider, bin_ms)
    DO UPDATE SET calls = calls + excluded.calls;
  INSERT INTO model_performance
  SELECT
    model, task_type, sum(calls), sum(successes), sum(failures), sum(used_tokens),
    sum(estimated_tokens)
  FROM fresh_performance
  WHERE true
  GROUP BY 1, 2
  ON CONFLICT (model, task_type) DO UPDATE SET
    calls = calls + excluded.calls,
    successes = successes + excluded.successes,
    failures = failures + excluded.failures,
    used_tokens = used_tokens + excluded.used_tokens,
    estimated_tokens = estimated_tokens + excluded.estimated_tokens;
  INSERT INTO model_latencies
  SELECT model, task_type, measure, bin_ms, sum(weight)
  FROM fresh_model_latencies
  WHERE true
  GROUP BY 1, 2, 3, 4
  ON CONFLICT (model, task_type, measure, bin_ms) DO UPDATE SET weight = weight + excluded.weight;
  UPDATE summary_state SET
    decisions = max(decisions, (SELECT coalesce(max(seq), 0) FROM routing_decisions)),
    outcomes = max(outcomes, (SELECT coalesce(max(seq), 0) FROM routing_outcomes)),
    fallbacks = max(fallbacks, (SELECT coalesce(max(seq), 0) FROM fallback_events));
END;

-- Days here are UTC; `mcp-router stats` reports them in your time zone.
CREATE VIEW v_daily_costs AS
SELECT
  date(start_s, 'unixepoch') AS day, sum(decisions) AS decisions, sum(calls) AS calls,
  sum(ok) AS ok, sum(fallbacks) AS fallbacks, sum(input_tokens) AS input_tokens,
  sum(output_tokens) AS output_tokens, sum(cost_nanos) / 1e9 AS cost_usd,
  sum(estimated_nanos) / 1e9 AS estimated_usd, sum(baseline_nanos) / 1e9 AS baseline_usd
FROM (
  SELECT * FROM fresh_costs WHERE dimension = 'all'
  UNION ALL
  SELECT
    dimension, start_s, name, provider, decisions, calls, ok, fallbacks, input_tokens,
    output_tokens, cost_nanos, estimated_nanos, baseline_nanos
  FROM cost_tracking WHERE dimension = 'all' AND width_s = 86400
)
GROUP BY 1
ORDER BY 1;

CREATE VIEW v_model_summary AS
SELECT
  name AS model, provider, sum(decisions) AS decisions, sum(calls) AS calls, sum(ok) AS ok,
  sum(fallbacks) AS fallbacks, sum(input_tokens) AS input_tokens,
  sum(output_tokens) AS output_tokens, sum(cost_nanos) / 1e9 AS cost_usd,
  sum(estimated_nanos) / 1e9 AS estimated_usd, sum(baseline_nanos) / 1e9 AS baseline_usd
FROM (
  SELECT * FROM fresh_costs WHERE dimension = 'model'
  UNION ALL
  SELECT
    dimension, start_s, name, provider, decisions, calls, ok, fallbacks, input_tokens,
    output_tokens, cost_nanos, estimated_nanos, baseline_nanos
  FROM cost_tracking WHERE dimension = 'model' AND width_s = 2764800
)
GROUP BY 1, 2
ORDER BY cost_usd DESC, model;

CREATE VIEW v_fallback_rates AS
SELECT
  model, provider, calls, calls - ok AS failed, fallbacks,
  1.0 * fallbacks / nullif(calls, 0) AS fallback_rate
FROM v_model_summary
WHERE calls + fallbacks > 0
ORDER BY fallback_rate DESC, model;

CREATE VIEW v_budget_status AS
SELECT
  name, period, datetime(period_start_ms / 1000, 'unixepoch') AS since_utc,
  datetime(period_end_ms / 1000, 'unixepoch') AS until_utc, limit_nanos / 1e9 AS limit_usd,
  spent_nanos / 1e9 AS spent_usd, reserved_nanos / 1e9 AS reserved_usd,
  (limit_nanos - spent_nanos - reserved_nanos) / 1e9 AS left_usd,
  100.0 * spent_nanos / nullif(limit_nanos, 0) AS used_percent
FROM budget_tracking
ORDER BY name, period_start_ms;

INSERT INTO schema_migrations VALUES (2, '0002_ledger');

-- What the ledger, the circuit breaker and the rate limiter share between processes.
--
-- The period of a reservation is the one it was made in (reserved_ms), whenever it is settled.
-- For every row of budget_tracking: spent_nanos is the sum over the settled entries of its tag and
-- period, reserved_nanos the sum over the open ones.

-- One row per reserved call: open until it is settled or released (then the row goes), or until its
-- lease ends (expired: holds no money, but may still be settled). tags is a JSON array of "key=value".
CREATE TABLE ledger_entries (
  entry_id INTEGER PRIMARY KEY AUTOINCREMENT,
  decision_id TEXT NOT NULL,
  model TEXT NOT NULL,
  tags TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'expired', 'settled')),
  reserved_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  settled_ms INTEGER,
  reserved_nanos INTEGER NOT NULL CHECK (reserved_nanos >= 0),
  spent_nanos INTEGER CHECK (spent_nanos >= 0)
);
CREATE INDEX ledger_entries_reserved ON ledger_entries (reserved_ms);
CREATE INDEX ledger_entries_open ON ledger_entries (expires_ms) WHERE state = 'open';

-- The tags of settled entries, so that a new budget for a tag finds what was spent before it.
CREATE TABLE ledger_tags (
  tag TEXT NOT NULL,
  entry_id INTEGER NOT NULL,
  PRIMARY KEY (tag, entry_id)
) WITHOUT ROWID;

-- Finds the periods that a moment lies in without reading those long past; a total has no end.
CREATE INDEX budget_tracking_end
  ON budget_tracking (name, ifnull(period_end_ms, 9223372036854775807));

-- Alerts that were delivered, or are claimed for delivery: delivered_ms is then minus the moment of
-- the claim. Another limit is another threshold.
CREATE TABLE budget_alerts (
  name TEXT NOT NULL,
  period_start_ms INTEGER NOT NULL,
  percent REAL NOT NULL,
  limit_nanos INTEGER NOT NULL,
  delivered_ms INTEGER NOT NULL,
  PRIMARY KEY (name, period_start_ms, percent, limit_nanos)
) WITHOUT ROWID;

-- The latest time any process gave the ledger: it does not run backwards with a computer's clock.
CREATE TABLE ledger_clock (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  seen_ms INTEGER NOT NULL
);
INSERT INTO ledger_clock VALUES (1, 0);

-- One row per circuit that ever reported; the columns are explained in storage/circuit.py.
CREATE TABLE breakers (
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  failures INTEGER NOT NULL,
  window_start INTEGER NOT NULL,
  calls INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  trips INTEGER NOT NULL,
  tripped_at INTEGER NOT NULL,
  open_until INTEGER NOT NULL,
  cooldown_until INTEGER NOT NULL,
  probe INTEGER NOT NULL,
  probe_until INTEGER NOT NULL,
  PRIMARY KEY (provider, model, fingerprint)
) WITHOUT ROWID;

-- What was taken and has not drained yet, in 1/60000 of a request or token.
CREATE TABLE rate_buckets (
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  requests INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (provider, model)
) WITHOUT ROWID;

-- Entries that cost more than was reserved, or were settled after their lease had ended: the two
-- ways in which a budget can be passed.
CREATE VIEW v_overspends AS
SELECT
  entry_id, decision_id, model, datetime(reserved_ms / 1000, 'unixepoch') AS reserved_utc,
  reserved_nanos / 1e9 AS reserved_usd, spent_nanos / 1e9 AS spent_usd,
  settled_ms >= expires_ms AS late
FROM ledger_entries
WHERE state = 'settled' AND (spent_nanos > reserved_nanos OR settled_ms >= expires_ms)
ORDER BY entry_id;

INSERT INTO schema_migrations VALUES (3, '0003_modes');

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

INSERT INTO schema_migrations VALUES (4, '0004_ledger_past');

-- What the ledger keeps of long past months: budgets of a day or a month need no single entries by
-- then, and a budget without end only needs their sum.

-- What settled entries that are gone had cost, by tag; '' is all of them.
CREATE TABLE ledger_past (
  tag TEXT PRIMARY KEY,
  spent_nanos INTEGER NOT NULL
) WITHOUT ROWID;

-- When each kind of upkeep was last done to its end, so that of all processes one does it.
CREATE TABLE upkeep (
  kind TEXT PRIMARY KEY,
  done_ms INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO schema_migrations VALUES (5, '0005_corrections');

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

INSERT INTO schema_migrations VALUES (6, '0006_access_tokens');

-- Bearer tokens of the HTTP server.

-- One row per name; a name is free again once its token is revoked. digest is the SHA-256 of the
-- token in hex: the token itself, 32 random bytes, is shown once and not kept. scopes and models
-- are JSON arrays, an empty one of models allows all. What a token spent is in the ledger, under
-- the tag "token=name".
CREATE TABLE access_tokens (
  name TEXT PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  models TEXT NOT NULL,
  daily_nanos INTEGER CHECK (daily_nanos >= 0),
  monthly_nanos INTEGER CHECK (monthly_nanos >= 0),
  requests_per_minute INTEGER CHECK (requests_per_minute > 0),
  tokens_per_minute INTEGER CHECK (tokens_per_minute > 0),
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  revoked_ms INTEGER
) WITHOUT ROWID;

INSERT INTO schema_migrations VALUES (7, '0007_kept_answers');

-- An answer that was kept and is given again is an outcome of source 'cache': it tells who answered,
-- and says nothing new about how good that model is.

DROP VIEW fresh_performance;

-- A score counts as that share of a success, and the rest of it as a failure.
CREATE VIEW fresh_performance AS
WITH scope(pooled) AS (VALUES (0), (1))
SELECT
  model, CASE WHEN pooled THEN '' ELSE task_type END AS task_type,
  source = 'execution' AS calls,
  weight * coalesce(score, ok) AS successes,
  weight * (1 - coalesce(score, ok)) AS failures,
  CASE WHEN estimated_tokens > 0 AND input_tokens + cache_read_tokens + cache_write_tokens > 0
    THEN weight * (input_tokens + cache_read_tokens + cache_write_tokens) ELSE 0.0
    END AS used_tokens,
  CASE WHEN estimated_tokens > 0 AND input_tokens + cache_read_tokens + cache_write_tokens > 0
    THEN weight * estimated_tokens ELSE 0.0 END AS estimated_tokens
FROM scope CROSS JOIN routing_outcomes
WHERE seq > (SELECT outcomes FROM summary_state)
  AND source <> 'cache'
  -- What the caller, a key or a limit caused says nothing about how good a model is.
  AND failure NOT IN ('auth', 'breaker_open', 'budget', 'cancelled', 'content_filter',
    'context_length', 'invalid_request', 'rate_limited');

INSERT INTO schema_migrations VALUES (8, '0008_experiments');

-- Experiments that are carried out: what each arm showed, as running sums, and what was said of the
-- answers later.

-- ok is whether the answer was good and score how good, from 0 to 1: judged is 'feedback' once a
-- person has said so, before that '' for what can be seen of the answer and what scorers gave it.
ALTER TABLE experiment_exposures ADD COLUMN score REAL;
ALTER TABLE experiment_exposures ADD COLUMN judged TEXT NOT NULL DEFAULT '';
ALTER TABLE experiment_exposures ADD COLUMN latency_ms INTEGER;
CREATE INDEX experiment_exposures_decision ON experiment_exposures (decision_id);

-- Kept by triggers: guard rails look at them after every call. met counts all exposures, the rest
-- only those with a result.
CREATE TABLE experiment_tallies (
  experiment TEXT NOT NULL,
  arm TEXT NOT NULL,
  met INTEGER NOT NULL,
  successes INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  priced INTEGER NOT NULL DEFAULT 0,
  cost_nanos INTEGER NOT NULL DEFAULT 0,
  cost_squares REAL NOT NULL DEFAULT 0,
  scored INTEGER NOT NULL DEFAULT 0,
  score REAL NOT NULL DEFAULT 0,
  score_squares REAL NOT NULL DEFAULT 0,
  PRIMARY KEY (experiment, arm)
) WITHOUT ROWID;
INSERT INTO experiment_tallies
SELECT experiment, arm, count(*), ifnull(sum(ok), 0), ifnull(sum(NOT ok), 0), count(cost_nanos),
  ifnull(sum(cost_nanos), 0), ifnull(sum(1.0 * cost_nanos * cost_nanos), 0.0), count(ok),
  ifnull(sum(ok), 0.0), ifnull(sum(ok), 0.0)
FROM experiment_exposures
GROUP BY experiment, arm;

CREATE TRIGGER experiment_exposures_met AFTER INSERT ON experiment_exposures BEGIN
  INSERT INTO experiment_tallies (experiment, arm, met) VALUES (NEW.experiment, NEW.arm, 1)
  ON CONFLICT (experiment, arm) DO UPDATE SET met = met + 1;
END;

CREATE TRIGGER experiment_exposures_summed
AFTER UPDATE OF finished_ms, ok, score, cost_nanos ON experiment_exposures
WHEN NEW.finished_ms IS NOT NULL
BEGIN
  UPDATE experiment_tallies SET
    successes = successes - (OLD.finished_ms IS NOT NULL AND OLD.ok IS 1),
    failures = failures - (OLD.finished_ms IS NOT NULL AND OLD.ok IS 0),
    priced = priced - (OLD.cost_nanos IS NOT NULL),
    cost_nanos = cost_nanos - ifnull(OLD.cost_nanos, 0),
    cost_squares = cost_squares - 1.0 * ifnull(OLD.cost_nanos, 0) * ifnull(OLD.cost_nanos, 0),
    scored = scored - 1,
    score = score - ifnull(OLD.score, OLD.ok),
    score_squares = score_squares - ifnull(OLD.score, OLD.ok) * ifnull(OLD.score, OLD.ok)
  WHERE experiment = OLD.experiment AND arm = OLD.arm
    AND OLD.finished_ms IS NOT NULL AND OLD.ok IS NOT NULL;
  UPDATE experiment_tallies SET
    successes = successes + (NEW.ok IS 1),
    failures = failures + (NEW.ok IS 0),
    priced = priced + (NEW.cost_nanos IS NOT NULL),
    cost_nanos = cost_nanos + ifnull(NEW.cost_nanos, 0),
    cost_squares = cost_squares + 1.0 * ifnull(NEW.cost_nanos, 0) * ifnull(NEW.cost_nanos, 0),
    scored = scored + 1,
    score = score + ifnull(NEW.score, NEW.ok),
    score_squares = score_squares + ifnull(NEW.score, NEW.ok) * ifnull(NEW.score, NEW.ok)
  WHERE experiment = NEW.experiment AND arm = NEW.arm AND NEW.ok IS NOT NULL;
END;

-- What a person says of an answer counts for the arm it came from, whenever it is said.
CREATE TRIGGER routing_outcomes_judged AFTER INSERT ON routing_outcomes
WHEN NEW.source = 'feedback'
BEGIN
  UPDATE experiment_exposures
  SET ok = NEW.ok, score = ifnull(NEW.score, NEW.ok), judged = NEW.source
  WHERE decision_id = NEW.decision_id;
END;

INSERT INTO schema_migrations VALUES (9, '0009_evidence');

-- What was judged of each model's answers, by kind of work and by who judged; sums of weights as in
-- routing_outcomes. Carrying out a request says nothing of how good the answer was, nor does an
-- answer that was given again.
CREATE TABLE model_evidence (
  model TEXT NOT NULL,
  task_type TEXT NOT NULL,
  complexity TEXT NOT NULL,
  source TEXT NOT NULL,
  cases INTEGER NOT NULL,
  successes REAL NOT NULL,
  failures REAL NOT NULL,
  PRIMARY KEY (model, task_type, complexity, source)
) WITHOUT ROWID;

CREATE VIEW judged_outcomes AS
SELECT
  seq, model, task_type, complexity, source, weight * coalesce(score, ok) AS successes,
  weight * (1 - coalesce(score, ok)) AS failures
FROM routing_outcomes
WHERE source NOT IN ('execution', 'cache');

CREATE VIEW fresh_evidence AS
SELECT model, task_type, complexity, source, successes, failures
FROM judged_outcomes
WHERE seq > (SELECT outcomes FROM summary_state);

-- Before the other sums, which then move on the row that they are counted from.
CREATE TRIGGER summary_state_fold_evidence BEFORE UPDATE OF folds ON summary_state
BEGIN
  INSERT INTO model_evidence
  SELECT model, task_type, complexity, source, count(*), sum(successes), sum(failures)
  FROM fresh_evidence
  WHERE true
  GROUP BY 1, 2, 3, 4
  ON CONFLICT (model, task_type, complexity, source) DO UPDATE SET
    cases = cases + excluded.cases,
    successes = successes + excluded.successes,
    failures = failures + excluded.failures;
END;

INSERT INTO model_evidence
SELECT model, task_type, complexity, source, count(*), sum(successes), sum(failures)
FROM judged_outcomes
WHERE seq <= (SELECT outcomes FROM summary_state)
GROUP BY 1, 2, 3, 4;

INSERT INTO schema_migrations VALUES (10, '0010_learning');

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

INSERT INTO schema_migrations VALUES (11, '0011_judged_again');

-- Whoever judges an answer again takes back what was said before: of several judgements of one
-- decision, model and source only the latest counts.

-- 0: it counts. Otherwise a later one took its place, and the sums of judgements still hold it (1)
-- or do not (2).
ALTER TABLE routing_outcomes ADD COLUMN superseded INTEGER NOT NULL DEFAULT 0;
CREATE INDEX routing_outcomes_taken_back ON routing_outcomes (seq) WHERE superseded = 1;

UPDATE routing_outcomes
SET superseded = CASE WHEN seq > (SELECT outcomes FROM summary_state) THEN 2 ELSE 1 END
WHERE source NOT IN ('execution', 'cache') AND decision_id <> '' AND seq NOT IN (
  SELECT max(seq) FROM routing_outcomes
  WHERE source NOT IN ('execution', 'cache')
  GROUP BY decision_id, model, source);

-- A row that comes from another file and was replaced there replaces nothing here.
CREATE TRIGGER routing_outcomes_judged_again AFTER INSERT ON routing_outcomes
WHEN NEW.source NOT IN ('execution', 'cache') AND NEW.decision_id <> '' AND NEW.superseded = 0
BEGIN
  UPDATE routing_outcomes
  SET superseded = CASE WHEN seq > (SELECT outcomes FROM summary_state) THEN 2 ELSE 1 END
  WHERE decision_id = NEW.decision_id AND model = NEW.model AND source = NEW.source
    AND superseded = 0 AND +seq < NEW.seq;
END;

DROP TRIGGER summary_state_fold_evidence;
DROP VIEW fresh_evidence;
DROP VIEW judged_outcomes;
DROP VIEW fresh_performance;

-- What the sums of judgements lack, and what is to be taken out of them again.
CREATE VIEW fresh_outcomes AS
SELECT
  1 AS cases, model, task_type, complexity, source, ok, failure, score, weight, estimated_tokens,
  input_tokens + cache_read_tokens + cache_write_tokens AS sent_tokens
FROM routing_outcomes
WHERE seq > (SELECT outcomes FROM summary_state) AND superseded = 0
UNION ALL
SELECT
  -1, model, task_type, complexity, source, ok, failure, score, -weight, estimated_tokens,
  input_tokens + cache_read_tokens + cache_write_tokens
FROM routing_outcomes
WHERE superseded = 1 AND seq <= (SELECT outcomes FROM summary_state);

-- A score counts as that share of a success, and the rest of it as a failure. Only a call tells how
-- many tokens a prompt has.
CREATE VIEW fresh_performance AS
WITH scope(pooled) AS (VALUES (0), (1))
SELECT
  model, CASE WHEN pooled THEN '' ELSE task_type END AS task_type,
  source = 'execution' AS calls,
  weight * coalesce(score, ok) AS successes,
  weight * (1 - coalesce(score, ok)) AS failures,
  CASE WHEN source = 'execution' AND estimated_tokens > 0 AND sent_tokens > 0
    THEN weight * sent_tokens ELSE 0.0 END AS used_tokens,
  CASE WHEN source = 'execution' AND estimated_tokens > 0 AND sent_tokens > 0
    THEN weight * estimated_tokens ELSE 0.0 END AS estimated_tokens,
  cases
FROM scope CROSS JOIN fresh_outcomes
WHERE source <> 'cache'
  -- What the caller, a key or a limit caused says nothing about how good a model is.
  AND failure NOT IN ('auth', 'breaker_open', 'budget', 'cancelled', 'content_filter',
    'context_length', 'invalid_request', 'rate_limited');

CREATE VIEW fresh_evidence AS
SELECT
  model, task_type, complexity, source, cases, weight * coalesce(score, ok) AS successes,
  weight * (1 - coalesce(score, ok)) AS failures
FROM fresh_outcomes
WHERE source NOT IN ('execution', 'cache');

-- Before the other sums, which then move on the row that they are counted from.
CREATE TRIGGER summary_state_fold_evidence BEFORE UPDATE OF folds ON summary_state
BEGIN
  INSERT INTO model_evidence
  SELECT model, task_type, complexity, source, sum(cases), sum(successes), sum(failures)
  FROM fresh_evidence
  WHERE true
  GROUP BY 1, 2, 3, 4
  ON CONFLICT (model, task_type, complexity, source) DO UPDATE SET
    cases = cases + excluded.cases,
    successes = successes + excluded.successes,
    failures = failures + excluded.failures;
  DELETE FROM model_evidence WHERE cases <= 0;
  INSERT INTO model_performance
  SELECT model, task_type, 0, sum(successes), sum(failures), 0.0, 0.0
  FROM fresh_performance
  WHERE cases < 0
  GROUP BY 1, 2
  ON CONFLICT (model, task_type) DO UPDATE SET
    successes = successes + excluded.successes,
    failures = failures + excluded.failures;
  UPDATE routing_outcomes SET superseded = 2 WHERE superseded = 1;
END;

UPDATE summary_state SET folds = folds + 1
WHERE EXISTS (SELECT 1 FROM routing_outcomes WHERE superseded = 1);

INSERT INTO schema_migrations VALUES (12, '0012_run_leases');

-- Who carries a run of a workflow out, so that no two processes pay for its steps at once.

-- One row per run that is held; holder is drawn anew each time. until_ms counts from when this
-- computer was started, by a clock that nobody sets (storage/run_leases.py).
CREATE TABLE workflow_leases (
  run_id TEXT PRIMARY KEY REFERENCES workflow_runs (run_id) ON DELETE CASCADE,
  holder TEXT NOT NULL,
  until_ms INTEGER NOT NULL
) WITHOUT ROWID;

COMMIT;
