-- Weighted sums of what was judged, by model, kind of work and who judged.
SELECT model, task_type, complexity, source, cases, successes, failures
FROM model_evidence
