"""Pages that show a decision in short, and a classification."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.cli.page import Column, Fields, Items, Notes, Page, Table
from mcp_router.cli.text import duration, share, spoken, usd

if TYPE_CHECKING:
    from mcp_router.cli.page import Block
    from mcp_router.types import Candidate, Classification, Decision

SHOWN_OPTIONS = 5
SHOWN_CHANGES = 4


def decision_page(decision: Decision) -> Page:
    """Build the card of a decision: task, choice, price, options and what comes next."""
    blocks: list[Block] = [
        Fields((*_choice(decision), *_figures(decision), *_aftermath(decision))),
        _options(decision),
        Items("What would change the choice", decision.counterfactuals[:SHOWN_CHANGES]),
        Notes("warning", decision.warnings),
        Notes("hint", (f"Every reason: mcp-router explain {decision.decision_id}",)),
    ]
    return Page(tuple(blocks), card="Recommendation")


def classification_page(found: Classification) -> Page:
    """Build the page of a classification."""
    rows = [
        ("Task", spoken(found.task_type)),
        ("Complexity", found.complexity),
        ("Pattern", spoken(found.pattern)),
        ("Needs", needs(found)),
        ("Tokens", f"about {found.input_tokens:,} in, {found.output_tokens:,} out"),
        ("Priority", f"{found.priority} of 5"),
        ("Language", found.language),
        ("Confidence", percent(found.confidence)),
    ]
    likely = tuple((spoken(name), percent(p)) for name, p in found.probabilities if p >= 0.005)
    table = Table((Column("Task type"), Column("Chance", right=True)), likely, title="Likeliest")
    return Page((Fields(tuple(rows)), table, Items("What spoke for it", found.cues)))


def task_line(found: Classification) -> str:
    """Say in one line what a task was understood to be."""
    kind = f"{spoken(found.task_type)}, {found.complexity}, {spoken(found.pattern)}"
    return f"{kind}; needs {needs(found)} (confidence {percent(found.confidence)})"


def needs(found: Classification) -> str:
    """Name what a task needs, or say that it is nothing special."""
    return ", ".join(spoken(need) for need in found.needs) or "nothing special"


def percent(part: float) -> str:
    """Write a share from 0 to 1 as a percentage."""
    return f"{part * 100:.0f}%"


def cost_line(decision: Decision) -> str:
    """Write the estimated cost with its range."""
    estimated = decision.estimated
    low, high = estimated.cost_low_usd, estimated.cost_high_usd
    between = "" if low is None or high is None or low == high else f" ({usd(low)} to {usd(high)})"
    return f"{usd(estimated.cost_usd)}{between}"


def saved_line(decision: Decision) -> str:
    """Say what the choice saves against always using one strong model, or ""."""
    base = decision.baseline
    if base is None or base.model == decision.model:
        return ""
    part = share(abs(base.saved_usd), of=base.cost_usd)
    if base.saved_usd < 0:
        return f"{usd(-base.saved_usd)} more than {base.model} would cost"
    return f"{usd(base.saved_usd)} ({part}) against always {base.model}"


def _choice(decision: Decision) -> list[tuple[str, str]]:
    return [
        ("Task", task_line(decision.classification)),
        ("Model", f"{decision.model} ({decision.provider})"),
        ("Why", decision.reason),
    ]


def _figures(decision: Decision) -> list[tuple[str, str]]:
    estimated = decision.estimated
    low, high = duration(estimated.latency_low_ms), duration(estimated.latency_high_ms)
    tokens = f"about {estimated.input_tokens:,} in, {estimated.output_tokens:,} out"
    rows = [
        ("Cost", cost_line(decision)),
        ("Tokens", tokens),
        ("Time", f"{duration(estimated.latency_ms)} ({low} to {high})"),
    ]
    saved = saved_line(decision)
    return [*rows, ("Saved", saved)] if saved else rows


def _aftermath(decision: Decision) -> list[tuple[str, str]]:
    rows = [("If it fails", ", then ".join(decision.fallbacks) or "nothing else fits")]
    if decision.needs_key:
        rows.append(("To run it", f"set {decision.needs_key}"))
    confidence = f"{percent(decision.confidence)} confident"
    return [*rows, ("Decision", f"{decision.decision_id} ({decision.strategy}, {confidence})")]


def _options(decision: Decision) -> Table:
    columns = (
        Column("Model", flexible=True),
        Column("Provider", flexible=True),
        Column("Score", right=True),
        Column("Quality", right=True),
        Column("Cost", right=True),
        Column("Time", right=True),
    )
    left = len(decision.candidates) + len(decision.others) - SHOWN_OPTIONS
    title = f"Options (and {left} more)" if left > 0 else "Options"
    rows = tuple(map(_option, decision.candidates[:SHOWN_OPTIONS]))
    return Table(columns, rows, title=title, marked=frozenset({0}))


def _option(one: Candidate) -> tuple[str, ...]:
    return (
        one.model,
        one.provider,
        f"{one.score:.3f}",
        f"{one.quality:.2f}",
        usd(one.estimated_cost_usd),
        duration(one.estimated_latency_ms),
    )
