-- What was judged of each model's answers, by kind of work and by who judged; sums of weights as in
-- routing_outcomes. Carrying out a request says nothing of how good the answer was, nor does an
-- answer that was given again.
CREATE TABLE model_evidence (
  model TEXT NOT NULL,
  task_type TEXT NOT NULL,
  complexity TEXT NOT NULL,
  source TEXT NOT NULL,
  cases INTEGER NOT NULL,
  successes REAL NOT NULL,
  failures REAL NOT NULL,
  PRIMARY KEY (model, task_type, complexity, source)
) WITHOUT ROWID;

CREATE VIEW judged_outcomes AS
SELECT
  seq, model, task_type, complexity, source, weight * coalesce(score, ok) AS successes,
  weight * (1 - coalesce(score, ok)) AS failures
FROM routing_outcomes
WHERE source NOT IN ('execution', 'cache');

CREATE VIEW fresh_evidence AS
SELECT model, task_type, complexity, source, successes, failures
FROM judged_outcomes
WHERE seq > (SELECT outcomes FROM summary_state);

-- Before the other sums, which then move on the row that they are counted from.
CREATE TRIGGER summary_state_fold_evidence BEFORE UPDATE OF folds ON summary_state
BEGIN
  INSERT INTO model_evidence
  SELECT model, task_type, complexity, source, count(*), sum(successes), sum(failures)
  FROM fresh_evidence
  WHERE true
  GROUP BY 1, 2, 3, 4
  ON CONFLICT (model, task_type, complexity, source) DO UPDATE SET
    cases = cases + excluded.cases,
    successes = successes + excluded.successes,
    failures = failures + excluded.failures;
END;

INSERT INTO model_evidence
SELECT model, task_type, complexity, source, count(*), sum(successes), sum(failures)
FROM judged_outcomes
WHERE seq <= (SELECT outcomes FROM summary_state)
GROUP BY 1, 2, 3, 4;
