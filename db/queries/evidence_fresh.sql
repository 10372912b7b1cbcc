-- The same of the rows that are not in the sums yet.
SELECT model, task_type, complexity, source, count(*), sum(successes), sum(failures)
FROM fresh_evidence
GROUP BY model, task_type, complexity, source
