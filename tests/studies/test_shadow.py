"""A second model runs along: unseen, in nobody's way, paid from its own budget, gone in time."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal
from typing import Any

import anyio
import pytest

from mcp_router import Constraints, FallbackExhaustedError
from mcp_router.money import to_nanos
from mcp_router.testing import Answer, Fault
from mcp_router.testing.catalogue import QUICK
from tests.modes.theatre import FINE, GOOD, POOR, PROMPT
from tests.studies.laboratory import Laboratory

SHADOW: dict[str, Any] = {"chain": ["second"], "daily_usd": "1", "share": 1.0}


def cast(lab: Laboratory, *second: Any, **more: Any) -> None:
    """Put two models on the bill, of which the second shadows the first."""
    lab.serve("first", Answer(GOOD))
    lab.serve("second", *(second or (Answer(FINE),)))
    lab.more = {"shadow": {**SHADOW, **more}}


async def ended(lab: Laboratory) -> None:
    await lab.router.end_calls()


def budget(lab: Laboratory, name: str) -> Decimal:
    return next(one.spent_usd for one in lab.router.budget() if one.name == name)


async def test_the_user_sees_the_answer_alone_and_the_evidence_has_its_source(
    lab: Laboratory,
) -> None:
    cast(lab)
    done = await lab.ask(chain=["first"])
    await ended(lab)
    assert (done.model, done.content, done.warnings) == ("first", GOOD, ())
    assert [one.model for one in done.attempts] == ["first"]
    ((source, model, ok, score),) = lab.evidence()
    assert (source, model, ok) == ("shadow", "second", 1)
    assert score > 0.6
    # Nothing that asks for the latest decision finds the shadow's.
    assert [one.decision_id for one in lab.router.recent()] == [done.decision_id]
    assert lab.rows("SELECT DISTINCT category FROM routing_outcomes WHERE model = 'second'") == [
        ("shadow",)
    ]


async def test_its_money_is_apart_from_the_budgets_of_the_user(lab: Laboratory) -> None:
    cast(lab)
    lab.more["budget"] = {"daily": "5", "tags": {"project=x": {"total": "5"}}}
    done = await lab.ask(chain=["first"], tags={"project": "x"})
    await ended(lab)
    assert budget(lab, "day") == budget(lab, "project=x") == done.cost_usd
    (spent,) = lab.rows("SELECT sum(cost_nanos) FROM routing_outcomes WHERE category = 'shadow'")[0]
    assert to_nanos(budget(lab, "shadow")) == spent > 0
    by = {row.group: row.cost_usd for row in lab.router.stats(by="category")}
    assert to_nanos(by["shadow"]) == spent


async def test_its_budget_is_hard_and_the_users_is_not_asked(lab: Laboratory) -> None:
    cast(lab, daily_usd="0.0004", at_once=64)
    for _ in range(12):
        await lab.ask(chain=["first"])
    await ended(lab)
    calls = lab.calls_of("second")
    assert 0 < calls < 12
    assert budget(lab, "shadow") <= Decimal("0.0004")
    assert lab.calls_of("first") == 12


async def test_a_spent_user_budget_does_not_stop_it_nor_the_other_way_round(
    lab: Laboratory,
) -> None:
    cast(lab, daily_usd="0.000000001")
    lab.more["budget"] = {"daily": "5"}
    assert (await lab.ask(chain=["first"])).model == "first"
    await ended(lab)
    assert lab.calls_of("second") == 0


async def test_a_model_of_unknown_price_does_not_run_beside(lab: Laboratory) -> None:
    cast(lab)
    lab.models["second"] = {"price": None}
    await lab.ask(chain=["first"])
    await ended(lab)
    assert lab.calls_of("second") == 0


@pytest.mark.parametrize("fault", sorted(QUICK))
async def test_whatever_goes_wrong_with_it_the_answer_is_the_same(
    lab: Laboratory, fault: str
) -> None:
    cast(lab, QUICK[fault])
    done = await lab.ask(chain=["first"])
    assert (done.content, done.warnings) == (GOOD, ())
    await ended(lab)


async def test_the_answer_does_not_wait_for_it(lab: Laboratory) -> None:
    cast(lab, Fault.silence(), wait_ms=0)
    lab.fallback |= {"first_token_ms": 60_000, "timeout_ms": 60_000}
    with anyio.fail_after(5):
        done = await lab.ask(chain=["first"])
    assert done.content == GOOD
    await lab.server.wait_until(lambda server: lab.calls_of("second") == 1)
    held = lab.rows("SELECT tags FROM ledger_entries WHERE state = 'open'")
    assert held == [('["shadow"]',)]


@pytest.mark.parametrize(
    "behaviour", [Fault.silence(), Fault.stall(after=2), Answer(GOOD, chunk_delay=30.0)]
)
async def test_what_still_runs_at_the_end_is_given_up_and_leaves_nothing(
    lab: Laboratory, behaviour: Any
) -> None:
    cast(lab, behaviour, wait_ms=50)
    lab.fallback |= {"first_token_ms": 60_000, "idle_ms": 60_000, "timeout_ms": 60_000}
    for _ in range(3):
        await lab.ask(chain=["first"])
    await lab.server.wait_until(lambda server: lab.calls_of("second") == 3)
    with anyio.fail_after(10):
        await ended(lab)
    assert lab.rows("SELECT * FROM ledger_entries WHERE state = 'open'") == []
    await lab.server.wait_until(lambda server: len(server.abandoned) == 3)
    assert not [one for one in threading.enumerate() if one.name == "mcp-router shadow"]


async def test_who_breaks_off_the_wait_is_let_go_at_once(lab: Laboratory) -> None:
    cast(lab, Fault.silence(), wait_ms=60_000)
    lab.fallback |= {"first_token_ms": 60_000, "timeout_ms": 60_000}
    await lab.ask(chain=["first"])
    await lab.server.wait_until(lambda server: lab.calls_of("second") == 1)
    with anyio.fail_after(10):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(ended(lab))
            await asyncio.sleep(0)
            task.cancel()
    assert lab.rows("SELECT * FROM ledger_entries WHERE state = 'open'") == []


async def test_breaking_off_the_users_call_leaves_the_others_alone(lab: Laboratory) -> None:
    cast(lab)
    async with anyio.create_task_group() as group:

        async def ask() -> None:
            await lab.ask(chain=["first"])

        group.start_soon(ask)
        await lab.server.wait_until(lambda server: lab.calls_of("first") == 1)
        group.cancel_scope.cancel()
    await lab.ask(chain=["first"])
    await ended(lab)
    assert lab.calls_of("second") >= 1


async def test_no_more_run_at_once_than_may(lab: Laboratory) -> None:
    cast(lab, Fault.silence(), at_once=2, wait_ms=0)
    lab.fallback |= {"first_token_ms": 60_000, "timeout_ms": 60_000}
    for _ in range(6):
        await lab.ask(chain=["first"])
    await lab.server.wait_until(lambda server: lab.calls_of("second") == 2)


@pytest.mark.parametrize(
    ("shadow", "asked"),
    [
        ({"share": 0.0}, {}),
        ({"tasks": ["translation"]}, {}),
        ({"chain": ["first"]}, {}),
        ({}, {"constraints": Constraints(models=("first",))}),
        ({}, {"constraints": Constraints(deny_models=("second",))}),
        ({"daily_usd": None}, {}),
    ],
)
async def test_what_is_not_to_be_shadowed_is_not(
    lab: Laboratory, shadow: dict[str, Any], asked: dict[str, Any]
) -> None:
    cast(lab, **shadow)
    if shadow.get("daily_usd", "") is None:
        del lab.more["shadow"]["daily_usd"]
    asked.setdefault("chain", ["first"])
    await lab.ask(PROMPT, **asked)
    await ended(lab)
    assert (lab.calls_of("second"), lab.evidence()) == (0, [])


async def test_a_task_without_an_answer_and_a_kept_answer_are_not_shadowed(
    lab: Laboratory,
) -> None:
    cast(lab)
    lab.server.script("first", [Fault.invalid_key(), Answer(GOOD)], then="repeat last")
    with pytest.raises(FallbackExhaustedError):
        await lab.ask(chain=["first"])
    tags = {"session": "s"}
    await lab.ask(chain=["first"], reuse="exact", tags=tags)
    assert (await lab.ask(chain=["first"], reuse="exact", tags=tags)).cached
    await ended(lab)
    assert lab.calls_of("second") == 1


async def test_a_stream_is_shadowed_once_it_has_ended(lab: Laboratory) -> None:
    cast(lab)
    events = [one async for one in lab.router.stream(PROMPT, chain=["first"], max_tokens=50)]
    await ended(lab)
    assert events[-1].type == "done"
    assert [row[:2] for row in lab.evidence()] == [("shadow", "second")]


async def test_a_poor_answer_is_evidence_against_the_shadow(lab: Laboratory) -> None:
    cast(lab, Answer(POOR))
    await lab.ask(chain=["first"])
    await ended(lab)
    ((_, model, ok, _),) = lab.evidence()
    assert (model, ok) == ("second", 0)


async def test_a_judge_grades_both_answers_from_the_same_budget(lab: Laboratory) -> None:
    cast(lab, judge="judge")
    lab.serve("judge", Answer('{"grades": {"1": 8, "2": 8}}'))
    done = await lab.ask(chain=["first"])
    await ended(lab)
    ((source, model, ok, score),) = lab.evidence()
    assert (source, model, ok) == ("shadow", "second", 1)
    assert score == pytest.approx(lab.rows("SELECT score FROM routing_outcomes")[-1][0])
    (note,) = lab.rows("SELECT note FROM routing_outcomes WHERE source = 'shadow'")[0]
    assert note.startswith(f"beside {done.decision_id} of first, whose answer the judge graded 0.")
    assert lab.calls_of("judge") == 2
    assert budget(lab, "day") == done.cost_usd


async def test_workflows_and_shared_budgets_end_their_shadows(lab: Laboratory) -> None:
    cast(lab)
    async with lab.router.sharing("job=x", limit_usd=1) as router:
        await router.execute(PROMPT, chain=["first"], tags={"job": "x"}, max_tokens=50)
    assert lab.calls_of("second") == 1
    assert [row[0] for row in lab.evidence()] == ["shadow"]
