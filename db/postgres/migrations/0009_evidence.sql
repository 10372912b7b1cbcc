-- What was judged of each model's answers, by kind of work and by who judged; sums of weights as in
-- routing_outcomes. Carrying out a request says nothing of how good the answer was, nor does an
-- answer that was given again.
CREATE TABLE model_evidence (
  model TEXT NOT NULL,
  task_type TEXT NOT NULL,
  complexity TEXT NOT NULL,
  source TEXT NOT NULL,
  cases BIGINT NOT NULL,
  successes DOUBLE PRECISION NOT NULL,
  failures DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (model, task_type, complexity, source)
);

CREATE VIEW judged_outcomes AS
SELECT
  seq, model, task_type, complexity, source, weight * coalesce(score, ok) AS successes,
  weight * (1 - coalesce(score, ok)) AS failures, fresh
FROM routing_outcomes
WHERE source NOT IN ('execution', 'cache');

CREATE VIEW fresh_evidence AS
SELECT model, task_type, complexity, source, successes, failures
FROM judged_outcomes
WHERE fresh;

-- Before the other sums, and before fold_records() marks the rows.
CREATE FUNCTION fold_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO model_evidence AS kept
  SELECT model, task_type, complexity, source, count(*), sum(successes), sum(failures)
  FROM fresh_evidence
  GROUP BY 1, 2, 3, 4
  ON CONFLICT (model, task_type, complexity, source) DO UPDATE SET
    cases = kept.cases + excluded.cases,
    successes = kept.successes + excluded.successes,
    failures = kept.failures + excluded.failures;
  RETURN NEW;
END $$;
CREATE TRIGGER summary_state_fold_evidence BEFORE UPDATE OF folds ON summary_state
FOR EACH ROW EXECUTE FUNCTION fold_evidence();

INSERT INTO model_evidence
SELECT model, task_type, complexity, source, count(*), sum(successes), sum(failures)
FROM judged_outcomes
WHERE NOT fresh
GROUP BY 1, 2, 3, 4;
