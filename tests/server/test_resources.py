"""The resources: what can be read, how long it is, and what an unknown one says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.server import MCPServer
from mcp.types import (
    INVALID_PARAMS,
    PromptReference,
    ReadResourceResult,
    ResourceTemplateReference,
    TextResourceContents,
)

from mcp_router.errors import ConfigError
from mcp_router.router import Router
from mcp_router.server.app import build_server
from tests.server.reading import body_of

TEMPLATE = "router://decisions/{decision_id}"


def json_of(result: ReadResourceResult) -> dict[str, Any]:
    (contents,) = result.contents
    assert isinstance(contents, TextResourceContents)
    assert contents.mime_type == "application/json"
    return json.loads(contents.text)


async def test_resources_are_listed_with_type_and_description(client: Client) -> None:
    async with client:
        resources = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates
    data = [one for one in resources if str(one.uri).startswith("router:")]
    assert {str(one.uri) for one in data} == {"router://catalog", "router://budget"}
    assert [one.uri_template for one in templates] == [TEMPLATE]
    assert all(one.description and one.mime_type == "application/json" for one in data)
    assert all(one.description and one.mime_type == "application/json" for one in templates)


async def test_the_catalogue_lists_current_models_with_prices(client: Client) -> None:
    async with client:
        body = json_of(await client.read_resource("router://catalog"))
    rows = {row["model"]: row for row in body["models"]}
    assert len(rows) >= 10
    priced = [row["price"] for row in rows.values() if "price" in row]
    assert all(isinstance(price["input"], str) for price in priced)
    assert all(row["context"] > 0 and row["capabilities"] for row in rows.values())


async def test_the_catalogue_stays_short(server: MCPServer[None]) -> None:
    async with Client(server) as client:
        body = json_of(await client.read_resource("router://catalog"))
    assert len(json.dumps(body)) < 40_000
    assert len(body["models"]) <= 100


async def test_the_catalogue_leaves_retired_models_out(
    server: MCPServer[None], open_router: Callable[[], Router]
) -> None:
    with open_router() as router:
        retired = {model.name for model in router.catalog.models if model.retires_on}
    async with Client(server) as client:
        body = json_of(await client.read_resource("router://catalog"))
    shown = {row["model"] for row in body["models"]}
    assert len(shown & retired) < len(retired)


async def test_the_budget_resource_says_what_the_tool_says(server: MCPServer[None]) -> None:
    async with Client(server) as client:
        read = json_of(await client.read_resource("router://budget"))
        assert read == body_of(await client.call_tool("budget", {}))


async def test_a_decision_can_be_read_in_full(client: Client) -> None:
    async with client:
        body = body_of(await client.call_tool("route", {"prompt": "Fix the bug of Zephyrine"}))
        read = json_of(await client.read_resource(f"router://decisions/{body['decision_id']}"))
    assert read["model"] == body["model"]
    assert len(read["rejected"]) == body["rejected"]["total"]
    assert len(read["candidates"]) >= len(body["candidates"])
    assert "Zephyrine" not in json.dumps(read)


@pytest.mark.parametrize("name", ["dec_0", "..%2F..%2Fetc", "a b", "%00"])
async def test_an_unknown_decision_is_not_found(client: Client, name: str) -> None:
    async with client:
        with pytest.raises(MCPError) as caught:
            await client.read_resource(f"router://decisions/{name}")
    assert caught.value.code == INVALID_PARAMS
    assert "Traceback" not in str(caught.value)


async def test_a_refusal_of_the_router_can_be_read() -> None:
    def opening() -> Router:
        raise ConfigError(place="ROUTING_DB", key="db", problem="is a folder")

    async with Client(build_server(opening)) as client:
        with pytest.raises(MCPError, match="ROUTING_DB: db: is a folder"):
            await client.read_resource("router://budget")


async def test_decision_ids_are_completed_from_the_store(client: Client) -> None:
    reference = ResourceTemplateReference(type="ref/resource", uri=TEMPLATE)
    async with client:
        ids = [
            body_of(await client.call_tool("route", {"prompt": f"Fix bug {n}"}))["decision_id"]
            for n in range(3)
        ]
        all_of = await client.complete(reference, {"name": "decision_id", "value": "dec_"})
        one_of = await client.complete(reference, {"name": "decision_id", "value": ids[0]})
        none_of = await client.complete(reference, {"name": "decision_id", "value": "zzz"})
    assert all_of.completion.values == ids[::-1]
    assert one_of.completion.values == [ids[0]]
    assert none_of.completion.values == []


async def test_nothing_else_is_completed(server: MCPServer[None]) -> None:
    reference = PromptReference(type="ref/prompt", name="unknown")
    async with Client(server) as client:
        found = await client.complete(reference, {"name": "task", "value": ""})
    assert found.completion.values == []
