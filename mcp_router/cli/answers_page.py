"""The page of several answers: who won and why, what each was worth, cost and took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.cli.page import Column, Line, Page, Table
from mcp_router.cli.text import duration, shortened, usd

if TYPE_CHECKING:
    from mcp_router.types import Completion, ModelAnswer

_EXCERPT = 60


def answers_page(done: Completion) -> Page:
    """Build the page; the winner stands out, and each answer shows how it begins."""
    columns = (
        Column("Answer of", flexible=True),
        *(Column(title, right=True) for title in ("Confidence", "Score", "Cost", "Time")),
        Column(""),
    )
    table = Table(
        columns,
        tuple(map(_row, done.answers)),
        marked=frozenset(at for at, one in enumerate(done.answers) if one.won),
        below=tuple(map(_below, done.answers)),
    )
    agreement = "" if done.agreement is None else f", agreement {done.agreement:.0%}"
    heading = f"{done.mode.value.capitalize()}{agreement}: {done.why}."
    return Page((Line(heading), table))


def _row(one: ModelAnswer) -> tuple[str, ...]:
    return (
        one.model,
        "" if one.confidence is None else f"{one.confidence:.0%}",
        "" if one.score is None else f"{one.score:.2f}",
        "unknown" if one.cost_usd is None else usd(one.cost_usd),
        duration(one.latency_ms),
        "won" if one.won else "",
    )


def _below(one: ModelAnswer) -> str:
    start = shortened(" ".join(one.content.split()), cells=_EXCERPT)
    quoted = f" \u201c{start}\u201d" if start else ""
    return f"{one.why}{quoted}".strip()
