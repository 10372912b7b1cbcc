"""The pages of the demo."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from mcp_router.cli.page import Column, Fields, Line, Page, Table
from mcp_router.cli.rehearsal import PROMPT
from mcp_router.cli.text import duration, share, shortened, spoken, usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.cli.rehearsal import Rehearsal
    from mcp_router.types import Attempt, Decision

_PROMPT_CELLS = 76


def samples_page(prompts: Sequence[str], decisions: Sequence[Decision]) -> Page:
    """Build the page of the samples: each prompt with its model, price and reason."""
    columns = (
        Column("Task"),
        Column("Complexity"),
        Column("Model", flexible=True),
        Column("Cost", right=True),
        Column("Saved", right=True),
    )
    table = Table(
        columns,
        tuple(map(_row, decisions)),
        above=tuple(
            f"{number}. {shortened(prompt, cells=_PROMPT_CELLS)}"
            for number, prompt in enumerate(prompts, start=1)
        ),
        below=tuple(map(_why, decisions)),
    )
    blocks = (
        Line("Which model should do it?", tone="title"),
        table,
        Line(_total(decisions), tone="title"),
        Line("These are recommendations with estimated costs: no model was called."),
    )
    return Page(blocks)


def rehearsal_page(shown: Rehearsal) -> Page:
    """Build the page of a prompt that fell back: every attempt, the answer and the money."""
    done = shown.result
    columns = (
        Column("Attempt"),
        Column("What happened", flexible=True),
        Column("Waited", right=True),
        Column("Took", right=True),
        Column("Cost", right=True),
    )
    rows = tuple(
        (
            tried.model,
            _what(tried, shown),
            duration(waited),
            duration(tried.latency_ms),
            _paid(tried),
        )
        for tried, waited in zip(done.attempts, shown.waits_ms, strict=True)
    )
    ledger = (
        f"Ledger: {usd(shown.spent)} spent, all attempts counted, {usd(shown.reserved)} still "
        f"reserved. {len(done.attempts)} attempts, one answer, {duration(done.latency_ms)}."
    )
    blocks = (
        Line("And when a model fails?", tone="title"),
        Line(f"Task: {PROMPT}"),
        Table(columns, rows, marked=frozenset({len(rows) - 1})),
        Line(f"Answer: {done.content}"),
        Line(ledger),
        Line(
            "These three models were simulated by a server on this machine: their answers and "
            "prices are made up, and nothing was spent. The connections, the fallback and the "
            "ledger were real."
        ),
    )
    return Page(blocks)


def next_page(offers: Sequence[str], *, program: str) -> Page:
    """Build the page of what to do next; `offers` are what the program can call a real model with.

    `program` is how the reader's shell finds it.
    """
    real = tuple(("For real", offer) for offer in offers[:_OFFERS])
    keyless = ("For real", f'set a key such as ANTHROPIC_API_KEY, then: {program} run "…"')
    following = tuple((what, f"{program} {line}") for what, line in _NEXT)
    return Page((Fields((*(real or (keyless,)), *following), title="Next"),))


_OFFERS = 3
_NEXT = (
    ("Route your own", 'route "Fix the login bug"'),
    ("Then see why", "explain"),
    ("For Claude Code", "install claude-code"),
    ("Everything else", "--help"),
)


def _what(tried: Attempt, shown: Rehearsal) -> str:
    if tried.outcome == "ok":
        return "answered whole"
    begun = shown.void.get(tried.model)
    return f'broke off after "{begun.strip()}"' if begun else tried.reason or tried.outcome


def _paid(tried: Attempt) -> str:
    return usd(Decimal() if tried.cost_usd is None else tried.cost_usd)


def _row(decision: Decision) -> tuple[str, ...]:
    base = decision.baseline
    return (
        spoken(decision.task_type),
        decision.complexity,
        decision.model,
        usd(decision.estimated.cost_usd),
        "" if base is None else share(base.saved_usd, of=base.cost_usd),
    )


def _why(decision: Decision) -> str:
    # The price stands in the row above already.
    return decision.reason.replace(f", about {usd(decision.estimated.cost_usd)}.", ".")


def _total(decisions: Sequence[Decision]) -> str:
    bases = [one.baseline for one in decisions if one.baseline is not None]
    always = sum((base.cost_usd for base in bases), Decimal())
    saved = sum((base.saved_usd for base in bases), Decimal())
    names = ", ".join(dict.fromkeys(base.model for base in bases))
    return (
        f"Together about {usd(always - saved)} instead of {usd(always)} with always {names}: "
        f"saves {usd(saved)} ({share(saved, of=always)})."
    )
