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
