"""The page and JSON of a benchmark: a table of models, and their quality over cost as a plot."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

from mcp_router.cli.page import Column, Fields, Line, Notes, Page, Plot, Point, Table
from mcp_router.cli.text import UNKNOWN, duration, spoken, usd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_router.evaluation.benchmark import Standing
    from mcp_router.workflows.batch import BatchSummary

_COLUMNS = (
    Column(""),
    Column("Model", flexible=True),
    Column("Quality", right=True),
    Column("95 %", right=True),
    Column("$ per 1,000", right=True),
    Column("p50", right=True),
    Column("Answers", right=True),
    Column("Failed", right=True),
)


def benchmark_page(
    found: Sequence[Standing],
    *,
    summary: BatchSummary | None,
    output: str,
    notes: Sequence[str] = (),
) -> Page:
    """Build the page; without a summary the run was broken off."""
    overall = [one for one in found if not one.kind]
    letters = {one.model: letter for one, letter in zip(overall, ascii_lowercase, strict=False)}
    best = [one.model for one in overall if one.efficient]
    title = f"Efficient, as no other is as good and as cheap: {', '.join(best)}." if best else ""
    tables = [_table(overall, letters, title="All tasks")]
    for kind in dict.fromkeys(one.kind for one in found if one.kind):
        rows = [one for one in found if one.kind == kind]
        tables.append(_table(rows, letters, title=spoken(kind).capitalize()))
    return Page(
        (
            Line(title, tone="title"),
            *tables,
            _plot(overall, letters),
            Fields((*_spent(summary), ("Answers", output))),
            Notes("warning", (*notes, *_warnings(overall, summary))),
            Notes("hint", _hints(summary)),
        )
    )


def benchmark_json(
    found: Sequence[Standing], *, summary: BatchSummary | None, source: str
) -> dict[str, Any]:
    """Build the JSON of a benchmark: quality from 0 to 1, USD per answer, milliseconds."""
    overall = [one for one in found if not one.kind]
    return {
        "source": f"benchmark:{source}",
        "models": [_json(one) for one in overall],
        "tasks": [{"task_type": one.kind, **_json(one)} for one in found if one.kind],
        "efficient": [one.model for one in overall if one.efficient],
        "run": None if summary is None else summary.model_dump(mode="json"),
    }


def _json(one: Standing) -> dict[str, Any]:
    quality = one.quality
    return {
        "model": one.model,
        "answers": one.answers,
        "failed": one.failed,
        "quality": None if quality is None else round(quality.value, 6),
        "quality_low": None if quality is None else round(quality.low, 6),
        "quality_high": None if quality is None else round(quality.high, 6),
        "cost_usd": None
        if one.cost_usd is None
        else f"{one.cost_usd:.12f}".rstrip("0").rstrip("."),
        "latency_p50_ms": one.latency_p50_ms,
        "efficient": one.efficient,
    }


def _table(rows: Sequence[Standing], letters: Mapping[str, str], *, title: str) -> Table:
    marked = frozenset(index for index, one in enumerate(rows) if one.efficient)
    return Table(_COLUMNS, tuple(_row(one, letters) for one in rows), title=title, marked=marked)


def _row(one: Standing, letters: Mapping[str, str]) -> tuple[str, ...]:
    quality = one.quality
    return (
        _letter(one, letters),
        one.model,
        "none" if quality is None else f"{quality.value:.3f}",
        "" if quality is None else f"{quality.low:.2f} to {quality.high:.2f}",
        UNKNOWN if one.cost_usd is None else f"{_shown(float(one.cost_usd) * 1000)}",
        "" if one.latency_p50_ms is None else duration(one.latency_p50_ms),
        f"{one.answers:,}",
        f"{one.failed:,}" if one.failed else "",
    )


def _letter(one: Standing, letters: Mapping[str, str]) -> str:
    letter = letters.get(one.model, "")
    return letter.upper() if one.efficient else letter


def _plot(rows: Sequence[Standing], letters: Mapping[str, str]) -> Plot:
    points = tuple(
        Point(_letter(one, letters), float(one.cost_usd) * 1000, one.quality.value, one.efficient)
        for one in rows
        if one.quality is not None and one.cost_usd is not None
    )
    # One point is no picture.
    shown = points if len(points) > 1 else ()
    return Plot(shown, "$ per 1,000 answers", "Quality", _shown)


def _shown(dollars: float) -> str:
    return f"{dollars:,.0f}" if dollars >= 1_000 else f"{dollars:.4g}"


def _spent(summary: BatchSummary | None) -> list[tuple[str, str]]:
    if summary is None:
        return []
    cost = usd(summary.cost_usd)
    if summary.unpriced:
        cost += f", and {summary.unpriced} of unknown price"
    return [("Cost", cost)]


def _warnings(rows: Sequence[Standing], summary: BatchSummary | None) -> list[str]:
    told = [f"Stopped: {summary.stopped}"] if summary is not None and summary.stopped else []
    if len({one.answers for one in rows}) > 1:
        told.append("Not every model answered every prompt, so compare with care.")
    return told


def _hints(summary: BatchSummary | None) -> tuple[str, ...]:
    if summary is not None and summary.done + summary.reused == summary.total:
        return ()
    again = "Run the same line with --resume for the rest; nothing is paid for twice."
    if summary is not None and summary.stopped:
        return again, "With a smaller --max-tokens less is set aside for each answer."
    return (again,)
