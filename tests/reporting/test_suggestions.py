"""A suggestion is made where there is something to save, says what, and is worth what it says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from mcp_router.catalog.catalog import Catalog
from mcp_router.reporting.habits import MIN_RUNS, for_history
from mcp_router.reporting.suggestions import Suggestion, for_request
from mcp_router.storage.runs import RecentRun, recent_runs
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.types import Message, Request, ToolSpec
from tests.builders import NOW, catalog, model
from tests.storage.conftest import decision

# $1 per million tokens in, $4 out.
OURS: Catalog = catalog(model("alpha"), model("opus", provider="anthropic"))
LONG = "\n".join(f"line {number} of a page that was pasted" for number in range(300))
TOOLS = tuple(ToolSpec(name=f"tool{n}", description="says what it does " * 30) for n in range(8))


def says(role: str, content: str) -> Message:
    return Message.model_validate({"role": role, "content": content})


def looked_at(request: Request, *, name: str = "alpha") -> dict[str, Suggestion]:
    decided = decision().model_copy(update={"model": name})
    found = for_request(request, decision=decided, catalog=OURS, now=NOW)
    return {one.kind: one for one in found}


def test_a_short_question_has_nothing_to_save() -> None:
    assert looked_at(Request(messages=(says("user", "Fix the bug"),))) == {}


def test_what_is_repeated_is_worth_its_tokens() -> None:
    request = Request(
        messages=(
            says("user", LONG),
            says("assistant", "Read."),
            says("user", f"Again:\n{LONG}"),
            says("assistant", "Read."),
            says("user", "What now?"),
        )
    )
    found = looked_at(request)["repeats"]
    assert found.tokens is not None
    assert found.saves_usd == found.tokens * Decimal("0.000001")
    assert "message 3: 300 lines" in found.says
    assert "repeats" not in looked_at(request.model_copy(update={"trim": True}))


def test_tools_that_take_much_of_the_input_are_named() -> None:
    request = Request(messages=(says("user", "Look"),), tools=TOOLS)
    assert looked_at(request)["tools"].says.startswith("8 tools take 9")
    few = request.model_copy(update={"messages": (says("user", LONG * 3),)})
    assert "tools" not in looked_at(few)


def test_a_prefix_is_to_be_marked_only_where_marks_are_needed_and_cached_reads_are_cheaper() -> (
    None
):
    request = Request(messages=(says("system", LONG), says("user", "Go on")))
    assert "prefix" not in looked_at(request)
    # No price for cached tokens is published for this row: nothing would be saved.
    assert "prefix" not in looked_at(request, name="opus")
    real = Catalog.load(on=NOW.date())
    decided = decision().model_copy(update={"model": real.resolve("opus").name})
    (found,) = for_request(request, decision=decided, catalog=real, now=NOW)
    assert found.kind == "prefix"
    assert found.saves_usd
    marked = request.model_copy(update={"cache": True})
    assert for_request(marked, decision=decided, catalog=real, now=NOW) == ()


def test_a_limit_far_above_the_expected_answer_is_named() -> None:
    request = Request(messages=(says("user", "Hi"),), max_tokens=100_000)
    assert "100,000" in looked_at(request)["max_tokens"].says


def run(**changes: Any) -> RecentRun:
    values: dict[str, Any] = {
        "model": "alpha",
        "complexity": "medium",
        "prompt_hash": "",
        "cost": 1_000_000,
        "inputs": 100,
        "cache_read": 0,
        "reasoning": 0,
        "outputs": 50,
        "messages": 1,
        "request": {},
    }
    return RecentRun(**values | changes)


def habits(*runs: RecentRun, rows: Catalog = OURS) -> dict[str, Suggestion]:
    return {one.kind: one for one in for_history(runs, catalog=rows, now=NOW)}


def test_few_runs_are_no_habit() -> None:
    assert habits(*[run(prompt_hash="a")] * MIN_RUNS) == {}


def test_the_same_question_again_is_worth_all_but_one_answer() -> None:
    found = habits(*[run(prompt_hash="a")] * 4, *[run(prompt_hash="b")] * 4)["answers"]
    assert found.saves_usd == Decimal("0.006")
    other = [run(prompt_hash="a", model=name) for name in ("alpha", "beta") for _ in range(3)]
    assert "answers" not in habits(*other)


def test_conversations_that_are_read_anew_are_seen() -> None:
    real = Catalog.load(on=NOW.date())
    name = real.resolve("opus").name
    long = run(model=name, messages=5, inputs=10_000)
    found = habits(*[long] * 6, rows=real)["prefix"]
    assert found.tokens == 60_000
    assert found.saves_usd
    for other in (
        long._replace(cache_read=9_000),
        long._replace(request={"cache": True}),
        long._replace(messages=1),
        long._replace(model="gone-for-good"),
    ):
        assert "prefix" not in habits(*[other] * 6, rows=real)


def test_long_thoughts_on_simple_tasks_are_seen() -> None:
    simple = run(complexity="simple", reasoning=1_000)
    assert habits(*[simple] * 5)["effort"].saves_usd == 5_000 * Decimal("0.000004")
    assert habits(*[simple._replace(complexity="critical")] * 5) == {}
    assert habits(*[simple._replace(request={"reasoning_effort": "high"})] * 5) == {}


def test_tools_that_take_much_of_many_calls_are_seen() -> None:
    tools = [one.model_dump(mode="json") for one in TOOLS]
    heavy = run(inputs=1_500, request={"tools": tools})
    found = habits(*[heavy] * 5)["tools"]
    assert found.tokens is not None
    assert found.saves_usd == found.tokens * Decimal("0.000001")
    assert "tools" not in habits(*[heavy._replace(inputs=100_000)] * 5)


def test_a_limit_that_no_answer_came_near_is_seen() -> None:
    assert "max_tokens" in habits(*[run(request={"max_tokens": 1_000})] * 5)
    used = run(request={"max_tokens": 1_000}, outputs=900)
    assert "max_tokens" not in habits(*[run(request={"max_tokens": 1_000})] * 5, used)


@pytest.mark.parametrize("limit", [10, 200])
def test_runs_are_read_with_what_was_asked_and_used(worked: SqliteStore, limit: int) -> None:
    from datetime import timedelta

    from tests.reporting.history import NOW as LATEST

    since = LATEST - timedelta(days=30)
    runs = recent_runs(worked.database, since=since, limit=limit)
    assert 0 < len(runs) <= limit * 2
    assert all(one.inputs >= one.cache_read for one in runs)
    assert all(one.messages == 1 and one.request["messages"] == [] for one in runs)
    real = Catalog.load(on=LATEST.date())
    assert all(one.do for one in for_history(runs, catalog=real, now=LATEST))
