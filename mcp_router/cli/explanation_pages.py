"""Pages that show recorded decisions whole, in a list, and side by side."""

from __future__ import annotations

import math
from itertools import zip_longest
from typing import TYPE_CHECKING

from mcp_router.cli.decision_pages import (
    cost_line,
    percent,
    saved_line,
    task_line,
)
from mcp_router.cli.page import Column, Fields, Items, Line, Notes, Page, Table
from mcp_router.cli.text import duration, spoken, usd
from mcp_router.reporting.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.cli.page import Block
    from mcp_router.types import Candidate, Decision, Rejection

_COMPARED = 5


def explanation_page(decision: Decision) -> Page:
    """Build the page of a whole decision: reasons, full ranking, and every rejection."""
    recorded = decision.created_at.isoformat(sep=" ", timespec="seconds")
    head = [
        ("Decision", f"{decision.decision_id} of {recorded}"),
        ("Task", task_line(decision.classification)),
        ("Model", f"{decision.model} ({decision.provider})"),
        ("Why", decision.reason),
        ("Cost", cost_line(decision)),
        ("Saved", saved_line(decision)),
        ("If it fails", ", then ".join(decision.fallbacks)),
        ("Confidence", percent(decision.confidence)),
    ]
    blocks: list[Block] = [
        Fields(tuple((name, value) for name, value in head if value)),
        Items("Reasons", decision.reasons),
        Items("What would change the choice", decision.counterfactuals),
        _ranking(decision),
        _sureness(decision),
        _others(decision),
        *_ruled_out(decision.rejected),
        Notes("warning", decision.warnings),
    ]
    return Page(tuple(blocks))


def list_page(decisions: Sequence[Decision]) -> Page:
    """Build the list of recorded decisions, latest first."""
    if not decisions:
        return Page((Line("No decision is recorded yet."),))
    columns = (
        Column("Decision"),
        Column("UTC"),
        Column("Task", flexible=True),
        Column("Model", flexible=True),
    )
    return Page((Table(columns, tuple(map(_listed, decisions))),))


def replay_page(recorded: Decision, again: Decision, *, under: str) -> Page:
    """Build the page that sets a decision beside the same one under other settings."""
    columns = (Column(""), Column("Recorded", flexible=True), Column("Again", flexible=True))
    old, new = _summary(recorded), _summary(again)
    rows = tuple((name, old[name], new[name]) for name in old)
    same = recorded.model == again.model
    verdict = "The choice stays the same" if same else f"The choice becomes {again.model}"
    ranked = zip_longest(_top(recorded), _top(again), fillvalue="")
    places = tuple((f"{place}.", *pair) for place, pair in enumerate(ranked, start=1))
    blocks = (
        Line(f"{verdict} under {under}.", tone="title"),
        Table(columns, rows),
        Table(columns, places, title="Ranking"),
        Notes("warning", again.warnings),
    )
    return Page(blocks)


def _ranking(decision: Decision) -> Table:
    columns = (
        Column("Model", flexible=True),
        *(Column(title, right=True) for title in ("Score", "Cap.", "Cost", "Qual.", "Lat.")),
        Column("Hist.", right=True),
        Column("Price", right=True),
    )
    title = f"Ranking ({decision.strategy}): {counted(_count(decision), 'candidate')}"
    return Table(columns, tuple(map(_ranked, decision.candidates)), title=title)


def _ranked(one: Candidate) -> tuple[str, ...]:
    parts = tuple(f"{part:.2f}" for _, part in one.parts)
    return (one.model, f"{one.score:.3f}", *parts, usd(one.estimated_cost_usd))


def _sureness(decision: Decision) -> Items:
    """List how sure each candidate is; decisions of former versions did not say."""
    # Rounded down: 79.9% misses the 80% that is asked.
    told = [
        f"{one.model} {math.floor(100 * one.chance)}%"
        for one in decision.candidates
        if one.chance is not None
    ]
    floor = decision.quality_floor
    title = "" if floor is None else f"How sure they are to reach quality {floor:.2f}"
    return Items(title, (", ".join(told),) if told else ())


def _others(decision: Decision) -> Items:
    scores = ", ".join(f"{name} {score:.3f}" for name, score in decision.others.items())
    return Items("Further down, those good enough first", (scores,) if scores else ())


_BY = {"retired": "as retired"}


def _count(decision: Decision) -> int:
    return len(decision.candidates) + len(decision.others)


def _ruled_out(rejected: Sequence[Rejection]) -> list[Items]:
    filters: dict[str, dict[str, list[str]]] = {}
    for one in rejected:
        filters.setdefault(one.filter, {}).setdefault(one.reason, []).append(one.model)
    return [
        Items(
            f"Ruled out {_BY.get(name, f'by {name}')}: {sum(map(len, reasons.values()))}",
            tuple(f"{', '.join(models)}: {reason}" for reason, models in reasons.items()),
        )
        for name, reasons in filters.items()
    ]


def _listed(one: Decision) -> tuple[str, ...]:
    moment = f"{one.created_at:%m-%d %H:%M}"
    return (one.decision_id, moment, spoken(one.task_type), one.model)


def _summary(one: Decision) -> dict[str, str]:
    return {
        "Model": one.model,
        "Provider": one.provider,
        "Strategy": one.strategy,
        "Cost": usd(one.estimated.cost_usd),
        "Time": duration(one.estimated.latency_ms),
        "Confidence": percent(one.confidence),
        "If it fails": ", ".join(one.fallbacks),
        "Candidates": str(_count(one)),
        "Ruled out": str(len(one.rejected)),
    }


def _top(one: Decision) -> list[str]:
    return [f"{c.model} {c.score:.3f}" for c in one.candidates[:_COMPARED]]
