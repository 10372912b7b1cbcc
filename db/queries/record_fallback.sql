-- Project and category are those of the decision.
INSERT INTO fallback_events (
  decision_id, created_ms, task_type, from_model, from_provider, to_model, to_provider, failure,
  reason, project, category
) VALUES (
  ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,
  coalesce((SELECT project FROM routing_decisions WHERE decision_id = ?1), ''),
  coalesce((SELECT category FROM routing_decisions WHERE decision_id = ?1), '')
)
