"""Delegation: the user's own chat models make the calls, the router plans, falls back, accounts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.exceptions import ModelAPIError, ModelInvalidRequestError
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph

from langchain_mcp_router import ChatModelRouter
from mcp_router import UnknownModelError
from mcp_router.testing import Answer, Fault, echo
from tests.integrations.harbour import Harbour, harbour, high_tide

GPT, CLAUDE = "openai-m", "anthropic-m"


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Harbour]:
    with harbour(tmp_path) as found:
        yield found


def delegating(port: Harbour, **fields: Any) -> ChatModelRouter:
    fields = {"chain": (GPT, CLAUDE), "targets": port.targets(), **fields}
    return ChatModelRouter(router=port.router, **fields)


def whole(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    return sum(chunks[1:], chunks[0])


def test_a_delegate_answers_with_all_that_it_says_and_the_router_accounts(port: Harbour) -> None:
    answer = delegating(port).invoke("hi")
    told = answer.response_metadata
    assert answer.text == echo("hi")
    assert (told["model_name"], told["model_provider"]) == (GPT, "openai")
    assert told["system_fingerprint"], "what the delegate itself says is kept"
    day = next(one for one in port.router.budget() if one.name == "day")
    assert Decimal(told["cost_usd"]) == day.spent_usd > 0
    assert port.rows("SELECT model, ok FROM routing_outcomes") == [(GPT, 1)]


@pytest.mark.parametrize(
    "fault", [Fault.http(503), Fault.http(429), Fault.reset(), Fault.invalid_key()], ids=str
)
def test_a_delegate_that_fails_is_called_once_and_the_next_one_answers(
    port: Harbour, fault: Fault
) -> None:
    port.server.script(GPT, [fault])
    answer = delegating(port).invoke("hi")
    assert answer.text == echo("hi")
    assert answer.response_metadata["model_name"] == CLAUDE
    assert [one.model for one in port.server.calls] == [GPT, CLAUDE], "no retries of its own"
    assert port.rows("SELECT model, ok FROM routing_outcomes ORDER BY seq") == [
        (GPT, 0),
        (CLAUDE, 1),
    ]


def test_a_stream_falls_back_before_its_first_piece(port: Harbour) -> None:
    port.server.script(GPT, [Fault.http(500)])
    chunks = list(delegating(port).stream("hi"))
    answer = whole(chunks)
    assert answer.text == echo("hi")
    assert answer.response_metadata["model_name"] == CLAUDE
    assert answer.usage_metadata is not None
    attempts = answer.response_metadata["router"]["attempts"]
    assert [one["outcome"] for one in attempts] == ["server_error", "ok"]


def test_a_stream_that_breaks_after_it_began_is_an_error(port: Harbour) -> None:
    port.server.script(GPT, [Fault.reset("mid_stream", after=2)])
    heard: list[str] = []
    with pytest.raises(ModelAPIError, match="broke off in the middle"):
        heard.extend(chunk.text for chunk in delegating(port).stream("a long story"))
    assert echo("a long story").startswith("".join(heard))
    assert all(one.reserved_usd == 0 for one in port.router.budget())


def test_a_silent_delegate_is_left_for_the_next_one(tmp_path: Path) -> None:
    fallback = {"max_retries": 0, "first_token_ms": 1_000, "idle_ms": 1_000}
    with harbour(tmp_path, fallback=fallback) as port:
        port.server.script(GPT, [Fault.silence()])
        answer = whole(list(delegating(port).stream("hi")))
        assert answer.response_metadata["model_name"] == CLAUDE
        assert answer.response_metadata["router"]["attempts"][0]["outcome"] == "timeout"


def test_a_request_that_is_wrong_everywhere_is_not_sent_everywhere(port: Harbour) -> None:
    port.server.script(GPT, [Fault.http(400)])
    with pytest.raises(ModelInvalidRequestError):
        delegating(port).invoke("hi")
    assert [one.model for one in port.server.calls] == [GPT]


def test_it_works_in_many_loops_and_from_within_one(port: Harbour) -> None:
    model = delegating(port)

    async def inside(name: str) -> list[str]:
        blocking = model.invoke("a", model=name).text
        pieces = [chunk.text async for chunk in model.astream("b", model=name)]
        return [blocking, (await model.ainvoke("c", model=name)).text, "".join(pieces)]

    for name in (GPT, CLAUDE) * 3:
        assert asyncio.run(inside(name)) == [echo("a"), echo("c"), echo("b")]


def test_the_users_own_model_stays_as_it_was(port: Harbour) -> None:
    targets = port.targets("openai")
    own = targets[GPT]
    assert isinstance(own, ChatOpenAI)
    client = own.root_async_client
    delegating(port, targets=targets, chain=()).invoke("hi")
    assert own.root_async_client is client
    assert client.max_retries == 2
    assert asyncio.run(own.ainvoke("hi")).text == echo("hi")


def test_only_the_targets_are_candidates(port: Harbour) -> None:
    model = delegating(port, targets=port.targets("anthropic"), chain=())
    answer = model.invoke("hi", {"configurable": {"router": {"strategy": "cost_first"}}})
    decision = port.router.explain(answer.response_metadata["decision_id"])
    assert [one.model for one in decision.candidates] == [CLAUDE]


def test_a_target_must_be_in_the_catalogue(port: Harbour) -> None:
    own = port.targets("openai")[GPT]
    with pytest.raises(UnknownModelError):
        ChatModelRouter(router=port.router, targets={"unheard-of": own}).invoke("hi")


def test_a_built_in_tool_goes_to_the_provider_that_has_it(port: Harbour) -> None:
    model = delegating(port, chain=())
    search = {"type": "web_search_20250305", "name": "web_search"}
    answer = model.bind_tools([search, high_tide]).invoke("hi")
    assert answer.response_metadata["model_name"] == CLAUDE
    assert port.server.calls[-1].body["tools"][0] == search


def test_tools_and_choice_are_written_by_the_chosen_model(port: Harbour) -> None:
    bound = delegating(port).bind_tools([high_tide], tool_choice="high_tide")
    for name, choice in (
        (GPT, {"type": "function", "function": {"name": "high_tide"}}),
        (CLAUDE, {"type": "tool", "name": "high_tide"}),
    ):
        answer = bound.invoke("tide in 'Kiel'", model=name)
        assert [one["name"] for one in answer.tool_calls] == ["high_tide"]
        assert port.server.calls[-1].body["tool_choice"] == choice


def test_a_history_of_another_provider_is_cleaned_for_the_next(port: Harbour) -> None:
    thinking = Answer("Kiel, then.", reasoning="Which port?")
    port.server.script(CLAUDE, [thinking], wire="anthropic")
    model = delegating(port)
    first = model.invoke("Which?", model=CLAUDE)
    assert first.content_blocks[0]["type"] == "reasoning"
    model.invoke([HumanMessage("Which?"), first, HumanMessage("Sure?")], model=GPT)
    sent = json.dumps(port.server.calls[-1].body)
    assert "Kiel, then." in sent
    assert "Which port?" not in sent


class Stubborn(GenericFakeChatModel):
    """A chat model that a mistake in its program ends."""

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        raise TypeError("a mistake")

    async def _astream(self, *_: Any, **__: Any) -> AsyncIterator[ChatGenerationChunk]:
        raise TypeError("a mistake")
        yield


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_a_mistake_in_a_program_is_not_hidden_by_a_fallback(port: Harbour, way: str) -> None:
    targets: dict[str, BaseChatModel] = {
        GPT: Stubborn(messages=iter([])),
        **port.targets("anthropic"),
    }
    with pytest.raises(TypeError, match="a mistake"):
        list(getattr(delegating(port, targets=targets), way)("hi"))
    assert not port.server.calls
    assert all(one.reserved_usd == 0 for one in port.router.budget())


class Plain(GenericFakeChatModel):
    """A chat model that neither streams nor counts."""

    _stream = BaseChatModel._stream


@pytest.mark.parametrize("kind", [GenericFakeChatModel, Plain])
def test_any_chat_model_can_be_a_target(port: Harbour, kind: type[GenericFakeChatModel]) -> None:
    says = [AIMessage("At noon."), AIMessage("At noon.")]
    model = delegating(port, targets={GPT: kind(messages=iter(says))}, chain=())
    plain, streamed = model.invoke("When?"), whole(list(model.stream("When?")))
    for answer in (plain, streamed):
        assert answer.text == "At noon."
        assert answer.response_metadata["model_name"] == GPT
        (warning,) = answer.response_metadata["router"]["warnings"]
        assert "reported no usage" in warning


def test_an_agents_round_trip_through_two_providers(port: Harbour) -> None:
    bound = delegating(port).bind_tools([high_tide])
    history: list[Any] = [HumanMessage("high_tide('Kiel')")]
    history.append(bound.invoke(history, model=GPT))
    call = history[-1].tool_calls[0]
    assert call["args"] == {"port": "Kiel"}
    history.append(ToolMessage("09:05", tool_call_id=call["id"]))
    answer = bound.invoke(history, model=CLAUDE)
    assert "09:05" in answer.text
    assert port.server.calls[-1].body["messages"][1]["content"][0]["type"] == "tool_use"


def test_the_profile_is_that_of_all_targets(port: Harbour) -> None:
    models = port.targets()
    for target, limit in zip(models.values(), (1_000, 2_000), strict=True):
        target.profile = {"max_input_tokens": limit, "tool_calling": True}
    assert delegating(port, targets=models).profile == {
        "max_input_tokens": 1_000,
        "tool_calling": True,
    }
    models[GPT].profile = None
    assert delegating(port, targets=models).profile is None


def test_a_delegated_call_is_one_run_that_is_counted_once(port: Harbour) -> None:
    counts = UsageMetadataCallbackHandler()
    model = delegating(port)
    config: RunnableConfig = {"callbacks": [counts]}
    answers = [model.invoke("hi", config), whole(list(model.stream("hi", config)))]
    totals = [one.usage_metadata["total_tokens"] for one in answers if one.usage_metadata]
    assert {name: one["total_tokens"] for name, one in counts.usage_metadata.items()} == {
        GPT: sum(totals)
    }


def test_a_graph_that_streams_messages_hears_every_piece_once(port: Harbour) -> None:
    model = delegating(port)

    def answer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_edge(START, "answer")
    pieces = graph.compile().stream(
        {"messages": [HumanMessage("hi")]},
        {"configurable": {"thread_id": "t1"}},
        stream_mode="messages",
    )
    assert "".join(chunk.text for chunk, _ in pieces) == echo("hi")  # type: ignore[union-attr]
    (tags,) = port.rows("SELECT tags FROM ledger_entries")
    assert json.loads(tags[0]) == ["session=t1"]
