-- Why calls gave no answer, per model, most frequent first.
SELECT model, failure, count(*)
FROM routing_outcomes
WHERE source = 'execution' AND ok = 0 AND created_ms >= :from_ms AND created_ms < :to_ms
GROUP BY model, failure
ORDER BY 3 DESC, 1, 2
