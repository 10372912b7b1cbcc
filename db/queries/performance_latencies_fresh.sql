-- The same of the rows that are not in the summaries yet.
SELECT model, task_type, measure, bin_ms, sum(weight)
FROM fresh_model_latencies
GROUP BY model, task_type, measure, bin_ms
