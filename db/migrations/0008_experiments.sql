-- Experiments that are carried out: what each arm showed, as running sums, and what was said of the
-- answers later.

-- ok is whether the answer was good and score how good, from 0 to 1: judged is 'feedback' once a
-- person has said so, before that '' for what can be seen of the answer and what scorers gave it.
ALTER TABLE experiment_exposures ADD COLUMN score REAL;
ALTER TABLE experiment_exposures ADD COLUMN judged TEXT NOT NULL DEFAULT '';
ALTER TABLE experiment_exposures ADD COLUMN latency_ms INTEGER;
CREATE INDEX experiment_exposures_decision ON experiment_exposures (decision_id);

-- Kept by triggers: guard rails look at them after every call. met counts all exposures, the rest
-- only those with a result.
CREATE TABLE experiment_tallies (
  experiment TEXT NOT NULL,
  arm TEXT NOT NULL,
  met INTEGER NOT NULL,
  successes INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  priced INTEGER NOT NULL DEFAULT 0,
  cost_nanos INTEGER NOT NULL DEFAULT 0,
  cost_squares REAL NOT NULL DEFAULT 0,
  scored INTEGER NOT NULL DEFAULT 0,
  score REAL NOT NULL DEFAULT 0,
  score_squares REAL NOT NULL DEFAULT 0,
  PRIMARY KEY (experiment, arm)
) WITHOUT ROWID;
INSERT INTO experiment_tallies
SELECT experiment, arm, count(*), ifnull(sum(ok), 0), ifnull(sum(NOT ok), 0), count(cost_nanos),
  ifnull(sum(cost_nanos), 0), ifnull(sum(1.0 * cost_nanos * cost_nanos), 0.0), count(ok),
  ifnull(sum(ok), 0.0), ifnull(sum(ok), 0.0)
FROM experiment_exposures
GROUP BY experiment, arm;

CREATE TRIGGER experiment_exposures_met AFTER INSERT ON experiment_exposures BEGIN
  INSERT INTO experiment_tallies (experiment, arm, met) VALUES (NEW.experiment, NEW.arm, 1)
  ON CONFLICT (experiment, arm) DO UPDATE SET met = met + 1;
END;

CREATE TRIGGER experiment_exposures_summed
AFTER UPDATE OF finished_ms, ok, score, cost_nanos ON experiment_exposures
WHEN NEW.finished_ms IS NOT NULL
BEGIN
  UPDATE experiment_tallies SET
    successes = successes - (OLD.finished_ms IS NOT NULL AND OLD.ok IS 1),
    failures = failures - (OLD.finished_ms IS NOT NULL AND OLD.ok IS 0),
    priced = priced - (OLD.cost_nanos IS NOT NULL),
    cost_nanos = cost_nanos - ifnull(OLD.cost_nanos, 0),
    cost_squares = cost_squares - 1.0 * ifnull(OLD.cost_nanos, 0) * ifnull(OLD.cost_nanos, 0),
    scored = scored - 1,
    score = score - ifnull(OLD.score, OLD.ok),
    score_squares = score_squares - ifnull(OLD.score, OLD.ok) * ifnull(OLD.score, OLD.ok)
  WHERE experiment = OLD.experiment AND arm = OLD.arm
    AND OLD.finished_ms IS NOT NULL AND OLD.ok IS NOT NULL;
  UPDATE experiment_tallies SET
    successes = successes + (NEW.ok IS 1),
    failures = failures + (NEW.ok IS 0),
    priced = priced + (NEW.cost_nanos IS NOT NULL),
    cost_nanos = cost_nanos + ifnull(NEW.cost_nanos, 0),
    cost_squares = cost_squares + 1.0 * ifnull(NEW.cost_nanos, 0) * ifnull(NEW.cost_nanos, 0),
    scored = scored + 1,
    score = score + ifnull(NEW.score, NEW.ok),
    score_squares = score_squares + ifnull(NEW.score, NEW.ok) * ifnull(NEW.score, NEW.ok)
  WHERE experiment = NEW.experiment AND arm = NEW.arm AND NEW.ok IS NOT NULL;
END;

-- What a person says of an answer counts for the arm it came from, whenever it is said.
CREATE TRIGGER routing_outcomes_judged AFTER INSERT ON routing_outcomes
WHEN NEW.source = 'feedback'
BEGIN
  UPDATE experiment_exposures
  SET ok = NEW.ok, score = ifnull(NEW.score, NEW.ok), judged = NEW.source
  WHERE decision_id = NEW.decision_id;
END;
