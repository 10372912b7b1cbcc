-- Weighted counts per model and task type; '' is all task types.
SELECT model, task_type, calls, successes, failures, used_tokens, estimated_tokens
FROM model_performance
