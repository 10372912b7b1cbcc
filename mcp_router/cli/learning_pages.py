"""The page that shows what was learnt and what it changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.cli.page import Column, Fields, Items, Line, Notes, Page, Table
from mcp_router.cli.text import spoken, usd

if TYPE_CHECKING:
    from mcp_router.cli.page import Block
    from mcp_router.reporting.learning import LearningReport, LearntEvent, LearntPair, LearntSwitch


def learning_page(report: LearningReport) -> Page:
    """Build the page: state, pairs of models, switched task types, latest changes."""
    blocks: list[Block] = [Fields((*_state(report), *_trying(report)))]
    if report.pairs:
        blocks.append(_pairs(report))
    elif report.judged < report.needed:
        left = report.needed - report.judged
        blocks.append(Line(f"The words of prompts count after {left:,} more judged answers."))
    else:
        blocks.append(Line("No two models have 30 judged answers each whose words are known."))
    if report.switches:
        blocks.append(_switches(report))
    blocks.append(Items("Latest changes", tuple(map(_event, report.events))))
    if not report.active:
        how = "mcp-router learn --on" if report.enabled else "learning.enabled = true"
        blocks.append(Notes("hint", (f"Switch it on with {how}.",)))
    elif not report.allowance_usd:
        hint = "To try cheaper models: mcp-router config --set learning.explore_usd_per_day 0.50"
        blocks.append(Notes("hint", (hint,)))
    return Page(tuple(blocks))


def _state(report: LearningReport) -> tuple[tuple[str, str], ...]:
    state = "on" if report.active else "off: no decision is changed by it"
    if report.resting:
        state = "on; switches and trying rest, as they lost more quality than they may"
    return ("Learning", state), ("Judged answers", f"{report.judged:,}")


def _trying(report: LearningReport) -> tuple[tuple[str, str], ...]:
    if not report.allowance_usd and not report.tried and not report.switched:
        return (("Trying models", "off: no allowance is set"),)
    today = f"{usd(report.spent_today_usd)} of {usd(report.allowance_usd)} a day"
    return (
        ("Trying models", f"{today}; {report.tried:,} in all for {usd(report.tried_usd)}"),
        ("Switched requests", f"{report.switched:,}"),
        ("Saved by both", f"{usd(report.saved_usd)}, estimated"),
    )


def _pairs(report: LearningReport) -> Table:
    columns = (
        Column("Models", flexible=True),
        Column("Judged", right=True),
        Column("Error less by", right=True),
        Column("95 %", right=True),
        Column("Words count"),
    )
    return Table(columns, tuple(map(_pair, report.pairs)), title="Learnt from the words of prompts")


def _pair(one: LearntPair) -> tuple[str, ...]:
    used = "yes" if one.on else "undone" if one.helps else "no"
    interval = f"{one.low:+.4f} to {one.high:+.4f}"
    return " / ".join(one.models), f"{one.judged:,}", f"{one.gain:+.4f}", interval, used


def _switches(report: LearningReport) -> Table:
    columns = (
        Column("Task", flexible=True),
        Column("From"),
        Column("To"),
        Column("Since"),
        Column("Sure", right=True),
        Column(""),
    )
    return Table(columns, tuple(map(_switch, report.switches)), title="Switched task types")


def _switch(one: LearntSwitch) -> tuple[str, ...]:
    undone = "undone" if one.undone else ""
    since = f"{one.since:%Y-%m-%d}"
    return spoken(one.task_type), one.usual, one.model, since, f"{one.chance:.0%}", undone


def _event(one: LearntEvent) -> str:
    task = f" {spoken(one.task_type)}" if one.task_type else ""
    return f"{one.at:%m-%d %H:%M} UTC{task} {one.kind}: {one.told}."
