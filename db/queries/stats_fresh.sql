-- The same sums of the rows that are not in the summaries yet, per quarter hour.
SELECT
  start_s, name, provider, sum(decisions), sum(calls), sum(ok), sum(fallbacks), sum(input_tokens),
  sum(output_tokens), sum(cost_nanos), sum(estimated_nanos), sum(baseline_nanos)
FROM fresh_costs
WHERE dimension = :dimension AND start_s >= :from_s AND start_s < :to_s
GROUP BY start_s, name, provider
