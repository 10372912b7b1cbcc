"""The answer of an execution: the model's own text, cut where it is too long, and one line of ours.

The text is another model's and only passed on; what the router says stands below the rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp.types import CallToolResult, TextContent

from mcp_router.money import short_usd, to_nanos
from mcp_router.server.plain import label, plain

if TYPE_CHECKING:
    from mcp_router.types import Attempt, Completion

MAX_ANSWER_CHARS = 200_000
"""About 50,000 tokens: more would fill the context of the host's own model."""

MAX_RESULT_CHARS = 205_000
RESULT_SIZE_KEY = "anthropic/maxResultSizeChars"
"""Under this key Claude Code is told how long a result may be before it puts it into a file."""

MAX_NOTES_CHARS = 2_000
MAX_REASON_CHARS = 100


def completion_answer(done: Completion, *, attempts: int) -> CallToolResult:
    """Build the answer of `execute_with_fallback` after so many attempts."""
    text = plain(_encodable(done.content))
    notes = [*_of_several(done), *done.warnings]
    if len(text) > MAX_ANSWER_CHARS:
        notes.insert(0, _cut_note(len(text)))
        text = text[:MAX_ANSWER_CHARS] + " … [cut]"
    if done.tool_calls:
        names = ", ".join(sorted({call.name for call in done.tool_calls}))
        notes.insert(0, f"the model called tools that it was not given: {names}")
    lines = [text, "", "---", footer(done, attempts=attempts)]
    told = plain(_encodable("\n".join(f"Note: {note}." for note in notes)))[:MAX_NOTES_CHARS]
    return CallToolResult(
        content=[TextContent(type="text", text="\n".join([*lines, *([told] if told else [])]))],
        _meta={RESULT_SIZE_KEY: MAX_RESULT_CHARS},
    )


def footer(done: Completion, *, attempts: int) -> str:
    """Say in one line who answered, after how many attempts, for how much, and how fast."""
    who = label(f"{done.model} ({done.provider})")
    if done.cached:
        return f"{who}, a kept answer, $0, {done.decision_id}"
    failed = [one for one in done.attempts if one.outcome != "ok"]
    why = f" ({'; '.join(map(_failure, failed))})" if failed else ""
    tries = f"{attempts} attempt{'' if attempts == 1 else 's'}{why}"
    seconds = f"{done.latency_ms / 1000:.1f} s"
    return f"{who}, {label(tries)}, {_cost(done)}, {seconds}, {done.decision_id}"


def _of_several(done: Completion) -> list[str]:
    """Say who won among several; without the words of any answer, which are not ours."""
    if not done.answers:
        return []
    sure = "" if done.confidence is None else f", confidence {done.confidence:.0%}"
    same = "" if done.agreement is None else f", agreement {done.agreement:.0%}"
    return [f"{done.mode}: {done.model} won among {len(done.answers)} answers{sure}{same}"]


def _failure(tried: Attempt) -> str:
    reason = tried.reason or tried.outcome
    return f"{tried.model}: {reason.rstrip('.')[:MAX_REASON_CHARS]}"


def _cost(done: Completion) -> str:
    if done.cost_usd is None:
        return "cost unknown"
    lost = [one.cost_usd for one in done.attempts if one.outcome != "ok" and one.cost_usd]
    more = f" + ${short_usd(sum(map(to_nanos, lost)))} for failed attempts" if lost else ""
    return f"${short_usd(to_nanos(done.cost_usd))}{more}"


def _cut_note(length: int) -> str:
    return (
        f"the answer has {length:,} characters and only the first {MAX_ANSWER_CHARS:,} are shown; "
        "ask for a shorter one or for parts of it, or run the task in a terminal with "
        "`mcp-router run --output FILE`"
    )


def _encodable(text: str) -> str:
    # Half a character, as a cut-off answer may end with, would break the JSON of the result.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
