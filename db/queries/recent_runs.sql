-- The latest decisions that got an answer, with what it used and cost.
SELECT
  o.model, d.complexity, d.prompt_hash, coalesce(o.cost_nanos, 0),
  o.input_tokens + o.cache_read_tokens + o.cache_write_tokens, o.cache_read_tokens,
  o.reasoning_tokens, o.output_tokens, d.details
FROM (
  SELECT * FROM routing_decisions WHERE created_ms >= :from_ms ORDER BY seq DESC LIMIT :limit
) AS d
JOIN routing_outcomes AS o ON o.decision_id = d.decision_id
WHERE o.source = 'execution' AND o.ok = 1 AND o.input_tokens IS NOT NULL
ORDER BY d.seq DESC
