-- The same histograms of the rows that are not in the summaries yet, per hour.
SELECT start_s, name, provider, bin_ms, count(*)
FROM fresh_latencies
WHERE dimension = :dimension AND start_s >= :from_s AND start_s < :to_s
GROUP BY start_s, name, provider, bin_ms
