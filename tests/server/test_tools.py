"""What the tools answer, and that every refusal is a sentence a model can act on."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.server import MCPServer
from pydantic import ValidationError

from mcp_router.errors import ConfigError
from mcp_router.router import Router
from mcp_router.server.app import build_server
from mcp_router.types import Constraints
from tests.server.reading import body_of, leaves, text_of

PLAIN = re.compile(r"\d+(\.\d+)?")
PROMPT = "Fix the login bug in auth.py"


async def refused(server: MCPServer[None], tool: str, arguments: dict[str, Any]) -> str:
    async with Client(server) as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert result.structured_content is None
    return text_of(result)


async def test_route_answers_with_a_short_decision(client: Client) -> None:
    async with client:
        body = body_of(await client.call_tool("route", {"prompt": PROMPT}))
    assert body["model"] == body["candidates"][0]["model"]
    assert body["task_type"] == "debugging"
    assert body["strategy"] == "balanced"
    assert len(body["candidates"]) <= 3
    assert sum(body["rejected"]["filters"].values()) == body["rejected"]["total"]
    assert body["estimated"].keys() == {"cost_usd", "input_tokens", "output_tokens", "latency_ms"}
    assert len(body.get("counterfactuals", [])) <= 2


async def test_route_decides_as_the_library_does(
    server: MCPServer[None], open_router: Callable[[], Router]
) -> None:
    async with Client(server) as client:
        body = body_of(
            await client.call_tool("route", {"prompt": PROMPT, "strategy": "cost_first"})
        )
    with open_router() as router:
        stored = router.explain(body["decision_id"])
        fresh = router.route(PROMPT, strategy="cost_first")
    assert body["model"] == stored.model == fresh.model
    assert body["fallbacks"] == list(fresh.fallbacks)
    assert body["reason"] == fresh.reason


async def test_route_says_it_in_words_as_well(server: MCPServer[None]) -> None:
    async with Client(server) as client:
        result = await client.call_tool("route", {"prompt": PROMPT})
    body = body_of(result)
    words = text_of(result)
    assert words.startswith(f"{body['model']} ({body['provider']}): {body['reason']}")
    assert f"${body['estimated']['cost_usd']}" in words
    assert len(words) < 1_500


@pytest.mark.parametrize("tool", ["route", "classify", "budget", "stats"])
async def test_answers_hold_no_nulls_and_no_binary_costs(client: Client, tool: str) -> None:
    async with client:
        body_of(await client.call_tool("route", {"prompt": PROMPT}))
        arguments = {"prompt": PROMPT} if tool in {"route", "classify"} else {}
        body = body_of(await client.call_tool(tool, arguments))
    assert None not in {value for _, value in leaves(body)}
    assert all(
        isinstance(cost, str) and PLAIN.fullmatch(cost)
        for key, cost in leaves(body)
        if key.endswith("_usd")
    )


async def test_limits_reach_the_router(server: MCPServer[None]) -> None:
    limits = {"max_cost_usd": "0.01", "min_quality": 0.3, "requires": ["tools"]}
    async with Client(server) as client:
        body = body_of(await client.call_tool("route", {"prompt": PROMPT, **limits}))
    assert Decimal(body["estimated"]["cost_usd"]) <= Decimal("0.01")


async def test_a_list_may_be_written_as_one_string(server: MCPServer[None]) -> None:
    async with Client(server) as client:
        chosen = body_of(await client.call_tool("route", {"prompt": PROMPT}))["candidates"]
        names = ", ".join(one["model"] for one in chosen[1:])
        body = body_of(await client.call_tool("route", {"prompt": PROMPT, "models": names}))
    assert [one["model"] for one in body["candidates"]] == names.split(", ")


async def test_null_for_an_optional_argument_is_its_default(server: MCPServer[None]) -> None:
    async with Client(server) as client:
        arguments = {"prompt": PROMPT, "strategy": None, "models": None, "max_cost_usd": None}
        assert body_of(await client.call_tool("route", arguments))["strategy"] == "balanced"


async def test_context_tokens_count(server: MCPServer[None]) -> None:
    async with Client(server) as client:
        alone = body_of(await client.call_tool("classify", {"prompt": PROMPT}))
        more = body_of(
            await client.call_tool("classify", {"prompt": PROMPT, "context_tokens": 50_000})
        )
    assert more["input_tokens"] - alone["input_tokens"] == 50_000


async def test_stats_count_the_decisions(server: MCPServer[None]) -> None:
    async with Client(server) as client:
        await client.call_tool("route", {"prompt": PROMPT})
        await client.call_tool("route", {"prompt": "Write a haiku about the sea"})
        body = body_of(await client.call_tool("stats", {"period": "all", "by": "task"}))
        by_project = text_of(await client.call_tool("stats", {"by": "project"}))
    assert sum(row["decisions"] for row in body["rows"]) == 2
    assert by_project.startswith("(none named): decisions 2, ")


async def test_an_unknown_argument_is_named_and_the_known_ones_listed(
    client: Client,
) -> None:
    async with client:
        result = await client.call_tool("route", {"prompt": PROMPT, "tast": "secret words"})
    assert result.is_error
    assert text_of(result) == (
        "Unknown argument 'tast'. route takes: prompt, strategy, max_cost_usd, max_latency_ms, "
        "min_quality, requires, context_tokens, models."
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "prompt is required."),
        ({"prompt": 5}, "prompt: Input should be a valid string."),
        ({"prompt": "   "}, "prompt: is empty. Say what should be done."),
        ({"prompt": "x", "max_cost_usd": -1}, "max_cost_usd: an amount of US dollars may not"),
        ({"prompt": "x", "max_cost_usd": "nan"}, "max_cost_usd: an amount of US dollars must"),
        ({"prompt": "x", "min_quality": 2}, "min_quality: Input should be less than or equal"),
        ({"prompt": "x", "max_latency_ms": 0}, "max_latency_ms: Input should be greater than 0."),
        ({"prompt": "x", "strategy": "cheap"}, "strategy: Input should be 'balanced', "),
        ({"prompt": "x", "requires": ["sight"]}, "requires.0: Input should be 'vision', "),
        ({"prompt": "x", "models": ["claude-sonet"]}, "No model is called 'claude-sonet'. Did"),
        ({"prompt": "x", "context_tokens": 10**12}, "No model fits: all "),
    ],
)
async def test_a_refusal_says_what_is_wrong(
    server: MCPServer[None], arguments: dict[str, Any], said: str
) -> None:
    text = await refused(server, "route", arguments)
    assert text.startswith(said)
    assert "pydantic" not in text
    assert "http" not in text
    assert "Error executing" not in text


async def test_an_unknown_tool_is_a_readable_error(server: MCPServer[None]) -> None:
    assert await refused(server, "rout", {}) == "Unknown tool: rout"


async def test_a_wrong_period_lists_the_allowed_ones(server: MCPServer[None]) -> None:
    assert "'day', 'week', 'month' or 'all'" in await refused(server, "stats", {"period": "year"})


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    words=st.text("zqxjkv", min_size=12, max_size=40),
    extra=st.dictionaries(
        st.sampled_from(["strategy", "models", "nothing", "min_quality"]),
        st.sampled_from(["wrong", 7, -1]),
        max_size=2,
    ),
)
def test_no_answer_repeats_the_prompt(
    server: MCPServer[None], words: str, extra: dict[str, Any]
) -> None:
    async def both() -> str:
        async with Client(server) as client:
            arguments = {"prompt": f"Please debug {words} now", **extra}
            results = [await client.call_tool(tool, arguments) for tool in ("route", "classify")]
            results.append(await client.call_tool("budget", {"prompt": words}))
        return "".join(result.model_dump_json() for result in results)

    assert words not in anyio.run(both)


async def test_half_an_emoji_is_no_reason_to_refuse(server: MCPServer[None]) -> None:
    async with Client(server) as client:
        body_of(await client.call_tool("route", {"prompt": "Fix the \ud83d bug \udc00"}))
        result = await client.call_tool("route", {"prompt": "x", "models": ["\ud83d"]})
    assert text_of(result).startswith("No model is called")


async def test_a_prompt_of_ten_megabytes_is_answered(server: MCPServer[None]) -> None:
    prompt = "The quick brown fox jumps over the lazy dog. " * (10_000_000 // 45)
    async with Client(server) as client:
        body = body_of(await client.call_tool("classify", {"prompt": prompt}))
        assert body["input_tokens"] > 1_000_000
        routed = await client.call_tool("route", {"prompt": prompt})
    assert len(routed.model_dump_json()) < 8_000


async def test_a_refusal_is_short_whatever_was_sent(server: MCPServer[None]) -> None:
    assert len(await refused(server, "route", {"prompt": "x", "y" * 50_000: 1})) <= 600
    assert len(await refused(server, "route", {"prompt": "x", "models": ["y" * 50_000]})) <= 600


async def test_a_failed_opening_is_told_and_tried_again(
    open_router: Callable[[], Router],
) -> None:
    broken = True

    def opening() -> Router:
        if broken:
            raise ConfigError(place="mcp-router.toml", key="strategy", problem="is not known")
        return open_router()

    async with Client(build_server(opening)) as client:
        first = await client.call_tool("budget", {})
        broken = False
        second = await client.call_tool("budget", {})
    assert text_of(first) == "mcp-router.toml: strategy: is not known."
    assert not second.is_error


def a_validation_error() -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Constraints.model_validate({"models": "sk-secret"})
    return caught.value


@pytest.mark.parametrize("error", [RuntimeError("key sk-secret"), a_validation_error()])
async def test_an_unforeseen_error_tells_nothing(
    caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def opening() -> Router:
        raise error

    caplog.set_level(logging.CRITICAL)
    assert await refused(build_server(opening), "budget", {}) == "Error executing tool budget"


async def test_parallel_first_calls_open_one_router(open_router: Callable[[], Router]) -> None:
    opened: list[Router] = []
    together = threading.Barrier(2, timeout=10)

    def opening() -> Router:
        opened.append(open_router())
        return opened[-1]

    def meeting() -> None:
        together.wait()

    async with Client(build_server(opening)) as client, anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(client.call_tool, "route", {"prompt": f"Fix bug {number}"})
        group.start_soon(anyio.to_thread.run_sync, meeting)
        group.start_soon(anyio.to_thread.run_sync, meeting)
    assert len(opened) == 1


async def test_the_router_is_closed_with_the_server(open_router: Callable[[], Router]) -> None:
    closed: list[str] = []

    class Watched(Router):
        def close(self) -> None:
            super().close()
            closed.append("closed")

    def opening() -> Router:
        router = open_router()
        router.__class__ = Watched
        return router

    async with Client(build_server(opening)) as client:
        await client.call_tool("budget", {})
        assert not closed
    assert closed == ["closed"]
