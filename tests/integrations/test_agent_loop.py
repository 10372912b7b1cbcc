"""An agent with parallel tools over three failing providers: the right answer, and whole books."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_mcp_router import ChatModelRouter, ModelRouterMiddleware
from mcp_router.testing import Answer, Fault
from mcp_router.types import ToolCall
from tests.integrations.harbour import WIRES, Harbour, harbour, high_tide, low_tide

TASK = {"messages": [HumanMessage("Compare the tides of Brest and Kiel.")]}
BOTH = (
    ToolCall(id="call_brest", name="high_tide", arguments={"port": "Brest"}),
    ToolCall(id="call_kiel", name="high_tide", arguments={"port": "Kiel"}),
)
ONE = (ToolCall(id="call_low", name="low_tide", arguments={"port": "Kiel"}),)
FIRST, SECOND = Answer(tool_calls=BOTH), Answer("Now the low tide.", tool_calls=ONE)
LAST = Answer("Brest 14:20, Kiel 09:05, low at 20:31.")
# What the calls to each provider meet, one after the other.
FAULTS = {
    "openai": [Fault.http(503), SECOND, Fault.reset()],
    "anthropic": [Fault.http(529), LAST],
    "gemini": [FIRST, Fault.empty_body(), Fault.http(500)],
}
# The first step fails twice, the second once, the third twice, and each is answered elsewhere.
ORDERS = (
    ("openai-m", "anthropic-m", "gemini-m"),
    ("gemini-m", "openai-m", "anthropic-m"),
    ("gemini-m", "openai-m", "anthropic-m"),
)
CALLS = [
    *(("openai-m", "http"), ("anthropic-m", "http"), ("gemini-m", "answer")),
    *(("gemini-m", "empty_body"), ("openai-m", "answer")),
    *(("gemini-m", "http"), ("openai-m", "disconnect"), ("anthropic-m", "answer")),
]


def script(port: Harbour) -> None:
    for wire in WIRES.values():
        port.server.script(f"{wire}-m", FAULTS[wire], wire=wire)


def order(messages: list[Any]) -> tuple[str, ...]:
    """Say where the next step goes first."""
    return ORDERS[sum(isinstance(one, AIMessage) for one in messages)]


def ask(made: Any, way: str) -> dict[str, Any]:
    return made.invoke(TASK) if way == "sync" else asyncio.run(made.ainvoke(TASK))


def assert_right(port: Harbour, found: dict[str, Any]) -> None:
    """The answer is right, the tools ran once each, and each call has one row in the books."""
    assert found["messages"][-1].text == "Brest 14:20, Kiel 09:05, low at 20:31."
    results = [one.text for one in found["messages"] if isinstance(one, ToolMessage)]
    assert results == [
        "High tide at Brest: 14:20.",
        "High tide at Kiel: 09:05.",
        "Low tide at Kiel: 20:31.",
    ]
    assert port.shown() == CALLS
    outcomes = port.rows("SELECT model, ok FROM routing_outcomes ORDER BY seq")
    assert outcomes == [(model, int(shown == "answer")) for model, shown in CALLS]
    entries = port.rows("SELECT model, state FROM ledger_entries ORDER BY entry_id")
    paid = port.rows("SELECT model FROM routing_outcomes WHERE cost_nanos IS NOT NULL ORDER BY seq")
    assert entries == [(model, "settled") for (model,) in paid]
    (spent,) = port.rows("SELECT coalesce(sum(spent_nanos), 0) FROM ledger_entries")[0]
    (told,) = port.rows("SELECT coalesce(sum(cost_nanos), 0) FROM routing_outcomes")[0]
    assert spent == told > 0


@pytest.mark.parametrize("way", ["sync", "async"])
def test_parallel_tools_over_three_failing_providers_end_with_the_right_answer(
    tmp_path: Path, way: str
) -> None:
    with harbour(tmp_path) as port:
        script(port)
        middleware = ModelRouterMiddleware(
            router=port.router, choose=lambda request: {"chain": order(request.messages)}
        )
        made = create_agent(
            ChatModelRouter(router=port.router),
            tools=[high_tide, low_tide],
            middleware=[middleware],
        )

        assert_right(port, ask(made, way))
