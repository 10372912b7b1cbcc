-- The latest decisions with what came of each; answered is NULL where nothing was run, or all that
-- was run was given up.
SELECT
  decision_id, created_ms, model, provider, task_type, complexity, strategy, confidence,
  estimated_nanos, project, category,
  (SELECT count(*) FROM routing_outcomes AS o
    WHERE o.decision_id = d.decision_id AND source = 'execution') AS attempts,
  (SELECT max(ok) FROM routing_outcomes AS o
    WHERE o.decision_id = d.decision_id AND source IN ('execution', 'cache')
      AND failure <> 'cancelled') AS answered,
  (SELECT sum(cost_nanos) FROM routing_outcomes AS o
    WHERE o.decision_id = d.decision_id) AS cost_nanos,
  (SELECT model FROM routing_outcomes AS o
    WHERE o.decision_id = d.decision_id AND source IN ('execution', 'cache') AND ok = 1
    ORDER BY seq DESC LIMIT 1) AS answered_by,
  (SELECT latency_ms FROM routing_outcomes AS o
    WHERE o.decision_id = d.decision_id AND source IN ('execution', 'cache') AND ok = 1
    ORDER BY seq DESC LIMIT 1) AS latency_ms,
  details
FROM routing_decisions AS d
ORDER BY seq DESC
LIMIT :limit
