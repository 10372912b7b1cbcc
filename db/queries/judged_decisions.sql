-- The latest decisions whose chosen model was judged, with its mark, its cost and, where models were
-- tried, the chance it was chosen with. Answers of a fallback say nothing about the choice. Whoever
-- judges an answer again takes back what was said before; the marks of several are averaged.
SELECT
  d.model, d.task_type, d.complexity, judged.score,
  (SELECT sum(cost_nanos) FROM routing_outcomes AS o
    WHERE o.decision_id = d.decision_id AND o.model = d.model AND source = 'execution') AS cost_nanos,
  (SELECT propensity FROM learning_trials AS tried
    WHERE tried.decision_id = d.decision_id AND tried.model = d.model) AS propensity,
  d.details
FROM (
  SELECT decision_id, model, avg(coalesce(score, ok)) AS score
  FROM routing_outcomes
  WHERE seq IN (
    SELECT max(seq) FROM routing_outcomes
    WHERE source NOT IN ('execution', 'cache') OR score IS NOT NULL
    GROUP BY decision_id, model, source)
  GROUP BY decision_id, model
) AS judged
JOIN routing_decisions AS d ON d.decision_id = judged.decision_id AND d.model = judged.model
ORDER BY d.seq DESC
LIMIT :limit
