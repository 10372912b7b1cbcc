"""What every provider with a key must do for real: answer, stream, call tools, keep to a schema."""

from __future__ import annotations

import json

import pytest

from mcp_router.errors import FallbackExhaustedError
from mcp_router.router import Router
from mcp_router.types import Completion, Message, ModelInfo, Request, ToolSpec

PROMPT = "What is the capital of Mongolia? Answer with its name only."
MAX_TOKENS = 2000
WEATHER = ToolSpec(
    name="get_weather",
    description="Tells the weather in a city.",
    parameters={
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
)
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "letters": {"type": "integer"}},
    "required": ["city", "letters"],
    "additionalProperties": False,
}


def assert_accounted(done: Completion, router: Router) -> None:
    """Tokens are reported, the price is known, and the ledger holds exactly that."""
    assert done.usage.input_tokens + done.usage.cache_read_tokens > 0
    assert done.usage.output_tokens > 0
    assert done.cost_usd
    day = next(one for one in router.budget() if one.period == "day")
    assert day.spent_usd == sum(tried.cost_usd or 0 for tried in done.attempts)
    assert day.reserved_usd == 0


async def test_it_answers(router: Router, cheapest: ModelInfo) -> None:
    done = await router.execute(PROMPT, chain=[cheapest.name], max_tokens=MAX_TOKENS)
    assert "ula" in done.content.lower()
    assert done.finish_reason == "stop"
    assert_accounted(done, router)


async def test_it_streams(router: Router, cheapest: ModelInfo) -> None:
    pieces: list[str] = []
    done = None
    async for event in router.stream(PROMPT, chain=[cheapest.name], max_tokens=MAX_TOKENS):
        assert event.type != "restart"
        if event.type == "delta":
            pieces.append(event.text)
        elif event.type == "done":
            done = event.result
    assert done is not None
    assert "".join(pieces) == done.content
    assert "ula" in done.content.lower()
    assert_accounted(done, router)


async def test_it_calls_a_tool_and_takes_its_result(router: Router, cheapest: ModelInfo) -> None:
    ask = Message(role="user", content="What is the weather in Oslo? Use the tool.")
    asked = Request(
        messages=(ask,), tools=(WEATHER,), chain=(cheapest.name,), max_tokens=MAX_TOKENS
    )
    first = await router.execute(asked)
    (call,) = first.tool_calls
    assert (call.name, call.arguments) == ("get_weather", {"city": "Oslo"})
    turn = Message.model_validate({"role": "assistant", "content": [*first.reasoning, call]})
    result = {"type": "tool_result", "tool_call_id": call.id, "name": call.name}
    told = Message.model_validate(
        {"role": "tool", "content": [{**result, "content": "Sunny, 21 degrees."}]}
    )
    second = await router.execute(asked.model_copy(update={"messages": (ask, turn, told)}))
    assert "21" in second.content


async def test_it_keeps_to_a_schema(router: Router, cheapest: ModelInfo) -> None:
    prompt = "Name the capital of Norway and count its letters, as JSON."
    done = await router.execute(
        prompt, chain=[cheapest.name], response_schema=CITY, max_tokens=MAX_TOKENS
    )
    assert json.loads(done.content) == {"city": "Oslo", "letters": 4}


async def test_a_wrong_key_is_told_as_such(
    router: Router, cheapest: ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = router.catalog.providers[cheapest.provider].api_key_env
    assert variable
    monkeypatch.setenv(variable, "wrong-key-for-a-test")
    with pytest.raises(FallbackExhaustedError) as caught:
        await router.execute(PROMPT, chain=[cheapest.name], max_tokens=16)
    assert {tried.outcome for tried in caught.value.attempts} == {"auth"}
    assert "wrong-key" not in str(caught.value)
