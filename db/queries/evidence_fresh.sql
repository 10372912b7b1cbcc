-- The same of the rows that are not in the sums yet, or are to be taken out of them.
SELECT model, task_type, complexity, source, sum(cases), sum(successes), sum(failures)
FROM fresh_evidence
GROUP BY model, task_type, complexity, source
