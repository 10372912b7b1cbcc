-- Summaries whose totals differ from those of dimension 'all' in days. There should be none.
WITH total AS (
  SELECT
    dimension, width_s, sum(decisions) AS decisions, sum(calls) AS calls,
    sum(fallbacks) AS fallbacks, sum(cost_nanos) AS cost, sum(baseline_nanos) AS baseline
  FROM cost_tracking
  GROUP BY dimension, width_s
)
SELECT dimension, width_s
FROM total
WHERE (decisions, calls, fallbacks, cost, baseline) IS NOT (
  SELECT decisions, calls, fallbacks, cost, baseline
  FROM total WHERE dimension = 'all' AND width_s = 86400)
