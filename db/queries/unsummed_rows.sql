-- How many decisions are recorded beyond those in the summaries; archived ones are only in these.
SELECT
  (SELECT count(*) FROM routing_decisions) - (SELECT coalesce(sum(decisions), 0) FROM (
    SELECT decisions FROM cost_tracking WHERE dimension = 'all' AND width_s = 2764800
    UNION ALL
    SELECT decisions FROM fresh_costs WHERE dimension = 'all') AS summed)
