-- The UTC days on which anything was recorded.
SELECT DISTINCT start_s FROM cost_tracking
WHERE dimension = 'all' AND width_s = 86400 AND start_s > :from_s - 86400 AND start_s < :to_s
UNION
SELECT DISTINCT start_s / 86400 * 86400 FROM fresh_costs
WHERE dimension = 'all' AND start_s >= :from_s AND start_s < :to_s
ORDER BY 1
