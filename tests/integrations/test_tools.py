"""The router's tools in an agent's hands: they tell, they refuse readably, they change nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import BaseTool

from langchain_mcp_router import ChatModelRouter, router_tools
from mcp_router import Constraints, Decision
from mcp_router.testing import Answer
from mcp_router.types import ToolCall
from tests.integrations.harbour import Harbour, harbour


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Harbour]:
    with harbour(tmp_path, budget={"daily": "2.50"}) as one:
        yield one


def tools(port: Harbour) -> dict[str, BaseTool]:
    return {one.name: one for one in router_tools(router=port.router)}


def called(one: BaseTool, **arguments: Any) -> ToolMessage:
    call = {"type": "tool_call", "id": "c1", "name": one.name, "args": arguments}
    answer = one.invoke(call)
    assert isinstance(answer, ToolMessage)
    return answer


def test_there_are_four_and_none_of_them_changes_a_budget(port: Harbour) -> None:
    assert list(tools(port)) == ["route", "classify", "budget", "stats"]
    assert all(one.description for one in tools(port).values())
    before = port.router.budget()
    called(tools(port)["budget"], limit=1000, daily=1000)
    assert port.router.budget() == before


def test_route_gives_the_decision_of_the_router(port: Harbour) -> None:
    said = called(
        tools(port)["route"],
        prompt="Fix the login bug",
        strategy="cost_first",
        max_cost_usd=0.5,
        models=["gemini-m", "openai-m"],
    )

    decision = said.artifact
    assert isinstance(decision, Decision)
    expected = port.router.route(
        "Fix the login bug",
        strategy="cost_first",
        constraints=Constraints(max_cost_usd="0.5", models=("gemini-m", "openai-m")),
    )
    assert (decision.model, decision.reason) == (expected.model, expected.reason)
    told = json.loads(said.text)
    assert told["model"] == decision.model
    assert Decimal(told["estimated"]["cost_usd"]) == decision.estimated.cost_usd
    assert len(said.text) < 2_000


def test_what_is_not_asked_leaves_what_the_settings_say(tmp_path: Path) -> None:
    with harbour(tmp_path, constraints={"models": ["gemini-m"]}) as port:
        assert json.loads(called(tools(port)["route"], prompt="hello").text)["model"] == "gemini-m"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"prompt": " "}, "prompt: is empty. Say what should be done."),
        ({"prompt": "x", "models": ["nosuch"]}, "No model is called 'nosuch'."),
        ({"prompt": "x", "strategy": "luck"}, "strategy: Input should be 'balanced'"),
        ({"prompt": "x", "min_quality": 2}, "min_quality: Input should be less than"),
        ({}, "prompt: Field required."),
    ],
)
def test_a_refusal_is_an_error_the_model_can_read(
    port: Harbour, arguments: dict[str, Any], told: str
) -> None:
    said = called(tools(port)["route"], **arguments)

    assert said.status == "error"
    assert said.text.startswith(told)


def test_classify_judges_without_choosing(port: Harbour) -> None:
    said = called(tools(port)["classify"], prompt="Prove that 2 is prime.")

    assert json.loads(said.text)["task_type"] == said.artifact.task_type
    assert port.router.recent() == ()


def test_budget_and_stats_tell_what_was_spent(port: Harbour) -> None:
    ChatModelRouter(router=port.router).invoke("hello")

    day = json.loads(called(tools(port)["budget"]).text)["budgets"][0]
    stats = json.loads(called(tools(port)["stats"], period="day", by="provider").text)

    assert (day["limit_usd"], float(day["spent_usd"]) > 0) == ("2.5", True)
    assert [row["calls"] for row in stats["rows"]] == [1]
    assert stats["rows"][0]["cost_usd"] == day["spent_usd"]


def test_an_agent_asks_on_its_own(port: Harbour) -> None:
    call = ToolCall(id="c", name="route", arguments={"prompt": "Fix the login bug"})
    port.server.script("openai-m", [Answer(tool_calls=(call,)), Answer("Take that one.")])
    model = ChatModelRouter(router=port.router, chain=("openai-m",))
    made = create_agent(model, tools=router_tools(router=port.router))

    found = asyncio.run(made.ainvoke({"messages": [HumanMessage("Which model?")]}))

    chosen = json.loads(found["messages"][2].text)["model"]
    assert chosen == port.router.route("Fix the login bug").model
    assert found["messages"][-1].text == "Take that one."
