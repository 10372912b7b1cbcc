"""Token probabilities on the Gemini wire: asked on wish, read like any other, done without."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.providers.client import ProviderClient
from mcp_router.providers.logprobs import FLOOR
from mcp_router.providers.wire import Call, Reply, Target
from mcp_router.providers.wires import WIRES
from mcp_router.testing.behaviours import Answer, Behaviour, Fault
from mcp_router.testing.server import FaultServer
from mcp_router.types import Logprobs, Need, ToolSpec
from tests.providers.scene import call, parse_stream, sse, streamed, target, together
from tests.providers.wirings import events_of

TELLING: dict[str, Any] = {"logprobs": True, "features": [Need.JSON]}
WANTED = call(logprobs=True)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def told(*figures: object, text: str = "hi", finish: str | None = None) -> dict[str, Any]:
    chosen = [{"token": "t", "tokenId": 1, "logProbability": one} for one in figures]
    candidate: dict[str, Any] = {
        "content": {"parts": [{"text": text}]},
        "logprobsResult": {"topCandidates": [], "chosenCandidates": chosen},
        "avgLogprobs": -9.0,
    }
    return {"candidates": [candidate if finish is None else {**candidate, "finishReason": finish}]}


def read(*chunks: dict[str, Any]) -> Reply:
    return streamed(WIRES["gemini"], events_of(sse(*chunks, done=False)), provider="p")


def parsed(body: dict[str, Any]) -> Logprobs | None:
    return WIRES["gemini"].parse(body, provider="p").logprobs


def test_they_are_asked_beside_what_else_is_configured() -> None:
    sent = WIRES["gemini"].request(
        target("gemini", **TELLING), call(logprobs=True, temperature=0.5), stream=False
    )
    assert sent.json["generationConfig"] == {"temperature": 0.5, "responseLogprobs": True}


@given(st.lists(st.floats(-30.0, 0.0), min_size=1, max_size=30), st.integers(0, 30))
def test_whole_and_in_pieces_the_figures_are_the_same(figures: list[float], cut: int) -> None:
    whole = parsed(told(*figures, finish="STOP"))
    pieces = read(told(*figures[:cut]), told(*figures[cut:], finish="STOP")).logprobs
    assert whole == pieces
    assert whole is not None
    assert whole.tokens == len(figures)
    bounded = [max(FLOOR, one) for one in figures]
    assert min(bounded) - 1e-9 <= whole.lowest <= whole.mean <= max(bounded) + 1e-9


@pytest.mark.parametrize(
    "result",
    [
        None,
        "x",
        [],
        {},
        {"chosenCandidates": {}},
        {"chosenCandidates": [None, 1, "x", []]},
        {"chosenCandidates": [{"logProbability": "-1"}, {"logProbability": 0.5}]},
        {"chosenCandidates": [{"logProbability": float("nan")}]},
        {"topCandidates": [{"candidates": [{"logProbability": -1.0}]}]},
        {"content": [{"logprob": -1.0}]},
    ],
)
def test_what_is_no_figure_of_a_chosen_token_does_not_count(result: object) -> None:
    body = told(finish="STOP")
    body["candidates"][0]["logprobsResult"] = result
    assert parsed(body) is None
    assert read(body).logprobs is None


async def ask(client: ProviderClient, where: Target, *, stream: bool, what: Call = WANTED) -> Reply:
    if not stream:
        return await client.complete(where, what)
    deltas = [delta async for delta in client.stream(where, what)]
    return together(deltas, provider=where.provider.name)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_server_that_tells_them_is_heard(stream: bool) -> None:
    async with FaultServer() as server, ProviderClient() as client:
        server.script("m-1", [Answer("Twelve chars", logprob=-0.25)], then="repeat last")
        where = target("gemini", base_url=server.base_url("gemini"), **TELLING)
        reply = await ask(client, where, stream=stream)
        silent = await ask(client, where, stream=stream, what=call())
        tool = ToolSpec(name="look", parameters={"type": "object"})
        busy = await ask(client, where, stream=stream, what=call(logprobs=True, tools=(tool,)))
    assert reply.content == "Twelve chars"
    assert reply.logprobs is not None
    assert reply.logprobs.mean == pytest.approx(-0.25)
    assert (silent.logprobs, busy.logprobs) == (None, None)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "refusal",
    [
        Fault.http(400, message="Logprobs is not enabled for models/m-1"),
        Fault.http(400, message='Unknown name "responseLogprobs": Cannot find field.'),
    ],
)
async def test_a_model_that_refuses_them_answers_without_and_is_remembered(
    refusal: Behaviour, stream: bool
) -> None:
    async with FaultServer() as server, ProviderClient() as client:
        server.script("m-1", [refusal, Answer("fine"), Answer("again")])
        where = target("gemini", base_url=server.base_url("gemini"), **TELLING)
        wanted = call(logprobs=True, max_tokens=9)
        replies = [await ask(client, where, stream=stream, what=wanted) for _ in range(2)]
        configs = [one.body["generationConfig"] for one in server.calls]
    assert [one.content for one in replies] == ["fine", "again"]
    assert all(one.warnings == () and one.logprobs is None for one in replies)
    assert ["responseLogprobs" in one for one in configs] == [True, False, False]
    assert all(one["maxOutputTokens"] == 9 for one in configs)


def test_a_stream_that_is_cut_tells_no_figures() -> None:
    events = events_of(sse(told(-1.0), done=False))
    with pytest.raises(ValueError, match="cut"):
        list(parse_stream(WIRES["gemini"], events, provider="p"))
