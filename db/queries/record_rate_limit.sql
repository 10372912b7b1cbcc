-- One row for each call that had to wait.
INSERT INTO rate_limit_events (decision_id, created_ms, model, provider, source, retry_after_ms)
VALUES (?, ?, ?, ?, ?, ?)
