-- Experiments that are carried out: what each arm showed, as running sums, and what was said of the
-- answers later.

ALTER TABLE experiment_exposures ADD COLUMN score DOUBLE PRECISION;
ALTER TABLE experiment_exposures ADD COLUMN judged TEXT NOT NULL DEFAULT '';
ALTER TABLE experiment_exposures ADD COLUMN latency_ms BIGINT;
CREATE INDEX experiment_exposures_decision ON experiment_exposures (decision_id);

-- Kept by triggers: guard rails look at them after every call. met counts all exposures, the rest
-- only those with a result.
CREATE TABLE experiment_tallies (
  experiment TEXT NOT NULL,
  arm TEXT NOT NULL,
  met BIGINT NOT NULL,
  successes BIGINT NOT NULL DEFAULT 0,
  failures BIGINT NOT NULL DEFAULT 0,
  priced BIGINT NOT NULL DEFAULT 0,
  cost_nanos BIGINT NOT NULL DEFAULT 0,
  cost_squares DOUBLE PRECISION NOT NULL DEFAULT 0,
  scored BIGINT NOT NULL DEFAULT 0,
  score DOUBLE PRECISION NOT NULL DEFAULT 0,
  score_squares DOUBLE PRECISION NOT NULL DEFAULT 0,
  PRIMARY KEY (experiment, arm)
);
INSERT INTO experiment_tallies
SELECT experiment, arm, count(*), coalesce(sum(ok), 0), coalesce(sum(1 - ok), 0),
  count(cost_nanos), coalesce(sum(cost_nanos), 0),
  coalesce(sum(1.0 * cost_nanos * cost_nanos), 0), count(ok), coalesce(sum(ok), 0),
  coalesce(sum(ok), 0)
FROM experiment_exposures
GROUP BY experiment, arm;

-- Adds a result to its arm, or with a sign of -1 takes it away.
CREATE FUNCTION tally_exposure(one experiment_exposures, sign bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF one.finished_ms IS NULL OR one.ok IS NULL THEN
    RETURN;
  END IF;
  UPDATE experiment_tallies SET
    successes = successes + sign * (one.ok = 1)::int,
    failures = failures + sign * (one.ok = 0)::int,
    priced = priced + sign * (one.cost_nanos IS NOT NULL)::int,
    cost_nanos = experiment_tallies.cost_nanos + sign * coalesce(one.cost_nanos, 0),
    cost_squares = cost_squares + sign * coalesce(one.cost_nanos, 0)::float8 * coalesce(one.cost_nanos, 0),
    scored = scored + sign,
    score = experiment_tallies.score + sign * coalesce(one.score, one.ok),
    score_squares = score_squares
      + sign * coalesce(one.score, one.ok)::float8 * coalesce(one.score, one.ok)
  WHERE experiment = one.experiment AND arm = one.arm;
END $$;

CREATE FUNCTION sum_exposures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO experiment_tallies AS kept (experiment, arm, met)
    VALUES (NEW.experiment, NEW.arm, 1)
    ON CONFLICT (experiment, arm) DO UPDATE SET met = kept.met + 1;
  ELSIF NEW.finished_ms IS NOT NULL THEN
    PERFORM tally_exposure(OLD, -1);
    PERFORM tally_exposure(NEW, 1);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER experiment_exposures_met AFTER INSERT ON experiment_exposures
FOR EACH ROW EXECUTE FUNCTION sum_exposures();
CREATE TRIGGER experiment_exposures_summed
AFTER UPDATE OF finished_ms, ok, score, cost_nanos ON experiment_exposures
FOR EACH ROW EXECUTE FUNCTION sum_exposures();

-- What a person says of an answer counts for the arm it came from, whenever it is said.
CREATE FUNCTION judge_exposure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE experiment_exposures
  SET ok = NEW.ok, score = coalesce(NEW.score, NEW.ok), judged = NEW.source
  WHERE decision_id = NEW.decision_id;
  RETURN NULL;
END $$;
CREATE TRIGGER routing_outcomes_judged AFTER INSERT ON routing_outcomes
FOR EACH ROW WHEN (NEW.source = 'feedback') EXECUTE FUNCTION judge_exposure();

-- As in SQLite: names and values, as the text of a JSON object; NULL of no rows.
CREATE FUNCTION json_group_step(jsonb, text, text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS 'SELECT coalesce($1, ''{}'') || jsonb_build_object($2, $3)';
CREATE FUNCTION json_group_text(jsonb) RETURNS text
LANGUAGE sql IMMUTABLE AS 'SELECT coalesce($1, ''{}'')::text';
CREATE AGGREGATE json_group_object(text, text) (
  SFUNC = json_group_step, STYPE = jsonb, FINALFUNC = json_group_text
);
