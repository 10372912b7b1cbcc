"""The router as a library that runs tasks: decided, carried out, recorded, paid."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mcp_router import (
    BudgetExceededError,
    Constraints,
    FallbackExhaustedError,
    InvalidRequestError,
    Message,
    NoCandidateError,
    Request,
    Router,
    ToolSpec,
    UnknownDecisionError,
)
from mcp_router.config.load import load_settings
from mcp_router.testing import Answer, Fault, FaultServer, echo

PROMPT = "Say something nice about the sea."


@pytest.fixture
def anyio_backend() -> str:
    """The fault server runs on asyncio."""
    return "asyncio"


class Bench:
    """A fault server and the means to open a router over it."""

    def __init__(self, server: FaultServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.alerts: list[str] = []

    def open(self, **overrides: object) -> Router:
        settings: dict[str, Any] = dict(self.server.settings(price={"input": 3, "output": 15}))
        loaded = load_settings(
            environ={},
            cwd=self.folder,
            overrides={"db": str(self.folder / "router.db"), **settings, **overrides},
        )
        return Router.open(loaded.settings, environ={}, on_alert=self.alerts.append)


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    async with FaultServer() as server:
        server.script("first", [Answer()], then="repeat last")
        server.script("second", [Answer()], then="repeat last")
        yield Bench(server, tmp_path)


async def test_a_task_is_decided_run_recorded_and_paid(bench: Bench) -> None:
    async with bench.open() as router:
        done = await router.execute(PROMPT, chain=["first", "second"], max_tokens=100)
        assert (done.model, done.content) == ("first", echo(PROMPT))
        assert done.cost_usd is not None
        day = next(one for one in router.budget() if one.name == "day")
        assert (day.spent_usd, day.reserved_usd) == (done.cost_usd, Decimal(0))
        assert router.explain(done.decision_id).model == "first"
        (row,) = router.stats()
        assert (row.calls, row.ok, row.cost_usd) == (1, 1, done.cost_usd)


async def test_the_same_task_again_is_a_decision_of_its_own(bench: Bench) -> None:
    async with bench.open() as router:
        ids = [(await router.execute(PROMPT, chain="first")).decision_id for _ in range(3)]
        assert len(set(ids)) == 3
        assert [one.decision_id for one in router.recent()] == ids[::-1]
        assert {one.model for one in router.recent()} == {"first"}


async def test_a_fallback_goes_unseen_and_is_told_afterwards(bench: Bench) -> None:
    bench.server.script("first", [Fault.http(503)], then="repeat last")
    seen: list[str] = []
    async with bench.open() as router:
        done = await router.execute(
            PROMPT, chain=["first", "second"], on_attempt=lambda event: seen.append(event.model)
        )
    assert seen == ["first", "second"]
    assert [one.outcome for one in done.attempts] == ["overloaded", "ok"]
    assert done.content == echo(PROMPT)


async def test_a_stream_ends_in_the_same_result(bench: Bench) -> None:
    async with bench.open() as router:
        events = [event async for event in router.stream(PROMPT, chain="second")]
    done = events[-1]
    assert done.type == "done"
    assert "".join(one.text for one in events if one.type == "delta") == done.result.content
    assert done.result.content == echo(PROMPT)


async def test_tools_pass_through(bench: Bench) -> None:
    tool = ToolSpec(
        name="weather",
        parameters={"type": "object", "properties": {"city": {"type": "string"}}},
    )
    request = Request(messages=(Message(role="user", content="call weather"),), tools=(tool,))
    async with bench.open() as router:
        done = await router.execute(request, chain="first", tool_choice="weather")
    assert [one.name for one in done.tool_calls] == ["weather"]
    assert done.finish_reason == "tool_calls"


async def test_when_nobody_answers_every_attempt_is_told(bench: Bench) -> None:
    for name in ("first", "second"):
        bench.server.script(name, [Fault.invalid_key()], then="repeat last")
    async with bench.open() as router:
        with pytest.raises(FallbackExhaustedError) as caught:
            await router.execute(PROMPT, chain=["first", "second"])
        assert {one.model for one in caught.value.attempts} == {"first", "second"}
        assert all(one.reserved_usd == 0 for one in router.budget())


async def test_a_spent_budget_stops_before_the_network(bench: Bench) -> None:
    async with bench.open(**{"budget.daily": "0.000001"}) as router:
        with pytest.raises(BudgetExceededError, match="day budget"):
            await router.execute(PROMPT, chain="first", max_tokens=1_000)
    assert not bench.server.calls


async def test_an_alert_is_told_once_for_all_routers(bench: Bench) -> None:
    async with bench.open() as router:
        cost = (await router.execute(PROMPT, chain="first", max_tokens=50)).cost_usd
    assert cost is not None
    # The second call makes 80 % of the day's limit, and room stays for the most a third can cost.
    limit = {"budget.daily": str(cost * 2 / Decimal("0.8") + Decimal(0)), "budget.monthly": "none"}
    for _ in range(2):
        async with bench.open(**limit) as router:
            with suppress(BudgetExceededError):
                await router.execute(PROMPT, chain="first", max_tokens=14)
    assert len(bench.alerts) == 1
    assert "day budget" in bench.alerts[0]


async def test_alerts_that_cannot_be_looked_up_take_no_answer_back(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench.open() as router:
        cost = (await router.execute(PROMPT, chain="first", max_tokens=50)).cost_usd
    assert cost is not None
    limit = {"budget.daily": str(cost * 2 / Decimal("0.8") + Decimal(0)), "budget.monthly": "none"}
    async with bench.open(**limit) as router:
        with router.store.database.transaction() as connection:
            connection.execute("DROP TABLE budget_alerts")
        assert (await router.execute(PROMPT, chain="first", max_tokens=14)).content
    assert [line for line in caplog.messages if "budget_alerts" in line]
    assert bench.alerts == []


async def test_feedback_is_evidence_about_the_model_that_answered(bench: Bench) -> None:
    bench.server.script("first", [Fault.http(503)], then="repeat last")
    async with bench.open() as router:
        done = await router.execute(PROMPT, chain=["first", "second"])
        outcome = router.feedback(done.decision_id, score=0.25, note="dull")
        assert (outcome.model, outcome.ok, outcome.source) == ("second", False, "feedback")
        known = router.store.performance(now=datetime.now(UTC))
        assert known["second"][""].failures > 0.7


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda router: router.feedback("dec_none", ok=True), UnknownDecisionError),
        (lambda router: router.feedback("dec_none"), InvalidRequestError),
    ],
)
async def test_feedback_that_says_nothing_is_refused(
    bench: Bench, call: Callable[[Router], object], error: type[Exception]
) -> None:
    async with bench.open() as router:
        with pytest.raises(error):
            call(router)


async def test_an_unknown_mode_is_told(bench: Bench) -> None:
    async with bench.open() as router:
        with pytest.raises(InvalidRequestError, match="there is no mode 'swarm'"):
            await router.execute(PROMPT, mode="swarm")


async def test_what_a_request_may_cost_holds_for_its_answer(bench: Bench) -> None:
    async with bench.open() as router:
        limit = Constraints(max_cost_usd=Decimal("0.005"))
        done = await router.execute(PROMPT, chain="first", constraints=limit)
    assert done.cost_usd is not None
    assert done.cost_usd <= Decimal("0.005")
    assert int(bench.server.calls[0].body["max_tokens"]) * 15 <= 5_000, "millionths of a dollar"


async def test_a_call_has_a_deadline_and_a_limit_of_its_own(bench: Bench) -> None:
    bench.server.script("first", [Fault.silence()], then="repeat last")
    async with bench.open(**{"budget.per_request": "0.000001"}) as router:
        with pytest.raises((BudgetExceededError, NoCandidateError)):
            await router.execute(PROMPT, chain="second")
        done = await router.execute(PROMPT, chain="second", request_limit_usd="5")
        assert done.content == echo(PROMPT)
        with pytest.raises(FallbackExhaustedError):
            await router.execute(PROMPT, chain="first", request_limit_usd=5, timeout_s=0.3)
        with pytest.raises(InvalidRequestError, match="timeout_s"):
            await router.execute(PROMPT, chain="second", timeout_s=0)


async def test_a_stream_has_a_deadline_and_a_limit_of_its_own(bench: Bench) -> None:
    bench.server.script("first", [Fault.stall()], then="repeat last")
    async with bench.open(**{"budget.per_request": "0.000001"}) as router:
        with pytest.raises(FallbackExhaustedError):
            async for _ in router.stream(PROMPT, chain="first", request_limit_usd=5, timeout_s=0.3):
                pass
        (budget,) = [one for one in router.budget() if one.name == "day"]
        assert budget.reserved_usd == 0
