"""The pages and the JSON of experiments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from mcp_router.cli.page import Column, Fields, Items, Line, Page, Table
from mcp_router.cli.text import clean, duration, usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.experiments.proportions import Interval
    from mcp_router.studies.report import ArmReport, ExperimentReport

_LISTED = (
    Column("Experiment"),
    Column("State"),
    Column("Arms", flexible=True),
    Column("Results", right=True),
    Column("Verdict", flexible=True),
)
_ARMS = (
    Column("Arm", flexible=True),
    Column("Results", right=True),
    Column("Success %", right=True),
    Column("Score", right=True),
    Column("Cost", right=True),
    Column("Time", right=True),
)


def list_page(reports: Sequence[ExperimentReport]) -> Page:
    """Build the list of experiments."""
    if not reports:
        return Page((Line("There are no experiments; describe one under [experiments.NAME]."),))
    return Page((Table(_LISTED, tuple(map(_listed, reports))),))


def report_page(report: ExperimentReport) -> Page:
    """Build the page of one experiment: verdict, arms, and what was stopped."""
    head = [
        ("State", _state(report)),
        ("Decides", report.metric),
        ("Tasks", ", ".join(report.tasks) or "all"),
        *((f"Arm {one.arm}", _changes(one)) for one in report.arms),
    ]
    rows = tuple(_arm(one, control=report.control) for one in report.arms)
    apart = [line for one in report.arms for line in _apart(one, control=report.control)]
    stopped = [f"{one.arm}: {one.stopped}" for one in report.arms if one.stopped]
    return Page(
        (
            Line(f"{report.name}: {report.sentence}.", tone="title"),
            Fields(tuple((clean(name), clean(value)) for name, value in head)),
            Table(_ARMS, rows),
            Items("Against the control", tuple(apart)),
            Items("Stopped", tuple(map(clean, stopped))),
        )
    )


def report_json(report: ExperimentReport) -> dict[str, Any]:
    """Build the JSON of an experiment: shares from 0 to 1, USD per task."""
    times = (report.started, report.ended)
    started, ended = (None if one is None else one.isoformat() for one in times)
    arms = [_arm_json(one) for one in report.arms]
    return {**report._asdict(), "started": started, "ended": ended, "arms": arms}


def _listed(report: ExperimentReport) -> tuple[str, ...]:
    seen = sum(one.results for one in report.arms)
    arms = ", ".join(one.arm for one in report.arms)
    return report.name, report.state, arms, f"{seen:,}", report.sentence


def _state(report: ExperimentReport) -> str:
    if report.started is None:
        return report.state
    told = f"{report.state} since {report.started:%Y-%m-%d %H:%M} UTC"
    if report.ended is None:
        return told
    return f"{report.state}, {report.started:%Y-%m-%d} to {report.ended:%Y-%m-%d %H:%M} UTC"


def _changes(arm: ArmReport) -> str:
    told: list[str] = []
    for name, value in arm.changes.items():
        if isinstance(value, Mapping):
            parts = cast("Mapping[str, float]", value).items()
            told.append(f"{name} " + ", ".join(f"{part} {weight:g}" for part, weight in parts))
        elif isinstance(value, list):
            told.append(f"{name} {', '.join(cast('list[str]', value))}")
        else:
            told.append(f"{name} {value}")
    return "; ".join(told) or "as the settings say"


def _arm(arm: ArmReport, *, control: str) -> tuple[str, ...]:
    name = f"{arm.arm} (control)" if arm.arm == control else arm.arm
    success = "" if arm.success is None else f"{100 * arm.success:.1f}"
    score = "" if arm.score is None else f"{arm.score:.2f}"
    if arm.success_interval is not None:
        low, high = (100 * one for one in arm.success_interval)
        success += f" ({low:.1f} to {high:.1f})"
    if arm.score_interval is not None:
        score += f" ({arm.score_interval.low:.2f} to {arm.score_interval.high:.2f})"
    cost = "" if arm.cost_usd is None else usd(arm.cost_usd)
    time = "" if arm.latency_ms is None else duration(arm.latency_ms)
    return name, f"{arm.results:,}", success, score, cost, time


def _apart(arm: ArmReport, *, control: str) -> list[str]:
    if arm.arm == control:
        return []
    told: list[str] = []
    if arm.success_difference is not None:
        told.append(f"success {_points(arm.success_difference)} points")
    if arm.score_difference is not None:
        told.append(f"score {_points(arm.score_difference)} points")
    if arm.cost_difference is not None:
        low, high = arm.cost_difference
        told.append(f"cost {low:+.3g} to {high:+.3g} USD per task")
    return [f"{arm.arm}: {', '.join(told)}"] if told else []


def _points(interval: Interval) -> str:
    return f"{100 * interval.low:+.1f} to {100 * interval.high:+.1f}"


def _arm_json(arm: ArmReport) -> dict[str, Any]:
    cost = None if arm.cost_usd is None else f"{arm.cost_usd:f}"
    apart = arm.cost_difference
    costs = None if apart is None else [f"{amount:.9f}" for amount in apart]
    changes = dict(arm.changes)
    return {**arm._asdict(), "changes": changes, "cost_usd": cost, "cost_difference": costs}
