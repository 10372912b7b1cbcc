-- Changes whenever a report would: the last row of each table, and what the ledger holds.
SELECT
  (SELECT coalesce(max(seq), 0) FROM routing_decisions),
  (SELECT coalesce(max(seq), 0) FROM routing_outcomes),
  (SELECT coalesce(max(seq), 0) FROM fallback_events),
  (SELECT coalesce(sum(limit_nanos), 0) + coalesce(sum(spent_nanos), 0)
    + coalesce(sum(reserved_nanos), 0) FROM budget_tracking)
