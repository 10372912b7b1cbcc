-- Sums of several blocks that lie so many seconds from a midnight of UTC. :midnights is a JSON
-- array of them.
SELECT
  midnight.value, sum(decisions), sum(calls), sum(ok), sum(fallbacks), sum(input_tokens),
  sum(output_tokens), sum(cost_nanos), sum(estimated_nanos), sum(baseline_nanos)
FROM json_array_elements_text(CAST(:midnights AS json)) AS listed(value)
CROSS JOIN LATERAL (SELECT listed.value::bigint AS value) AS midnight
CROSS JOIN cost_tracking AS block
WHERE block.dimension = 'all' AND block.width_s = :width_s
  AND block.start_s >= midnight.value + :from_s AND block.start_s < midnight.value + :to_s
GROUP BY midnight.value
