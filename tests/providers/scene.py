"""Targets, calls and a server that sends exactly the bytes it is told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from mcp_router.providers.assemble import Assembler
from mcp_router.providers.sse import Event
from mcp_router.providers.wire import Call, Delta, Reply, Target, UsageDelta, Wire
from mcp_router.testing.neutral import WireName
from mcp_router.types import Message, ModelInfo, ProviderInfo
from tests.builders import model

GOLDEN = Path(__file__).parent / "golden"
KEY = "sk-SECRET-k3y"
WIRE_NAMES: tuple[WireName, ...] = ("openai", "anthropic", "gemini")
BASES = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "gemini": "https://generativelanguage.googleapis.com",
}


def target(wire: str = "openai", *, key: str | None = KEY, **changes: Any) -> Target:
    """A target; `changes` go to the provider, or to the model what a provider does not have."""
    own = {name: one for name, one in changes.items() if name in ProviderInfo.model_fields}
    rest = {name: one for name, one in changes.items() if name not in own}
    fields = {"name": wire, "wire": wire, "base_url": BASES[wire], "api_key_env": "THE_KEY"}
    provider = ProviderInfo.model_validate({**fields, **own})
    info: ModelInfo = model(rest.pop("model", "m-1"), provider=provider.name, **rest)
    return Target(info, provider, key)


def call(text: str = "hello", **fields: Any) -> Call:
    return Call(messages=(Message(role="user", content=text),), **fields)


def goldens(folder: str) -> list[Path]:
    return sorted((GOLDEN / folder).glob("*.json"))


def load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def together(deltas: Iterable[Delta], *, provider: str) -> Reply:
    assembler = Assembler(provider=provider)
    for delta in deltas:
        assembler.add(delta)
    return assembler.reply()


def streamed(wire: Wire, events: Iterable[Event], *, provider: str) -> Reply:
    return together(parse_stream(wire, events, provider=provider), provider=provider)


def sse(*chunks: object, done: bool = True) -> bytes:
    """Write chunks as an OpenAI stream."""
    texts = [one if isinstance(one, str) else json.dumps(one) for one in chunks]
    return "".join(f"data: {text}\n\n" for text in [*texts, *(["[DONE]"] if done else [])]).encode()


def chunk(content: str | None = None, *, finish: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if content is None else {"content": content}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "model": "m-1", "choices": [choice], **more}


class Seen(NamedTuple):
    """A request as it came in."""

    line: str
    headers: dict[str, str]
    body: Any


class RawServer:
    """Answers the n-th request with the n-th script, and the last script ever after.

    A script is bytes to send, seconds to wait, "close", or "hang" until the client hangs up.
    """

    def __init__(self, *scripts: Iterable[Any]) -> None:
        self.scripts = [list(script) for script in scripts]
        self.seen: list[Seen] = []
        self.connections = 0
        self.hung_up = asyncio.Event()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                pairs = (line.partition(":") for line in head[1:] if line)
                headers = {name.lower(): value.strip() for name, _, value in pairs}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.seen.append(Seen(head[0], headers, json.loads(body or b"null")))
                script = self.scripts[min(len(self.seen), len(self.scripts)) - 1]
                if not await self._play(script, reader, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.hung_up.set()
            writer.close()

    async def _play(
        self, script: list[Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        for step in script:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif step == "close":
                return False
            elif step == "hang":
                # Reading ends when the client hangs up.
                await reader.read(1)
                return False
            else:
                await asyncio.sleep(step)
        return True


@asynccontextmanager
async def serving(*scripts: Iterable[Any]) -> AsyncIterator[RawServer]:
    raw = RawServer(*scripts)
    server = await asyncio.start_server(raw.serve, "127.0.0.1", 0, limit=1 << 24)
    raw.port = server.sockets[0].getsockname()[1]
    try:
        yield raw
    finally:
        server.close()


def at(server: RawServer, wire: str = "openai", **changes: Any) -> Target:
    """A target that is reached at the server."""
    base = f"http://127.0.0.1:{server.port}" + ("/v1" if wire == "openai" else "")
    return target(wire, base_url=base, **changes)


def head(status: int = 200, *, kind: str = "application/json", **headers: object) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"content-type: {kind}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def whole(body: object, status: int = 200, **headers: object) -> bytes:
    """A whole HTTP answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return head(status, content_length=len(data), **headers) + data


def piece(data: bytes) -> bytes:
    """A piece of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


STREAM = head(kind="text/event-stream", transfer_encoding="chunked")
END = b"0\r\n\r\n"
ANSWER = {
    "id": "c",
    "model": "m-1",
    "choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}


def parse_stream(wire: Wire, events: Iterable[Event], *, provider: str) -> Iterator[Delta]:
    """Read a whole streamed answer from its events.

    Raises:
        BadAnswer, FailureInAnswer: as in `Reader.read` and `Reader.finish`.
    """
    reader = wire.reader(provider=provider)
    for event in events:
        yield from reader.read(event)
        if reader.done:
            break
    usage = reader.usage()
    if usage is not None:
        yield UsageDelta(usage)
    yield reader.finish()
