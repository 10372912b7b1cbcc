-- Recording the same decision again changes nothing. The details come as bytes of UTF-8.
INSERT INTO routing_decisions (
  decision_id, created_ms, model, provider, task_type, complexity, pattern, strategy, confidence,
  estimated_nanos, baseline_nanos, input_tokens, output_tokens, latency_ms, prompt_hash, details,
  project, session, category, prompt, features
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), ?, ?, ?, ?, ?)
ON CONFLICT (decision_id) DO NOTHING
