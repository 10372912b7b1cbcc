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
