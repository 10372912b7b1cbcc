"""What a host sees before it calls anything: few tools, short strict schemas, stable text."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal, get_args

import pytest
from mcp import Client
from mcp.server import MCPServer

from mcp_router.routing.tokens import count, estimate
from mcp_router.server.arguments import RequirementName, StrategyName
from mcp_router.types import Capability, Family, Need, Strategy
from tests.server.reading import objects
from tests.server.upstream import Upstream

SNAPSHOT = Path(__file__).with_name("tools_list.json")


async def listed(server: MCPServer[None]) -> list[dict[str, Any]]:
    async with Client(server) as client:
        tools = (await client.list_tools()).tools
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]


async def test_the_tool_list_is_the_recorded_one(server: MCPServer[None]) -> None:
    text = json.dumps(await listed(server), indent=2) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(text, encoding="utf-8")
    recorded = SNAPSHOT.read_text(encoding="utf-8")
    assert text == recorded, "if this is meant, run: UPDATE_SNAPSHOTS=1 pytest tests/server"


async def test_the_tool_list_costs_less_than_1500_tokens(server: MCPServer[None]) -> None:
    text = json.dumps(await listed(server), separators=(",", ":"))
    assert estimate(count(text), Family.O200K) < 1_500
    assert len(text) / 3 < 1_500


async def test_every_input_refuses_unknown_arguments(server: MCPServer[None]) -> None:
    assert all(not tool["inputSchema"]["additionalProperties"] for tool in await listed(server))


async def test_schemas_hold_no_titles_nulls_or_references(server: MCPServer[None]) -> None:
    for tool in await listed(server):
        for schema in objects([tool["inputSchema"], tool.get("outputSchema")]):
            assert not {"title", "$ref", "$defs", "anyOf"} & schema.keys()
            assert schema.get("type") != "null"
            assert schema.get("default", "") is not None


async def test_every_tool_states_its_annotations(server: MCPServer[None]) -> None:
    reading = {"readOnlyHint": True, "destructiveHint": False, "openWorldHint": False}
    spending = {
        "readOnlyHint": False,
        "destructiveHint": False,
        "idempotentHint": False,
        "openWorldHint": True,
    }
    for tool in await listed(server):
        spends = tool["name"] == "execute_with_fallback"
        assert tool["annotations"] == (spending if spends else reading)


async def test_only_what_passes_an_answer_on_is_plain_text(server: MCPServer[None]) -> None:
    plain = [tool for tool in await listed(server) if "outputSchema" not in tool]
    assert [tool["name"] for tool in plain] == ["execute_with_fallback"]
    assert plain[0]["_meta"] == {"anthropic/maxResultSizeChars": 205_000}


async def test_every_example_in_a_description_is_accepted(upstream: Upstream) -> None:
    upstream.serve("m-a")
    async with Client(upstream.server()) as client:
        for tool in (await client.list_tools()).tools:
            _, _, example = (tool.description or "").partition("Example: ")
            least = dict.fromkeys(tool.input_schema.get("required", []), "Hi")
            result = await client.call_tool(tool.name, json.loads(example) if example else least)
            assert not result.is_error, tool.name


async def test_every_description_names_a_sibling_and_what_leaves_the_machine(
    server: MCPServer[None],
) -> None:
    tools = await listed(server)
    names = {tool["name"] for tool in tools}
    for tool in tools:
        words = tool["description"]
        assert any(f"use {name}" in words for name in names - {tool["name"]}), tool["name"]
        told = ("leaves this machine", "local records only", "Sends the prompt to a provider")
        assert any(where in words for where in told)


def test_the_argument_names_are_the_routers_own() -> None:
    assert set(get_args(StrategyName)) == {strategy.value for strategy in Strategy}
    requirements = {need.value for need in Need} | {ability.value for ability in Capability}
    assert set(get_args(RequirementName)) == requirements


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_instructions_hold_the_words_people_use(
    server: MCPServer[None], mode: Literal["auto", "legacy"]
) -> None:
    async with Client(server, mode=mode) as client:
        instructions = client.instructions or ""
    for word in ("which model", "cheapest", "delegate", "second opinion", "savings", "spend"):
        assert word in instructions
    for tool in await listed(server):
        assert tool["name"] in instructions
    assert len(instructions) < 800


async def test_lists_say_how_long_they_may_be_kept(server: MCPServer[None]) -> None:
    async with Client(server, mode="2026-07-28") as client:
        tools = await client.list_tools()
    assert tools.ttl_ms == 3_600_000
    assert tools.cache_scope == "public"


async def test_listing_does_not_open_the_router() -> None:
    from mcp_router.server.app import build_server

    def never() -> Any:
        raise AssertionError("the router was opened")

    async with Client(build_server(never)) as client:
        await client.list_tools()
        await client.list_resources()
        await client.list_resource_templates()
        await client.list_prompts()
