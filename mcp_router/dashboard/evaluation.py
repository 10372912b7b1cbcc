"""A trial on recorded outcomes as a page of its own, in the style of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.dashboard import evaluation_charts as charts
from mcp_router.dashboard.blocks import FULL, Tile, card, chart, table, tile
from mcp_router.dashboard.html import Html, element, joined
from mcp_router.dashboard.page import document
from mcp_router.reporting.text import duration, spoken
from mcp_router.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_router.evaluation.intervals import Line, Range
    from mcp_router.evaluation.trial import Trial
    from mcp_router.evaluation.types import Confusion

_TONES = {"saves": "good", "unsure": "warn", "worse": "bad", "nothing": "warn"}


def evaluation_document(trial: Trial, *, verdict: str, about: str, dropped: Sequence[str]) -> str:
    """Build the page; `verdict` is its first sentence, `about` names the data and the prices.

    Raises:
        ChartsMissingError: the extra `report` is not installed.
    """
    content = joined(
        element(
            "header",
            element("h1", "Evaluation"),
            element("p", element("b", verdict)),
            element("p", f"{about}. {_basis(trial)}", class_="made"),
        ),
        element("dl", [tile(one) for one in _tiles(trial)], class_="tiles"),
        element("div", list(_sections(trial, dropped=dropped)), class_="cards"),
        element("footer", f"mcp-router {__version__}. Made on this machine; nothing was sent."),
    )
    return document(content, title="Model router evaluation")


def _basis(trial: Trial) -> str:
    times = "once" if trial.splits == 1 else f"{trial.splits} times"
    return (
        f"{trial.requests:,} requests and {len(trial.single)} models; the requests were halved "
        f"{times}, and each half decided by what the other taught."
    )


def _tiles(trial: Trial) -> Iterator[Tile]:
    first, pair = trial.lines[0], trial.pair
    tone = _TONES[trial.verdict]
    yield Tile("Saved", f"{100 * first.saved.value:.1f} %", f"by the {first.policy}", tone)
    yield Tile("Quality gained", f"{100 * first.gained.value:+.1f}", "points, 95 % interval below")
    yield Tile("Best single model", f"{trial.single[trial.best].quality:.3f}", trial.best)
    yield Tile("APGR", _figure(pair.apgr), f"{_figure(pair.apgr_by_length)} by length")
    yield Tile("Calibration error", _figure(trial.ece), "of predicted quality, ten bins")


def _sections(trial: Trial, *, dropped: Sequence[str]) -> Iterator[Html]:
    yield card(
        "Cost and quality",
        chart("Cost and quality", lambda size: charts.front(trial, size=size), sizes=FULL),
        _key(trial.lines[0].policy),
        lead="Mean quality over mean cost of a request; the line is the learner at all trade-offs.",
        wide=True,
    )
    columns = ("Policy", "$ per 1,000", "Quality", "Saved %", "Gained points")
    yield card(
        "Policies",
        table(columns, [_row(one) for one in trial.lines]),
        lead=f"Saved and gained against always {trial.best}, with 95 % intervals.",
        wide=True,
    )
    yield card(
        "Predicted quality",
        chart("Reliability", lambda size: charts.reliability(trial.bins, size=size)),
        lead="How often answers were good beside how often they were expected to be.",
    )
    yield card("Figures", table(("Figure", "Value"), list(_figures(trial)), texts=2))
    if trial.types is not None:
        yield _types(trial.types)
    if dropped:
        said = f"No price, or judged too seldom: {', '.join(dropped)}."
        yield card("Left out", element("p", said), wide=True)


def _types(found: Confusion) -> Html:
    rows = [
        (spoken(true), spoken(told), f"{times:,}")
        for true, row in found.counts.items()
        for told, times in row.items()
    ]
    return card(
        "Task types",
        table(("True type", "Taken for", "Times"), rows, texts=2, folded=f"All {len(rows)} pairs"),
        lead=f"{found.accuracy:.1%} were told right.",
        wide=True,
    )


def _row(one: Line) -> tuple[str, ...]:
    figures = (one.policy, f"{one.cost * 1000:.4g}", f"{one.quality:.3f}")
    if not any((*one.saved, *one.gained)):
        return (*figures, "", "")
    return (*figures, _spanned(one.saved, ".1f"), _spanned(one.gained, "+.1f"))


def _spanned(found: Range, form: str) -> str:
    value, low, high = (format(100 * one, form) for one in found)
    return f"{value} ({low} to {high})"


def _figures(trial: Trial) -> Iterator[tuple[str, str]]:
    pair = trial.pair
    yield "AIQ", f"{_figure(trial.aiq)}; {_figure(trial.aiq_single)} by mixing single models"
    yield "Pair", f"{pair.weak} and {pair.strong}"
    yield "CPT for half of the gap", _figure(pair.cpt_50)
    yield "CPT for 80 %", _figure(pair.cpt_80)
    if trial.spread is not None and trial.splits > 1:
        saved, gained = trial.spread
        yield "Saved over the splits", f"{100 * saved.low:.1f} to {100 * saved.high:.1f} %"
        yield "Gained over them", f"{100 * gained.low:+.1f} to {100 * gained.high:+.1f} points"
    for name, (half, most) in trial.latencies.items():
        yield f"Latency, {name}", f"{duration(round(half))}; 95 % {duration(round(most))}"


def _key(first: str) -> Html:
    names = (first, "other policies", "single models")
    swatches = [
        element("li", element("span", class_=f"swatch c{place}", aria_hidden="true"), name)
        for place, name in zip((1, 3, 6), names, strict=True)
    ]
    return element("ul", swatches, class_="key")


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
