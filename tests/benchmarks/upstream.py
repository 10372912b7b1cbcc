"""An upstream that answers chat completions at once and never fails; says its port, then serves.

python -m tests.benchmarks.upstream
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

TEXT = """The team met on Monday to go through the plan for the spring. Anna showed the new figures,
which are better than anybody had hoped, and thanked all who helped. The move to the larger office
is put off until May. Everyone agreed to read the draft again and to meet next week."""
_WORDS = TEXT.split()
_USAGE = {"prompt_tokens": 130, "completion_tokens": 60, "total_tokens": 190}
_PLAIN = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
_STREAM = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)


def _whole() -> bytes:
    message = {"role": "assistant", "content": TEXT, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    body = json.dumps({**_head("chat.completion"), "choices": [choice], "usage": _USAGE}).encode()
    return _PLAIN % (len(body), body)


def _pieces() -> Iterator[bytes]:
    """Write a stream as OpenAI does, up to the usage that a client may ask for."""
    yield _event({"role": "assistant", "content": ""})
    for word in _WORDS:
        yield _event({"content": f"{word} "})
    yield _event({}, finish="stop")


def _event(delta: Mapping[str, str], *, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _chunk(json.dumps({**_head("chat.completion.chunk"), "choices": [choice]}))


def _chunk(data: str) -> bytes:
    line = f"data: {data}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(line), line)


def _head(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1_760_000_000, "model": "bench-a"}


_WHOLE = _whole()
_EVENTS = tuple(_pieces())
_TOLD = _chunk(json.dumps({**_head("chat.completion.chunk"), "choices": [], "usage": _USAGE}))
_END = _chunk("[DONE]") + b"0\r\n\r\n"


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            asked: dict[str, Any] = json.loads(await _body(reader) or b"{}")
            if not asked.get("stream"):
                writer.write(_WHOLE)
                continue
            writer.write(_STREAM)
            for event in _EVENTS:
                writer.write(event)
                await writer.drain()
                # Each piece travels alone, as it would from a model.
                await asyncio.sleep(0)
            options: dict[str, Any] = asked.get("stream_options") or {}
            writer.write((_TOLD if options.get("include_usage") else b"") + _END)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"transfer-encoding: chunked" not in head:
        size = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        return await reader.readexactly(int(size or 0))
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return body


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
