"""Subscribers of `router://budget` hear that money was spent, in both eras, and else nothing."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from mcp import Client, MCPDeprecationWarning
from mcp.client.session import IncomingMessage
from mcp.shared.subscriptions import ResourceUpdated
from mcp.types import ResourceUpdatedNotification

from mcp_router.testing.behaviours import Fault
from tests.server.upstream import PROMPT, TOOL, Upstream

URI = "router://budget"
ASKED = {"prompt": PROMPT}


class Mailbox:
    """Collects the updates that a client of the 2025 era gets."""

    def __init__(self) -> None:
        self.updates: list[str] = []
        self.came = anyio.Event()

    async def __call__(self, message: IncomingMessage) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            self.updates.append(str(message.params.uri))
            self.came.set()


@asynccontextmanager
async def subscribed(upstream: Upstream, mailbox: Mailbox, uri: str = URI) -> AsyncIterator[Client]:
    client = Client(upstream.server(), mode="legacy", message_handler=mailbox)
    async with client:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MCPDeprecationWarning)
            await client.subscribe_resource(uri)
        yield client


async def unsubscribe(client: Client) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MCPDeprecationWarning)
        await client.unsubscribe_resource(URI)


async def test_a_listener_hears_of_money_spent(upstream: Upstream) -> None:
    upstream.serve("m-a")
    async with (
        Client(upstream.server(), mode="2026-07-28") as client,
        client.listen(resource_subscriptions=[URI]) as subscription,
    ):
        await client.call_tool(TOOL, ASKED)
        with anyio.fail_after(5):
            assert await anext(aiter(subscription)) == ResourceUpdated(uri=URI)


async def test_a_subscriber_of_the_earlier_era_hears_of_it_too(upstream: Upstream) -> None:
    upstream.serve("m-a")
    mailbox = Mailbox()
    async with subscribed(upstream, mailbox) as client:
        await client.call_tool(TOOL, ASKED)
        with anyio.fail_after(5):
            await mailbox.came.wait()
    assert mailbox.updates == [URI]


async def test_subscribing_twice_gives_one_update(upstream: Upstream) -> None:
    upstream.serve("m-a")
    mailbox = Mailbox()
    async with subscribed(upstream, mailbox) as client:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MCPDeprecationWarning)
            await client.subscribe_resource(URI)
        await client.call_tool(TOOL, ASKED)
        await client.call_tool("budget", {})
    assert mailbox.updates == [URI]


async def test_the_earlier_era_is_told_that_it_may_subscribe(upstream: Upstream) -> None:
    async with Client(upstream.server(), mode="legacy") as client:
        resources = client.server_capabilities.resources
    assert resources is not None
    assert resources.subscribe


@pytest.mark.parametrize("uri", ["router://catalog", "router://nothing"])
async def test_other_resources_never_change(upstream: Upstream, uri: str) -> None:
    upstream.serve("m-a")
    mailbox = Mailbox()
    async with subscribed(upstream, mailbox, uri) as client:
        await client.call_tool(TOOL, ASKED)
        await client.call_tool("budget", {})
    assert mailbox.updates == []


async def test_who_unsubscribes_hears_no_more(upstream: Upstream) -> None:
    upstream.serve("m-a")
    mailbox = Mailbox()
    async with subscribed(upstream, mailbox) as client:
        await unsubscribe(client)
        await client.call_tool(TOOL, ASKED)
        await client.call_tool("budget", {})
    assert mailbox.updates == []


async def test_nothing_is_told_where_nothing_was_spent(upstream: Upstream) -> None:
    upstream.fallback = {"max_retries": 0}
    upstream.serve("m-a", Fault.invalid_key())
    mailbox = Mailbox()
    async with subscribed(upstream, mailbox) as client:
        assert (await client.call_tool(TOOL, ASKED)).is_error
        await client.call_tool("route", ASKED)
        await client.call_tool("budget", {})
    assert mailbox.updates == []


async def test_what_another_process_spent_is_told_at_the_next_call(upstream: Upstream) -> None:
    upstream.serve("m-a")
    upstream.fallback = {"max_retries": 0}
    mailbox = Mailbox()
    async with subscribed(upstream, mailbox) as client:
        await client.call_tool(TOOL, {"prompt": PROMPT, "min_quality": 1})
        async with upstream.router() as other:
            await other.execute(PROMPT)
        await client.call_tool(TOOL, {"prompt": PROMPT, "min_quality": 1})
        with anyio.fail_after(5):
            await mailbox.came.wait()
    assert mailbox.updates == [URI]
