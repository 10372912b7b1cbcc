"""A client that sees every byte: it says how an answer ended, not only what it held."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from mcp_router.testing.neutral import WireName
from mcp_router.testing.server import FaultServer

WIRES: tuple[WireName, ...] = ("openai", "anthropic", "gemini")
PATIENCE = 5.0
"""Seconds without a byte after which an answer counts as silent; long, for a loaded machine."""
SILENCE = 0.15
"""The same, where silence is what is expected."""

Ended = Literal["complete", "closed", "reset", "silent"]


class Exchange(NamedTuple):
    """An answer as it came in; `body` is free of chunk framing."""

    ended: Ended
    status: int
    headers: dict[str, str]
    body: bytes
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Prompt(NamedTuple):
    """One question to one model, before a wire writes it."""

    wire: WireName
    text: str = "hello"
    model: str = "m"
    stream: bool = False
    fields: Mapping[str, Any] = MappingProxyType({})
    headers: Mapping[str, str] = MappingProxyType({})


def written(prompt: Prompt) -> bytes:
    """Write a prompt as the bytes of an HTTP request."""
    wire, text, model, stream, fields, headers = prompt
    headers = {"host": "localhost", "content-type": "application/json"} | headers
    message = {"role": "user", "content": text}
    if wire == "openai":
        path, body = "/v1/chat/completions", {"model": model, "messages": [message]}
    elif wire == "anthropic":
        path = "/v1/messages"
        body = {"model": model, "max_tokens": 100, "messages": [message]}
        headers = {"anthropic-version": "2023-06-01"} | headers
    else:
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        path = f"/v1beta/models/{model}:{method}"
        body = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    if stream and wire != "gemini":
        body["stream"] = True
    return http("POST", path, json.dumps(body | fields).encode(), headers)


def http(
    method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {"host": "localhost"}).items()]
    return ("\r\n".join([*lines, f"content-length: {len(body)}"]) + "\r\n\r\n").encode() + body


async def ask(server: FaultServer, prompt: Prompt, *, quiet: float = PATIENCE) -> Exchange:
    """Send a prompt on a connection of its own."""
    return await send(server, written(prompt), quiet=quiet)


async def send(server: FaultServer, data: bytes, *, quiet: float = PATIENCE) -> Exchange:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(data)
        return await receive(reader, quiet=quiet)
    finally:
        writer.transport.abort()


async def receive(reader: asyncio.StreamReader, *, quiet: float = PATIENCE) -> Exchange:
    """Read one answer, up to its end or to what ends it; a pulse without end counts as silence."""
    raw = b""
    patience = asyncio.get_running_loop().time() + 4 * quiet
    while not (exchange := parsed("complete", raw)) or not _whole(exchange):
        try:
            until = min(patience, asyncio.get_running_loop().time() + quiet)
            async with asyncio.timeout_at(until):
                more = await reader.read(1 << 20)
        except TimeoutError:
            return _broken("silent", raw)
        except ConnectionResetError:
            return _broken("reset", raw)
        if not more:
            return _broken("closed", raw)
        raw += more
    return exchange


def parsed(ended: Ended, raw: bytes) -> Exchange | None:
    head, found, rest = raw.partition(b"\r\n\r\n")
    if not found or not head.startswith(b"HTTP/1.1 "):
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    chunked = headers.get("transfer-encoding") == "chunked"
    body = _dechunked(rest)[0] if chunked else rest
    return Exchange(ended, int(first.split()[1]), headers, body, raw)


def _broken(ended: Ended, raw: bytes) -> Exchange:
    return parsed(ended, raw) or Exchange(ended, 0, {}, b"", raw)


def _whole(exchange: Exchange) -> bool:
    if exchange.headers.get("transfer-encoding") == "chunked":
        return _dechunked(exchange.raw.partition(b"\r\n\r\n")[2])[1]
    return len(exchange.body) >= int(exchange.headers.get("content-length", 0))


def _dechunked(data: bytes) -> tuple[bytes, bool]:
    body = bytearray()
    while True:
        size, found, data = data.partition(b"\r\n")
        if not found:
            return bytes(body), False
        if size == b"0":
            return bytes(body), True
        body += data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]


def blocks(exchange: Exchange) -> list[str]:
    """Split a stream into its server-sent events; an unfinished last one is left out."""
    text = exchange.body.decode("utf-8", "replace").replace("\r\n", "\n")
    return [block for block in text.split("\n\n")[:-1] if block]


def events(exchange: Exchange) -> list[Any]:
    """Decode the JSON of every event; [DONE] stays as text, comments are left out."""
    data = [
        line.removeprefix("data: ")
        for block in blocks(exchange)
        for line in block.split("\n")
        if line.startswith("data: ")
    ]
    return [item if item == "[DONE]" else json.loads(item) for item in data]


def said(wire: WireName, exchange: Exchange, *, stream: bool) -> str:
    """Put the visible text of an answer together, as a client of that wire does."""
    if not stream:
        return _plain_text(wire, exchange.json)
    return "".join(_streamed_text(wire, event) for event in events(exchange) if event != "[DONE]")


def _plain_text(wire: WireName, body: Any) -> str:
    if wire == "openai":
        return body["choices"][0]["message"]["content"] or ""
    if wire == "anthropic":
        return "".join(block.get("text", "") for block in body["content"])
    parts = body["candidates"][0]["content"].get("parts", [])
    return "".join(part.get("text", "") for part in parts if not part.get("thought"))


def _streamed_text(wire: WireName, event: Any) -> str:
    if wire == "openai":
        choices = event.get("choices") or [{"delta": {}}]
        return choices[0]["delta"].get("content") or ""
    if wire == "anthropic":
        return event.get("delta", {}).get("text", "") if "delta" in event else ""
    return _plain_text(wire, event) if "candidates" in event else ""


def finish(wire: WireName, exchange: Exchange, *, stream: bool) -> str | None:
    """Return the finish reason an answer gives, or None."""
    bodies = [e for e in events(exchange) if e != "[DONE]"] if stream else [exchange.json]
    found: str | None = None
    for body in bodies:
        if wire == "openai":
            for choice in body.get("choices", []):
                found = choice.get("finish_reason") or found
        elif wire == "anthropic":
            found = (body.get("delta", body) or {}).get("stop_reason") or found
        else:
            for candidate in body.get("candidates", []):
                found = candidate.get("finishReason") or found
    return found


def is_ended(wire: WireName, exchange: Exchange) -> bool:
    """Tell whether a stream carries its wire's end marker."""
    got = events(exchange)
    if wire == "openai":
        return "[DONE]" in got
    if wire == "anthropic":
        return any(event["type"] == "message_stop" for event in got)
    return any(c.get("finishReason") for event in got for c in event.get("candidates", []))
