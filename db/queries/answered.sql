-- How many tasks of each kind were run, and the tokens of the attempts that gave an answer. What the
-- caller gave up or asked wrongly would have got no answer of any other model either.
SELECT
  task_type, complexity,
  count(DISTINCT decision_id) FILTER (WHERE failure NOT IN ('cancelled', 'invalid_request')),
  count(*) FILTER (WHERE ok = 1 AND input_tokens IS NOT NULL),
  coalesce(sum(input_tokens) FILTER (WHERE ok = 1), 0),
  coalesce(sum(cache_read_tokens) FILTER (WHERE ok = 1), 0),
  coalesce(sum(cache_write_tokens) FILTER (WHERE ok = 1), 0),
  coalesce(sum(reasoning_tokens) FILTER (WHERE ok = 1), 0),
  coalesce(sum(output_tokens) FILTER (WHERE ok = 1), 0)
FROM routing_outcomes
WHERE source = 'execution' AND created_ms >= :from_ms AND created_ms < :to_ms
GROUP BY task_type, complexity
