-- Sums of the one block that begins so many seconds from a midnight of UTC. :midnights is a JSON
-- array of them.
SELECT
  midnight.value, decisions, calls, ok, fallbacks, input_tokens, output_tokens, cost_nanos,
  estimated_nanos, baseline_nanos
FROM json_array_elements_text(CAST(:midnights AS json)) AS listed(value)
CROSS JOIN LATERAL (SELECT listed.value::bigint AS value) AS midnight
CROSS JOIN cost_tracking AS block
WHERE block.dimension = 'all' AND block.width_s = :width_s
  AND block.start_s = midnight.value + :from_s
