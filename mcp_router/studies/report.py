"""What an experiment shows: each arm with its intervals, and the verdict in one sentence."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.experiments.means import cost_interval
from mcp_router.experiments.tally import Tally, by_score, mean_cost, mean_score, rate, results
from mcp_router.experiments.telling import sentence
from mcp_router.experiments.treatment import rules_of
from mcp_router.experiments.verdict import duels_of, success_rates, verdict
from mcp_router.studies.live import running_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mcp_router.config.experiments import ExperimentSettings
    from mcp_router.experiments.proportions import Interval
    from mcp_router.experiments.verdict import Comparison, Verdict
    from mcp_router.storage.exposures import Exposures, StoredExperiment


class ArmReport(NamedTuple):
    """One arm: rates and scores from 0 to 1, money in USD per task, `latency_ms` the median.

    Intervals hold at every moment at once. The last three compare with the control, this arm
    minus that one. None is not known, or not known yet.
    """

    arm: str
    changes: Mapping[str, object]
    stopped: str
    results: int
    success: float | None
    success_interval: Interval | None
    score: float | None
    score_interval: Interval | None
    cost_usd: Decimal | None
    latency_ms: int | None
    success_difference: Interval | None = None
    score_difference: Interval | None = None
    cost_difference: Interval | None = None


class ExperimentReport(NamedTuple):
    """An experiment: `state` is declared, running, stopped or decided.

    `verdict` is running, winner or same; `sentence` says it in words.
    """

    name: str
    state: str
    metric: str
    control: str
    tasks: tuple[str, ...]
    started: datetime | None
    ended: datetime | None
    arms: tuple[ArmReport, ...]
    verdict: str
    winner: str | None
    sentence: str


def report_on(stored: StoredExperiment, *, log: Exposures) -> ExperimentReport | None:
    """Report on a started experiment; None for one that another version wrote.

    Raises:
        StorageError: the database could not be read.
    """
    running = running_of(stored)
    if running is None:
        return None
    plan, rules = running.plan, rules_of(running.plan)
    seen = {tally.arm: tally for tally in log.tallies(stored.name)}
    tallies = [seen.get(name, Tally(name)) for name in plan.arms]
    found = verdict(tallies, rules=rules)
    latencies = log.latencies(stored.name, arms=list(plan.arms))
    return ExperimentReport(
        stored.name,
        stored.state,
        plan.metric,
        plan.base,
        plan.tasks,
        stored.started,
        stored.ended,
        tuple(
            _arm(tally, tallies, plan=plan, found=found)._replace(
                stopped=stored.stopped.get(tally.arm, ""), latency_ms=latencies[tally.arm]
            )
            for tally in tallies
        ),
        found.state,
        found.winner,
        "ended without a verdict"
        if stored.ended is not None and found.state == "running"
        else sentence(tallies, control=plan.base, found=found, rules=rules),
    )


def declared(name: str, *, plan: ExperimentSettings) -> ExperimentReport:
    """Describe an experiment of the settings that was never started."""
    arms = tuple(
        ArmReport(arm, _changes(plan, arm), "", 0, None, None, None, None, None, None)
        for arm in plan.arms
    )
    sentence = f"not started: mcp-router experiment start {name}"
    return ExperimentReport(
        name,
        "declared",
        plan.metric,
        plan.base,
        plan.tasks,
        None,
        None,
        arms,
        "running",
        None,
        sentence,
    )


def _arm(
    tally: Tally, tallies: list[Tally], *, plan: ExperimentSettings, found: Verdict
) -> ArmReport:
    each = plan.alpha / len(tallies)
    versus = _versus(tally.arm, plan=plan, found=found)
    mean = mean_cost(tally)
    return ArmReport(
        tally.arm,
        _changes(plan, tally.arm),
        "",
        results(tally),
        rate(tally),
        success_rates(tallies, alpha=plan.alpha).get(tally.arm),
        mean_score(tally),
        cost_interval(by_score(tally), alpha=each),
        None if mean is None else round(Decimal(mean), 9),
        None,
        versus.success if versus and results(tally) else None,
        versus.score if versus else None,
        versus.cost if versus else None,
    )


def _versus(arm: str, *, plan: ExperimentSettings, found: Verdict) -> Comparison | None:
    duels = duels_of(arm, found.comparisons) if arm != plan.base else []
    return next((duel for duel in duels if duel.other == plan.base), None)


def _changes(plan: ExperimentSettings, arm: str) -> Mapping[str, object]:
    return plan.arms[arm].model_dump(mode="json", exclude_defaults=True, exclude={"weight"})
