"""Token probabilities: asked of those known to tell them, read with suspicion, never missed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.errors import ProviderHTTPError
from mcp_router.providers.client import ProviderClient
from mcp_router.providers.logprobs import FLOOR, WINDOW, Tally, logprobs_of
from mcp_router.providers.wire import Call, FinishDelta, Reply, Target
from mcp_router.providers.wires import WIRES
from mcp_router.types import Logprobs, Need, ToolSpec
from tests.providers.scene import (
    ANSWER,
    END,
    STREAM,
    at,
    call,
    chunk,
    piece,
    serving,
    sse,
    target,
    together,
    whole,
)

TOLD = st.lists(st.floats(-30.0, 0.0), min_size=1, max_size=40)
JUNK: list[object] = [None, True, "-1", float("nan"), 0.5, 10**400, {}, [], [-1.0]]
TELLING: dict[str, Any] = {"logprobs": True, "features": [Need.JSON]}
"""A provider known to tell them, and a model that does not think."""

REFUSALS = [
    (400, "Unrecognized request argument supplied: logprobs"),
    (403, "You are not allowed to request logprobs from this model"),
    (422, "Extra inputs are not permitted: ['body', 'logprobs']"),
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def beside(*values: object) -> dict[str, Any]:
    """What stands beside a text whose tokens have these figures."""
    return {"content": [{"token": "t", "logprob": one} for one in values], "refusal": None}


def mean_of(*values: object) -> float | None:
    found = logprobs_of(beside(*values))
    return None if found is None else found.mean


def asks(what: Call, wire: str = "openai", **changes: Any) -> bool:
    prepared = WIRES[wire].request(target(wire, **changes), what, stream=True)
    assert prepared.warnings == ()
    return "logprob" in json.dumps(prepared.json).lower()


def test_only_a_provider_that_is_known_to_tell_them_is_asked_and_only_on_wish() -> None:
    assert asks(call(logprobs=True), **TELLING)
    assert not asks(call(), **TELLING)
    assert not asks(call(logprobs=True), features=[Need.JSON])
    assert not asks(call(logprobs=True), logprobs=True, features=[Need.THINKING])
    assert not asks(call(logprobs=True), **TELLING, rejects=("logprobs",))
    assert not asks(call(logprobs=True, tools=(ToolSpec(name="look"),)), **TELLING)
    assert asks(call(logprobs=True), "gemini", **TELLING)
    assert not asks(call(logprobs=True), "gemini", features=[Need.JSON])
    assert not asks(call(logprobs=True), "anthropic", **TELLING)


def test_the_figures_are_the_mean_and_the_least_sure_phrase() -> None:
    sure, unsure = [-0.1] * WINDOW, [-2.0] * WINDOW
    found = logprobs_of(beside(*sure, *unsure, *sure))
    assert found is not None
    assert found.mean == pytest.approx(-2.2 / 3)
    assert (found.lowest, found.tokens) == (-2.0, 24)


def test_an_answer_shorter_than_a_phrase_is_one() -> None:
    assert logprobs_of(beside(-1.0, -3.0)) == Logprobs(mean=-2.0, lowest=-2.0, tokens=2)


def test_what_is_no_probability_does_not_count() -> None:
    assert mean_of(*JUNK) is None
    assert logprobs_of(beside(*JUNK, -1.0)) == Logprobs(mean=-1.0, lowest=-1.0, tokens=1)
    bodies: list[object] = [None, "x", 3, {"content": "x"}, {"content": [1, None, "x", ["y"]]}]
    for body in bodies:
        assert logprobs_of(body) is None


def test_nothing_is_less_likely_than_the_floor() -> None:
    assert mean_of(-9999.0) == mean_of(float("-inf")) == mean_of(-(10**400)) == FLOOR


def test_a_gigantic_list_becomes_three_figures() -> None:
    found = logprobs_of(beside(*[-0.5] * 200_000))
    assert found == Logprobs(mean=-0.5, lowest=-0.5, tokens=200_000)


@given(TOLD, st.data())
def test_a_less_likely_token_never_lifts_a_figure(values: list[float], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(values) - 1))
    worse = list(values)
    worse[place] -= data.draw(st.floats(0.0, 20.0))
    before, after = logprobs_of(beside(*values)), logprobs_of(beside(*worse))
    assert before is not None
    assert after is not None
    assert after.tokens == before.tokens
    assert after.mean <= before.mean
    assert after.lowest <= before.lowest


@given(TOLD, st.integers(1, 40))
def test_pieces_add_up_to_the_whole(values: list[float], cut: int) -> None:
    tally = Tally()
    for piece_of in (values[:cut], values[cut:]):
        tally.add(beside(*piece_of))
    assert tally.figures() == logprobs_of(beside(*values))


def answered(*values: float) -> dict[str, Any]:
    message = {"role": "assistant", "content": "hihohu"}
    choice = {"message": message, "logprobs": beside(*values), "finish_reason": "stop"}
    return {**ANSWER, "choices": [choice]}


def told(content: str, *values: float) -> dict[str, Any]:
    found = chunk(content)
    found["choices"][0]["logprobs"] = beside(*values)
    return found


async def streamed(client: ProviderClient, where: Target, what: Call) -> Reply:
    deltas = [delta async for delta in client.stream(where, what)]
    assert isinstance(deltas[-1], FinishDelta)
    return together(deltas, provider=where.provider.name)


async def test_a_whole_answer_and_a_stream_give_the_same_figures() -> None:
    # The second and third chunk differ in nothing but their texts.
    chunks = [told("hi", -1.0), told("ho", -2.0), told("hu", -2.0), chunk(finish="stop")]
    stream = STREAM + piece(sse(*chunks)) + END
    async with (
        serving([whole(answered(-1.0, -2.0, -2.0))], [stream]) as server,
        ProviderClient() as client,
    ):
        where = at(server, **TELLING)
        plain = await client.complete(where, call(logprobs=True))
        pieces = await streamed(client, where, call(logprobs=True))
    assert plain.logprobs == pieces.logprobs == Logprobs(mean=-5 / 3, lowest=-5 / 3, tokens=3)
    assert pieces.content == "hihohu"
    assert [one.body["logprobs"] for one in server.seen] == [True, True]


@pytest.mark.parametrize(("status", "message"), REFUSALS)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_refuses_them_answers_without_and_is_not_asked_again(
    status: int, message: str, stream: bool
) -> None:
    refusal = whole({"error": {"message": message, "type": "invalid_request_error"}}, status)
    fine = STREAM + piece(sse(chunk("hi"), chunk(finish="stop"))) + END if stream else whole(ANSWER)
    async with serving([refusal], [fine]) as server, ProviderClient() as client:
        where, what = at(server, **TELLING), call(logprobs=True)
        for _ in range(2):
            got = await (streamed(client, where, what) if stream else client.complete(where, what))
            assert (got.content, got.logprobs, got.warnings) == ("hi", None, ())
    assert ["logprobs" in one.body for one in server.seen] == [True, False, False]


async def test_other_refusals_are_told_at_once() -> None:
    refusals = [
        (400, "Invalid value for temperature"),
        (500, "logprobs broke"),
    ]
    for status, message in refusals:
        async with (
            serving([whole({"error": {"message": message}}, status)]) as server,
            ProviderClient() as client,
        ):
            with pytest.raises(ProviderHTTPError):
                await client.complete(at(server, **TELLING), call(logprobs=True))
        assert len(server.seen) == 1


async def test_a_server_that_refuses_them_for_ever_is_asked_twice() -> None:
    refusal = whole({"error": {"message": "no logprobs"}}, 400)
    async with serving([refusal]) as server, ProviderClient() as client:
        with pytest.raises(ProviderHTTPError):
            await client.complete(at(server, **TELLING), call(logprobs=True))
    assert len(server.seen) == 2
