-- Summaries whose totals differ from those of dimension 'all' in days. There should be none.
WITH total AS (
  SELECT
    dimension, width_s, sum(decisions) AS decisions, sum(calls) AS calls,
    sum(fallbacks) AS fallbacks, sum(cost_nanos) AS cost, sum(baseline_nanos) AS baseline
  FROM cost_tracking
  GROUP BY dimension, width_s
)
SELECT one.dimension, one.width_s
FROM total AS one LEFT JOIN total AS whole ON whole.dimension = 'all' AND whole.width_s = 86400
WHERE (one.decisions, one.calls, one.fallbacks, one.cost, one.baseline) IS DISTINCT FROM
  (whole.decisions, whole.calls, whole.fallbacks, whole.cost, whole.baseline)
