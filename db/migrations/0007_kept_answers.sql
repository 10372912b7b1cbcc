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
