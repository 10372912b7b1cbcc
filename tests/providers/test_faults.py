"""All wires against the public fault server: every fault has a name, none passes for an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mcp_router.errors import (
    AuthenticationError,
    ContentFilteredError,
    ContextLengthError,
    MalformedResponseError,
    ProviderConnectionError,
    ProviderError,
    ProviderHTTPError,
    ProviderTimeout,
    RateLimitedError,
)
from mcp_router.providers.assemble import Assembler
from mcp_router.providers.client import ProviderClient
from mcp_router.providers.deadlines import Deadlines
from mcp_router.providers.wire import Call, Reply
from mcp_router.testing.behaviours import Answer, Behaviour, Fault
from mcp_router.testing.neutral import WireName
from mcp_router.testing.server import FaultServer
from mcp_router.testing.wordings import (
    ANTHROPIC_CONTEXT,
    GEMINI_CONTEXT,
    OPENAI_CONTEXT,
)
from mcp_router.types import ToolCall, ToolSpec, Usage
from tests.providers.scene import WIRE_NAMES, call, target

SOON = Deadlines(connect=1.0, first_token=0.15, idle=0.15, total=0.4)
TOOLS = (ToolSpec(name="f", parameters={"type": "object"}),)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Room:
    """A client, and a server that shows it one behaviour after the other."""

    def __init__(self, server: FaultServer, client: ProviderClient) -> None:
        self._server = server
        self._client = client

    async def ask(
        self, behaviour: Behaviour, wire: WireName, *, stream: bool, what: Call | None = None
    ) -> Reply:
        """The answer to one call that meets this behaviour."""
        self._server.script("m-1", [behaviour])
        where = target(wire, base_url=self._server.base_url(wire))
        if not stream:
            return await self._client.complete(where, what or call(), deadlines=SOON)
        assembler = Assembler(provider=where.provider.name)
        async for delta in self._client.stream(where, what or call(), deadlines=SOON):
            assembler.add(delta)
        return assembler.reply()


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with FaultServer() as server, ProviderClient() as client:
        yield Room(server, client)


FAULTS: list[tuple[Fault, type[ProviderError]]] = [
    (Fault.http(500), ProviderHTTPError),
    (Fault.http(529), ProviderHTTPError),
    (Fault.http(404), ProviderHTTPError),
    (Fault.http(401), AuthenticationError),
    (Fault.invalid_key(), AuthenticationError),
    (Fault.http(429, retry_after=2), RateLimitedError),
    (Fault.context_length(), ContextLengthError),
    (Fault.content_filter(), ContentFilteredError),
    (Fault.reset(), ProviderConnectionError),
    (Fault.disconnect(), ProviderConnectionError),
    (Fault.reset("mid_headers"), ProviderConnectionError),
    (Fault.reset("mid_body"), MalformedResponseError),
    (Fault.disconnect("mid_stream"), MalformedResponseError),
    (Fault.silence(), ProviderTimeout),
    (Fault.stall(), ProviderTimeout),
    (Fault.stall(heartbeat=0.05), ProviderTimeout),
    (Fault.cut(), MalformedResponseError),
    (Fault.cut(inside="character"), MalformedResponseError),
    (Fault.malformed(), MalformedResponseError),
    (Fault.truncated(), MalformedResponseError),
    (Fault.html(), MalformedResponseError),
    (Fault.html(502), ProviderHTTPError),
    (Fault.error_in_200(), ProviderHTTPError),
    (Fault.error_in_200(after=2), ProviderHTTPError),
    (Fault.empty_body(), MalformedResponseError),
    (Fault.garbage(), MalformedResponseError),
    (Fault.garbage("connection"), ProviderConnectionError),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wire", WIRE_NAMES)
async def test_every_fault_has_its_name_on_every_wire(
    room: Room, wire: WireName, stream: bool
) -> None:
    for fault, kind in FAULTS:
        with pytest.raises(kind):
            await room.ask(fault, wire, stream=stream)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wire", WIRE_NAMES)
async def test_healthy_answers_come_back_on_every_wire(
    room: Room, wire: WireName, stream: bool
) -> None:
    usage = Usage(input_tokens=30, cache_read_tokens=20, reasoning_tokens=4, output_tokens=6)
    said = Answer("Grüße, 世界", reasoning="hm", usage=usage, segment=3)
    reply = await room.ask(said, wire, stream=stream)
    assert (reply.content, reply.finish_reason, reply.usage) == ("Grüße, 世界", "stop", usage)
    assert [one.text for one in reply.reasoning] == ["hm"]

    arguments = {"a": [1, {"b": "é"}]}
    wanted = Answer(tool_calls=(ToolCall(id="c1", name="f", arguments=arguments),))
    reply = await room.ask(wanted, wire, stream=stream, what=call(tools=TOOLS))
    assert reply.finish_reason == "tool_calls"
    assert [(one.name, one.arguments) for one in reply.tool_calls] == [
        ("f", {"a": [1, {"b": "é"}]})
    ]

    reply = await room.ask(Fault.no_usage(), wire, stream=stream)
    assert reply.usage is None


@pytest.mark.parametrize(
    ("wire", "wording"),
    [
        *(("openai", name) for name in OPENAI_CONTEXT),
        *(("anthropic", name) for name in ANTHROPIC_CONTEXT),
        *(("gemini", name) for name in GEMINI_CONTEXT),
    ],
)
async def test_each_providers_wording_for_length_is_known(
    room: Room, wire: WireName, wording: str
) -> None:
    with pytest.raises(ContextLengthError):
        await room.ask(Fault.context_length(wording), wire, stream=False)
