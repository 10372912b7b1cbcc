-- The same of the rows that are not in the summaries yet.
SELECT
  model, task_type, sum(calls), sum(successes), sum(failures), sum(used_tokens),
  sum(estimated_tokens)
FROM fresh_performance
GROUP BY model, task_type
