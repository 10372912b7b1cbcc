"""The page and JSON of a trial on recorded outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_router.cli.page import Column, Fields, Line, Notes, Page, Table
from mcp_router.cli.text import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.evaluation.intervals import Line as Scored
    from mcp_router.evaluation.intervals import Range
    from mcp_router.evaluation.trial import Trial

_COLUMNS = (
    Column("Policy", flexible=True),
    Column("$ per 1,000", right=True),
    Column("Quality", right=True),
    Column("Saved %", right=True),
    Column("Gained points", right=True),
)
_BINS = (
    Column("Predicted", right=True),
    Column("Observed", right=True),
    Column("Predictions", right=True),
)


def evaluation_page(trial: Trial, *, dropped: Sequence[str]) -> Page:
    """Build the verdict, the table of policies and what the predictions are worth."""
    title = Line(
        f"{trial.requests:,} requests, {len(trial.single)} models; the best single model is "
        f"{trial.best}. Saved and gained against it, with 95 % intervals."
    )
    rows = tuple(_row(one) for one in trial.lines)
    bins = tuple(
        (f"{one.predicted:.2f}", f"{one.observed:.2f}", f"{one.size:,}") for one in trial.bins
    )
    left = f"No price, or judged too seldom, so left out: {', '.join(dropped)}."
    return Page(
        (
            Line(verdict(trial), tone="title"),
            title,
            Table(_COLUMNS, rows, marked=frozenset({0})),
            Fields(_fields(trial)),
            Table(_BINS, bins, title="Predicted quality"),
            Notes("warning", (left,) if dropped else ()),
        )
    )


def evaluation_json(trial: Trial, *, dropped: Sequence[str], seed: int) -> dict[str, Any]:
    """Build the JSON of a trial: costs in USD per request, shares from 0 to 1."""
    return {
        "seed": seed,
        "requests": trial.requests,
        "best_single_model": trial.best,
        "verdict": trial.verdict,
        "policies": [
            {**one._asdict(), "saved": one.saved._asdict(), "gained": one.gained._asdict()}
            for one in trial.lines
        ],
        "front": [one._asdict() for one in trial.front],
        "models": {name: one._asdict() for name, one in trial.single.items()},
        "pair": trial.pair._asdict(),
        "reliability": [one._asdict() for one in trial.bins],
        "ece": trial.ece,
        "aiq": trial.aiq,
        "aiq_of_single_models": trial.aiq_single,
        "left_out": list(dropped),
    }


def verdict(trial: Trial) -> str:
    """Say in one sentence whether anything is saved, and whether the quality holds."""
    ours = trial.lines[0]
    saved = _percent(ours.saved).replace(" ", " % ", 1)
    gained = _points(ours.gained).replace(" ", " points ", 1)
    return {
        "saves": f"Saves {saved} of the cost at equal quality: {gained}.",
        "worse": f"Nothing is saved at equal quality: {saved} cheaper, but worse: {gained}.",
        "unsure": f"Saves {saved} of the cost, perhaps at a loss of quality: {gained}.",
        "nothing": f"Nothing is saved for certain: {saved} of the cost, {gained}.",
    }[trial.verdict]


def _row(one: Scored) -> tuple[str, ...]:
    figures = (one.policy, f"{one.cost * 1000:.4g}", f"{one.quality:.3f}")
    if not any((*one.saved, *one.gained)):
        return (*figures, "", "")
    return (*figures, _percent(one.saved), _points(one.gained))


def _fields(trial: Trial) -> tuple[tuple[str, str], ...]:
    pair = trial.pair
    return (
        ("AIQ", f"{_figure(trial.aiq)}; {_figure(trial.aiq_single)} by mixing single models"),
        ("Pair", f"{pair.weak} and {pair.strong}"),
        ("APGR", f"{_figure(pair.apgr)}; {_figure(pair.apgr_by_length)} by length, 0.5 by chance"),
        ("CPT", f"{_figure(pair.cpt_50)} for half of the gap, {_figure(pair.cpt_80)} for 80 %"),
        ("ECE", _figure(trial.ece)),
    )


def _percent(found: Range) -> str:
    value, low, high = (100 * one for one in found)
    return f"{value:.1f} ({low:.0f} to {high:.0f})"


def _points(found: Range) -> str:
    value, low, high = (100 * one for one in found)
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f})"


def _figure(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3f}"
