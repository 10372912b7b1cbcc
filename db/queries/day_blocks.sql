-- Sums of the days of UTC in which anything was recorded.
SELECT
  start_s, decisions, calls, ok, fallbacks, input_tokens, output_tokens, cost_nanos,
  estimated_nanos, baseline_nanos
FROM cost_tracking
WHERE dimension = 'all' AND width_s = 86400 AND start_s >= :from_s AND start_s < :to_s
