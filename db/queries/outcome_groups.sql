-- What came of each model on each kind of task. Calls are rows of source 'execution'; quality is
-- known only where somebody or something judged, the latest judgement of each counts, and a score
-- counts as that share of a success. What the caller gave up or asked wrongly is nobody's failure.
SELECT
  task_type, complexity, model,
  count(*) FILTER (WHERE source = 'execution'),
  count(*) FILTER (WHERE source = 'execution' AND ok = 1),
  count(*) FILTER (WHERE source = 'execution' AND failure IN ('cancelled', 'invalid_request')),
  count(*) FILTER (WHERE source = 'execution' AND cost_nanos IS NOT NULL),
  coalesce(sum(cost_nanos) FILTER (WHERE source = 'execution'), 0),
  coalesce(sum(1.0 * cost_nanos * cost_nanos) FILTER (WHERE source = 'execution'), 0.0),
  coalesce(sum(cost_nanos) FILTER (WHERE source = 'execution' AND ok = 0), 0),
  coalesce(sum(cost_nanos) FILTER (WHERE source <> 'execution'), 0),
  count(*)
    FILTER (WHERE superseded = 0 AND (source NOT IN ('execution', 'cache') OR score IS NOT NULL)),
  coalesce(sum(coalesce(score, ok))
    FILTER (WHERE superseded = 0 AND (source NOT IN ('execution', 'cache') OR score IS NOT NULL)),
    0.0)
FROM routing_outcomes
WHERE created_ms >= :from_ms AND created_ms < :to_ms
GROUP BY task_type, complexity, model
