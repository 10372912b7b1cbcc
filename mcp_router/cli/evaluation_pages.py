"""The page and JSON of a trial on recorded outcomes."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

from mcp_router.cli.page import Bar, Column, Fields, Line, Notes, Page, Plot, Point, Table
from mcp_router.cli.text import UNKNOWN, rough_duration, spoken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_router.evaluation.intervals import Line as Scored
    from mcp_router.evaluation.intervals import Range
    from mcp_router.evaluation.trial import Trial

_COLUMNS = (
    Column(""),
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
    Column(""),
)
_WRONG = 8


def evaluation_page(trial: Trial, *, about: str, dropped: Sequence[str]) -> Page:
    """Build the verdict, the table of policies, their plot and what the predictions are worth."""
    letters = {
        one.policy: letter for one, letter in zip(trial.lines, ascii_lowercase, strict=False)
    }
    rows = tuple((letters[one.policy], *_row(one)) for one in trial.lines)
    bins = tuple(
        (f"{one.predicted:.2f}", f"{one.observed:.2f}", f"{one.size:,}", Bar(one.observed))
        for one in trial.bins
    )
    left = f"No price, or judged too seldom, so left out: {', '.join(dropped)}."
    return Page(
        (
            Line(verdict(trial), tone="title"),
            Line(_basis(trial, about=about)),
            Table(_COLUMNS, rows, marked=frozenset({0})),
            _plot(trial, letters),
            Fields(_fields(trial)),
            Table(_BINS, bins, title="Predicted quality"),
            *_types(trial),
            Notes("warning", (left,) if dropped else ()),
        )
    )


def evaluation_json(
    trial: Trial, *, about: str, dropped: Sequence[str], seed: int
) -> dict[str, Any]:
    """Build the JSON of a trial: costs in USD per request, shares from 0 to 1."""
    return {
        "data": about,
        "seed": seed,
        "splits": trial.splits,
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
        "over_splits": None
        if trial.spread is None
        else {name: one._asdict() for name, one in trial.spread._asdict().items()},
        "task_types": None if trial.types is None else trial.types._asdict(),
        "latency_ms": {
            name: {"p50": half, "p95": most} for name, (half, most) in trial.latencies.items()
        },
        "left_out": list(dropped),
    }


def verdict(trial: Trial) -> str:
    """Say in one sentence whether anything is saved, and whether the quality holds."""
    first = trial.lines[0]
    saved = percent(first.saved).replace(" ", " % ", 1)
    gained = points(first.gained).replace(" ", " points ", 1)
    name = f"The {first.policy}" if first.policy in ("learner", "rule") else first.policy
    said = {
        "saves": f"{name} saves {saved} of the cost at equal quality: {gained}.",
        "worse": f"{name} saves nothing at equal quality: {saved} cheaper, but worse: {gained}.",
        "unsure": f"{name} saves {saved} of the cost; whether at equal quality is not sure: "
        f"{gained}.",
        "nothing": f"{name} saves nothing for certain: {saved} of the cost, {gained}.",
    }[trial.verdict]
    return said[0].upper() + said[1:]


def percent(found: Range) -> str:
    """Write a share with its interval: "12.3 (10 to 14)"."""
    value, low, high = (100 * one for one in found)
    return f"{value:.1f} ({low:.0f} to {high:.0f})"


def points(found: Range) -> str:
    """Write a difference in score with its interval, in points: "+1.2 (-0.3 to +2.7)"."""
    value, low, high = (100 * one for one in found)
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f})"


def _row(one: Scored) -> tuple[str, ...]:
    figures = (one.policy, f"{one.cost * 1000:.4g}", f"{one.quality:.3f}")
    if not any((*one.saved, *one.gained)):
        return (*figures, "", "")
    return (*figures, percent(one.saved), points(one.gained))


def _basis(trial: Trial, *, about: str) -> str:
    times = "once" if trial.splits == 1 else f"{trial.splits} times"
    return (
        f"{about}. {trial.requests:,} requests, {len(trial.single)} models; the best single model "
        f"is {trial.best}. Saved and gained against it, with 95 % intervals. The requests were "
        f"halved {times}, and each half decided by what the other taught; the learner is what "
        "the router makes of as much evidence of your own."
    )


def _plot(trial: Trial, letters: Mapping[str, str]) -> Plot:
    """Draw the policies by letters, single models as x and the front of the learner as a line."""
    policies = [Point(letters[one.policy], one.cost, one.quality) for one in trial.lines]
    front = [Point("*", one.cost, one.quality, marked=True) for one in trial.front]
    known = {(one.cost, one.quality) for one in trial.lines}
    single = [Point("x", *one) for one in trial.single.values() if one not in known]
    return Plot(
        (*front, *single, *policies),
        x_title="$ per 1,000 requests; x: single models, *: the learner at other trade-offs",
        y_title="Quality",
        shown_x=_per_thousand,
    )


def _per_thousand(usd: float) -> str:
    return f"${1000 * usd:.3g}"


def _fields(trial: Trial) -> tuple[tuple[str, str], ...]:
    pair = trial.pair
    return (
        *_spread(trial),
        ("AIQ", f"{_figure(trial.aiq)}; {_figure(trial.aiq_single)} by mixing single models"),
        ("Pair", f"{pair.weak} and {pair.strong}"),
        ("APGR", f"{_figure(pair.apgr)}; {_figure(pair.apgr_by_length)} by length, 0.5 by chance"),
        ("CPT", f"{_figure(pair.cpt_50)} for half of the gap, {_figure(pair.cpt_80)} for 80 %"),
        ("ECE", _figure(trial.ece)),
        *(
            (
                f"Latency, {name}",
                f"{rough_duration(round(half))}; 95 % {rough_duration(round(most))}",
            )
            for name, (half, most) in trial.latencies.items()
        ),
    )


def _spread(trial: Trial) -> tuple[tuple[str, str], ...]:
    if trial.spread is None or trial.splits == 1:
        return ()
    saved, gained = trial.spread
    low, high = (f"{100 * one:.1f}" for one in (saved.low, saved.high))
    least, most = (f"{100 * one:+.1f}" for one in (gained.low, gained.high))
    return (("Splits", f"the learner saved {low} to {high} % at {least} to {most} points"),)


def _types(trial: Trial) -> tuple[Table, ...]:
    """List what the classifier took task types for, where it was wrong most often."""
    if trial.types is None:
        return ()
    counts = trial.types.counts
    wrong = sorted(
        (times, true, told)
        for true, row in counts.items()
        for told, times in row.items()
        if told != true
    )[::-1][:_WRONG]
    rows = tuple(
        (spoken(true), spoken(told), f"{times:,}", f"{sum(counts[true].values()):,}")
        for times, true, told in wrong
    )
    columns = (
        Column("True type", flexible=True),
        Column("Taken for", flexible=True),
        Column("Times", right=True),
        Column("Of", right=True),
    )
    return (Table(columns, rows, title=f"Task types: {trial.types.accuracy:.1%} right"),)


def _figure(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3f}"
