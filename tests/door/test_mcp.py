"""`/mcp` in both protocol eras, without sessions: any replica answers any call."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Fault
from tests.door.house import SECONDS, House, Served, until
from tests.server.conftest import Era
from tests.server.reading import body_of, text_of

TOOL = "execute_with_fallback"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["legacy", "2026-07-28"])
def era(request: pytest.FixtureRequest) -> Era:
    return request.param


@asynccontextmanager
async def connected(url: str, secret: str, era: Era) -> AsyncGenerator[Client]:
    headers = {"authorization": f"Bearer {secret}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=SECONDS) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=era) as client,
    ):
        yield client


async def test_the_tools_are_those_of_stdio_and_work(
    house: House, served: Served, secret: str, era: Era
) -> None:
    heard: list[str] = []

    async def hear(_progress: float, _total: float | None, message: str | None) -> None:
        heard.append(message or "")

    async with connected(served.url, secret, era) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert names == ["route", "classify", TOOL, "budget", "stats"]
        told = body_of(await client.call_tool("route", {"prompt": "Fix the login bug"}))
        assert told["task_type"] == "debugging"
        done = await client.call_tool(TOOL, {"prompt": "Hi"}, progress_callback=hear)
        assert text_of(done).startswith(echo("Hi"))
        assert [one.uri for one in (await client.list_resources()).resources]
    assert heard == ["Attempt 1: waiting for m-a at fault-openai"]
    tags = house.rows("SELECT tags FROM ledger_entries ORDER BY entry_id DESC LIMIT 1")
    assert json.loads(tags[0][0]) == ["token=alice"]


async def test_a_token_that_reads_may_not_run(house: House, served: Served, era: Era) -> None:
    reader = house.token(f"reader-{era}", "read", daily_nanos=10**9)
    async with connected(served.url, reader, era) as client:
        refused = await client.call_tool(TOOL, {"prompt": "Hi"})
        assert refused.is_error
        assert "needs execute" in text_of(refused)
        budgets = body_of(await client.call_tool("budget", {}))["budgets"]
    names = [one["name"] for one in budgets]
    assert names == ["day", "month", f"token=reader-{era} day"]


async def test_models_of_a_token_hold_for_every_tool(
    house: House, served: Served, era: Era
) -> None:
    house.serve("o-a")
    narrow = house.token(f"narrow-{era}", models=("o-a",))
    async with connected(served.url, narrow, era) as client:
        told = body_of(await client.call_tool("route", {"prompt": "Hi"}))
        assert told["model"] == "o-a"
        refused = await client.call_tool(TOOL, {"prompt": "Hi", "chain": "m-a"})
        assert "does not allow" in text_of(refused)
        done = await client.call_tool(TOOL, {"prompt": "Hi"})
        assert "\no-a (" in text_of(done)


async def test_the_limit_per_request_cannot_be_lifted_from_afar(own_house: House, era: Era) -> None:
    own_house.more["budget"] = {"per_request": 0.01}
    secret = own_house.token()
    with own_house.started() as served:
        async with connected(served.url, secret, era) as client:
            arguments = {"prompt": "Hi", "max_tokens": 30_000}
            assert (await client.call_tool(TOOL, arguments)).is_error
    assert own_house.faults.calls == ()


@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
def test_hanging_up_settles_the_money(house: House, served: Served, secret: str, era: str) -> None:
    house.serve("q-a", Fault.silence())
    before = len(house.faults.abandoned)
    meta: dict[str, Any] = {}
    headers = {"accept": "application/json, text/event-stream"}
    if era != "legacy":
        headers |= {"mcp-protocol-version": era, "mcp-method": "tools/call", "mcp-name": TOOL}
        key = "io.modelcontextprotocol/"
        meta = {f"{key}protocolVersion": era, f"{key}clientCapabilities": {}}
    params = {"name": TOOL, "arguments": {"prompt": "Hi", "chain": "q-a"}, "_meta": meta}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    with served.client(secret, **headers) as client, pytest.raises(httpx2.ReadTimeout):
        client.post("/mcp", json=body, timeout=0.8)
    until(lambda: len(house.faults.abandoned) == before + 1)
    until(lambda: house.held() == [])


async def test_two_replicas_share_everything(own_house: House, era: Era) -> None:
    secret = own_house.token(daily_nanos=10**9)
    with own_house.started() as one, own_house.started() as other:
        for served in (one, other):
            async with connected(served.url, secret, era) as client:
                assert not (await client.call_tool(TOOL, {"prompt": "Hi"})).is_error
        async with connected(one.url, secret, era) as client:
            rows = body_of(await client.call_tool("stats", {}))["rows"]
    assert [row["calls"] for row in rows] == [2]
