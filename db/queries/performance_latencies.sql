-- Weighted histograms of latency per model and task type; '' is all task types.
SELECT model, task_type, measure, bin_ms, weight
FROM model_latencies
