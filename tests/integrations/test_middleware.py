"""The middleware inside agents of langchain: each step is routed, and fails over within itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelRequest
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_anthropic import ChatAnthropic
from langchain_anthropic.middleware import AnthropicPromptCachingMiddleware
from langchain_core.exceptions import ModelError, ModelRateLimitError
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel

from langchain_mcp_router import ChatModelRouter, ModelRouterMiddleware
from mcp_router import BudgetExceededError, Constraints, FallbackExhaustedError, InvalidRequestError
from mcp_router.testing import Answer, Fault
from mcp_router.types import ToolCall
from tests.integrations.harbour import Harbour, harbour, high_tide

ASK = {"messages": [HumanMessage("When is high tide at Brest?")]}
CALL = ToolCall(id="call_1", name="high_tide", arguments={"port": "Brest"})


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Harbour]:
    with harbour(tmp_path) as one:
        yield one


def agent(port: Harbour, *more: Any, response_format: Any = None, **options: Any) -> Any:
    own = options.pop("targets", port.targets())
    router = ModelRouterMiddleware(own, router=port.router, **options)
    model = port.targets()["openai-m"]
    return create_agent(
        model, tools=[high_tide], middleware=[router, *more], response_format=response_format
    )


def ask(made: Any, way: str, given: Any = ASK) -> dict[str, Any]:
    if way == "sync":
        return made.invoke(given)
    if way == "async":
        return asyncio.run(made.ainvoke(given))
    *_, last = made.stream(given, stream_mode="values")
    return last


class TestEachStep:
    @pytest.mark.parametrize("way", ["sync", "async", "stream"])
    def test_falls_back_within_itself_and_the_agent_ends_well(
        self, port: Harbour, way: str
    ) -> None:
        port.server.script("openai-m", [Fault.http(500)])
        call = Answer(tool_calls=(CALL,))
        port.server.script("anthropic-m", [call, Answer("At 14:20.")], wire="anthropic")

        found = ask(agent(port, chain=("openai-m", "anthropic-m")), way)

        assert found["messages"][-1].text == "At 14:20."
        assert found["messages"][-1].response_metadata["model_name"] == "anthropic-m"
        assert found["messages"][2].text == "High tide at Brest: 14:20."
        assert found["router"]["attempts"][-1]["outcome"] == "ok"
        assert port.shown()[:2] == [("openai-m", "http"), ("anthropic-m", "answer")]

    @pytest.mark.parametrize("way", ["sync", "async"])
    def test_is_tried_again_by_the_router_alone(self, port: Harbour, way: str) -> None:
        port.server.script("openai-m", [Fault.http(500)])
        port.server.script("anthropic-m", [Fault.http(500)], wire="anthropic")

        with pytest.raises(FallbackExhaustedError):
            ask(agent(port, chain=("openai-m", "anthropic-m")), way)

        assert port.shown() == [("openai-m", "http"), ("anthropic-m", "http")]

    def test_sees_state_and_tools_and_chooses_for_itself(self, port: Harbour) -> None:
        seen: list[tuple[int, list[str]]] = []

        def choose(request: ModelRequest[Any]) -> dict[str, Any]:
            seen.append((len(request.state["messages"]), [one.name for one in request.tools]))
            last = isinstance(request.messages[-1], HumanMessage)
            return {"chain": ("openai-m",) if last else ("anthropic-m",)}

        port.server.script("openai-m", [Answer(tool_calls=(CALL,))])
        found = ask(agent(port, choose=choose), "sync")

        assert seen == [(1, ["high_tide"]), (3, ["high_tide"])]
        assert [model for model, _ in port.shown()] == ["openai-m", "anthropic-m"]
        assert found["router"]["model"] == "anthropic-m"

    def test_takes_the_options_of_the_call_from_its_config(self, port: Harbour) -> None:
        options = {"configurable": {"router": {"chain": ("anthropic-m",), "category": "tides"}}}

        agent(port).invoke(ASK, options)

        assert {model for model, _ in port.shown()} == {"anthropic-m"}
        assert {row[0] for row in port.rows("SELECT category FROM routing_decisions")} == {"tides"}

    def test_stays_with_the_model_of_the_step_before(self, port: Harbour) -> None:
        port.server.script("openai-m", [Fault.http(500), Answer()], then="repeat last")

        made = agent(port, constraints=Constraints(models=("openai-m", "anthropic-m")))
        ask(made, "sync")

        served = [model for model, shown in port.shown() if shown == "answer"]
        assert len(set(served)) == 1

    def test_writes_what_it_did_and_what_it_cost(self, port: Harbour) -> None:
        found = ask(agent(port, chain=("anthropic-m",)), "sync")

        step, said = found["router"], found["messages"][-1].response_metadata
        assert step["decision_id"] == said["decision_id"]
        assert (step["cost_usd"], step["model"]) == (said["cost_usd"], "anthropic-m")
        assert float(step["cost_usd"]) > 0

    def test_belongs_to_the_session_of_its_thread(self, port: Harbour) -> None:
        router = ModelRouterMiddleware(port.targets(), router=port.router)
        model = port.targets()["openai-m"]
        made = create_agent(model, middleware=[router], checkpointer=InMemorySaver())

        made.invoke(ASK, {"configurable": {"thread_id": "t-7"}})

        assert {row[0] for row in port.rows("SELECT session FROM routing_decisions")} == {"t-7"}


class TestFailures:
    @pytest.mark.parametrize("way", ["sync", "async"])
    def test_name_every_attempt_and_begin_with_the_first(self, port: Harbour, way: str) -> None:
        port.server.script("openai-m", [Fault.http(429)])
        port.server.script("anthropic-m", [Fault.http(500)], wire="anthropic")

        with pytest.raises(FallbackExhaustedError) as caught:
            ask(agent(port, chain=("openai-m", "anthropic-m")), way)

        assert isinstance(caught.value, ModelRateLimitError)
        assert [one.model for one in caught.value.attempts] == ["openai-m", "anthropic-m"]
        assert isinstance(caught.value.__cause__, ModelRateLimitError)

    def test_of_programs_are_nobodys_reason_to_try_another_model(self, port: Harbour) -> None:
        class Broken(AgentMiddleware):
            def wrap_model_call(self, request: Any, handler: Any) -> Any:
                raise KeyError("a mistake in a program")

        with pytest.raises(KeyError, match="mistake"):
            ask(agent(port, Broken()), "sync")
        assert port.shown() == []

    def test_a_budget_ends_the_step_before_anyone_is_called(self, tmp_path: Path) -> None:
        with harbour(tmp_path, budget={"daily": "0"}) as port:
            with pytest.raises(BudgetExceededError) as caught:
                ask(agent(port), "sync")
            assert isinstance(caught.value, ModelError)
            assert port.shown() == []


class Tide(BaseModel):
    """When the water is high."""

    port: str
    time: str


class TestStructuredAnswers:
    class Watch(AgentMiddleware):
        """Notes how each target is asked for its structured answer."""

        def __init__(self) -> None:
            super().__init__()
            self.seen: list[tuple[str, type]] = []

        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            self.seen.append((request.model.model, type(request.response_format)))
            return handler(request)

    def test_are_asked_for_as_each_chosen_model_can(self, port: Harbour) -> None:
        plain = ChatAnthropic(
            model_name="anthropic-m",
            base_url=port.server.base_url("anthropic"),
            api_key="k",
            profile={"structured_output": False, "tool_calling": True},
        )
        targets = {**port.targets("openai"), "anthropic-m": plain}
        targets["openai-m"].profile = {"structured_output": True}
        port.server.script("openai-m", [Fault.http(500)])
        watch = self.Watch()

        made = agent(
            port,
            watch,
            targets=targets,
            chain=("openai-m", "anthropic-m"),
            response_format=Tide,
        )
        found = ask(made, "sync")

        assert isinstance(found["structured_response"], Tide)
        assert watch.seen[0] == ("openai-m", ProviderStrategy)
        assert watch.seen[1][0] == "anthropic-m"
        assert watch.seen[1][1] is not ProviderStrategy

    def test_a_strategy_that_a_person_chose_stays(self, port: Harbour) -> None:
        watch = self.Watch()

        made = agent(port, watch, response_format=ToolStrategy(Tide))
        ask(made, "sync")

        assert {kind for _, kind in watch.seen} == {ToolStrategy}


class TestForeignSettings:
    def test_cache_marks_reach_claude_and_nobody_else(self, port: Harbour) -> None:
        caching = AnthropicPromptCachingMiddleware(unsupported_model_behavior="ignore")
        for first in ("openai-m", "anthropic-m"):
            # Listed outside the router it marks the request before anybody is chosen.
            router = ModelRouterMiddleware(port.targets(), router=port.router, chain=(first,))
            start = port.targets()["anthropic-m"]
            made = create_agent(start, tools=[high_tide], middleware=[caching, router])
            ask(made, "sync")

        marked = {call.model for call in port.server.calls if "cache_control" in str(call.body)}
        assert marked == {"anthropic-m"}
        assert {model for model, _ in port.shown()} == {"openai-m", "anthropic-m"}

    def test_history_of_another_provider_arrives_without_its_thinking(self, port: Harbour) -> None:
        thought = AIMessage(
            [
                {"type": "thinking", "thinking": "hm", "signature": "SIGNED"},
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
                {"type": "text", "text": "Soon."},
            ],
            response_metadata={"model_provider": "google_genai"},
        )
        given = {"messages": [*ASK["messages"], thought, HumanMessage("And then?")]}

        for first in ("openai-m", "anthropic-m"):
            ask(agent(port, chain=(first,)), "sync", given)

        sent = [str(call.body) for call in port.server.calls]
        assert len(sent) >= 2
        assert not any("SIGNED" in one or "server_tool_use" in one for one in sent)
        assert all("Soon." in one for one in sent)

    def test_built_in_tools_go_to_their_own_provider_only(self, port: Harbour) -> None:
        search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 1}
        router = ModelRouterMiddleware(port.targets(), router=port.router)
        made = create_agent(port.targets()["openai-m"], tools=[search], middleware=[router])

        ask(made, "sync")

        assert {model for model, _ in port.shown()} == {"anthropic-m"}

    def test_without_that_provider_the_agent_is_told_so(self, port: Harbour) -> None:
        search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 1}
        targets = port.targets("openai")
        router = ModelRouterMiddleware(targets, router=port.router)
        made = create_agent(targets["openai-m"], tools=[search], middleware=[router])

        with pytest.raises(InvalidRequestError, match="built-in tools of anthropic"):
            ask(made, "sync")


class TestWithoutTargets:
    @pytest.mark.parametrize("way", ["sync", "async", "stream"])
    def test_the_router_calls_the_models_itself(self, port: Harbour, way: str) -> None:
        port.server.script("openai-m", [Fault.http(500)])
        made = agent(port, targets=None, chain=("openai-m", "gemini-m"))

        found = ask(made, way)

        assert found["router"]["model"] == "gemini-m"
        assert found["messages"][-1].text.startswith("You said: ")
        assert "High tide at" in found["messages"][-1].text

    def test_any_model_gives_a_structured_answer(self, port: Harbour) -> None:
        made = agent(port, targets=None, chain=("gemini-m",), response_format=Tide)

        assert isinstance(ask(made, "sync")["structured_response"], Tide)


def test_tokens_stream_out_of_a_routed_agent_once(port: Harbour) -> None:
    port.server.script("anthropic-m", [Answer("one two three")], wire="anthropic")
    made = agent(port, chain=("anthropic-m",))

    pieces = [
        message.text
        for message, _ in made.stream(ASK, stream_mode="messages")
        if isinstance(message, AIMessage)
    ]

    assert "".join(pieces) == "one two three"


def test_it_works_from_threads_and_within_a_running_loop(port: Harbour) -> None:
    made = agent(port, chain=("openai-m", "anthropic-m"))

    async def both() -> list[dict[str, Any]]:
        # A synchronous agent within a loop, and several asynchronous ones beside it.
        here = made.invoke(ASK)
        threads = [asyncio.to_thread(made.invoke, ASK) for _ in range(3)]
        return [here, *await asyncio.gather(*threads, made.ainvoke(ASK), made.ainvoke(ASK))]

    found = [*asyncio.run(both()), asyncio.run(made.ainvoke(ASK))]

    assert len({one["messages"][-1].text for one in found}) == 1
    assert isinstance(ChatModelRouter(router=port.router).invoke("hello"), AIMessage)
