-- Project, session and category default to those of the decision.
INSERT INTO routing_outcomes (
  decision_id, created_ms, model, provider, task_type, complexity, source, ok, failure, score,
  note, latency_ms, first_token_ms, estimated_tokens, input_tokens, cache_read_tokens,
  cache_write_tokens, reasoning_tokens, output_tokens, cost_nanos, weight,
  project, session, category
) VALUES (
  ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
  coalesce(?22, (SELECT project FROM routing_decisions WHERE decision_id = ?1), ''),
  coalesce(?23, (SELECT session FROM routing_decisions WHERE decision_id = ?1), ''),
  coalesce(?24, (SELECT category FROM routing_decisions WHERE decision_id = ?1), '')
)
