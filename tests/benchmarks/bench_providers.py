"""Measures what a provider call costs beside a bare httpx2 request, in the same run.

    python tests/benchmarks/bench_providers.py

CPU time of this process is compared, the least of several rounds; the server is another process
that sends prepared bytes. A stream has 50 chunks of text. Its baseline reads lines and decodes
JSON, as anybody would by hand.

The second table compares what could carry the requests; docs/how-it-runs.md says what was chosen.
`pip install aiohttp` adds its line; the project itself does not use it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx2

sys.path.insert(0, str(Path(__file__).parents[2]))

from mcp_router.providers.client import ProviderClient
from mcp_router.providers.network import AsyncioTransport
from mcp_router.providers.wire import Call, Target
from mcp_router.types import LatencyPrior, Message, ModelInfo, ProviderInfo, QualityPrior

ROUNDS = 5
MAX_PLAIN = 2.0
MAX_STREAM = 1.5
WIDTHS = (1, 32, 128)
PROMPT = "hello " * 100

SERVER = r"""
import asyncio, json
usage = {"prompt_tokens": 12, "completion_tokens": 50, "total_tokens": 62}
message = {"role": "assistant", "content": "hello there " * 20}
choice = {"index": 0, "message": message, "finish_reason": "stop"}
body = json.dumps({"id": "c", "model": "m", "choices": [choice], "usage": usage}).encode()
plain = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
plain = plain % (len(body), body)
def chunk(delta, finish=None):
    return {"id": "c", "model": "m", "choices": [{"delta": delta, "finish_reason": finish}]}
events = [chunk({"content": f"token {n} "}) for n in range(50)] + [chunk({}, "stop")]
events = [json.dumps(one) for one in [*events, {"choices": [], "usage": usage}]] + ["[DONE]"]
events = [f"data: {one}\n\n".encode() for one in events]
head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
async def answer(reader, writer):
    try:
        while True:
            request = await reader.readuntil(b"\r\n\r\n")
            size = int(request.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            if b'"stream":true' not in await reader.readexactly(size):
                writer.write(plain)
                continue
            writer.write(head)
            for event in events:
                writer.write(b"%x\r\n%s\r\n" % (len(event), event))
                await writer.drain()
                await asyncio.sleep(0)
            writer.write(b"0\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""

Work = Callable[[], Awaitable[object]]


def at(base: str) -> Target:
    """The server as a target."""
    model = ModelInfo(
        name="m",
        id="m",
        provider="local",
        label="M",
        context=100_000,
        max_output=1_000,
        capabilities={},
        quality=QualityPrior(value=0.5, basis="none"),
        latency=LatencyPrior(first_token_ms=1, tokens_per_second=1.0, basis="none"),
    )
    return Target(model, ProviderInfo(name="local", wire="openai", base_url=base), "key")


async def cost_ms(work: Work, *, calls: int, concurrent: int) -> float:
    """CPU milliseconds per call."""
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await work()

    before = time.process_time()
    await asyncio.gather(*(worker() for _ in range(concurrent)))
    return (time.process_time() - before) * 1000 / calls


async def least(works: dict[str, Work], *, calls: int, concurrent: int) -> dict[str, float]:
    """The least of several rounds, taken in turns so that noise hits all alike."""
    found = dict.fromkeys(works, float("inf"))
    for _ in range(ROUNDS):
        for name, work in works.items():
            cost = await cost_ms(work, calls=calls, concurrent=concurrent)
            found[name] = min(found[name], cost)
    return found


def bare(client: httpx2.AsyncClient, url: str) -> tuple[Work, Work]:
    """A plain and a streamed request without any of our code."""
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": PROMPT}]}
    headers = {"authorization": "Bearer key"}

    async def plain() -> object:
        return (await client.post(url, json=body, headers=headers)).json()

    async def stream() -> object:
        streamed = {**body, "stream": True}
        async with client.stream("POST", url, json=streamed, headers=headers) as response:
            return [
                json.loads(line[6:])
                async for line in response.aiter_lines()
                if line.startswith("data: {")
            ]

    return plain, stream


async def measure(base: str) -> bool:
    """Print the figures; False if a ratio is out of bounds."""
    target, call = at(base), Call(messages=(Message(role="user", content=PROMPT),))
    good = True
    async with ProviderClient() as ours, httpx2.AsyncClient() as theirs:
        plain, stream = bare(theirs, f"{base}/chat/completions")

        async def our_plain() -> object:
            return await ours.complete(target, call)

        async def our_stream() -> object:
            return [delta async for delta in ours.stream(target, call)]

        for concurrent in (1, 32):
            for name, pair, calls, limit in (
                ("plain", (plain, our_plain), 400, MAX_PLAIN),
                ("stream", (stream, our_stream), 100, MAX_STREAM),
            ):
                works = {"bare": pair[0], "ours": pair[1]}
                found = await least(works, calls=calls, concurrent=concurrent)
                ratio = found["ours"] / found["bare"]
                good = good and ratio <= limit
                print(
                    f"{name:6} x{concurrent:<3} bare {found['bare']:.3f} ms  "
                    f"ours {found['ours']:.3f} ms  ratio {ratio:.2f} (at most {limit})"
                )
        await compare(f"{base}/chat/completions")
    return good


class Aiohttp(httpx2.AsyncBaseTransport):
    """aiohttp behind the seam of httpx2."""

    def __init__(self) -> None:
        import aiohttp

        connector = aiohttp.TCPConnector(limit=1000)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._session.request(
            request.method,
            str(request.url),
            headers=dict(request.headers),
            data=request.content,
            allow_redirects=False,
        )
        return httpx2.Response(answer.status, headers=dict(answer.headers), stream=Answer(answer))

    async def aclose(self) -> None:
        await self._session.close()


class Answer(httpx2.AsyncByteStream):
    """The body of an answer of aiohttp."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._answer.content.iter_any():
            yield chunk

    async def aclose(self) -> None:
        self._answer.release()


def directly(carrier: httpx2.AsyncBaseTransport, url: str) -> Work:
    """A request that goes to a transport itself, and not through a client."""
    address = httpx2.URL(url)
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": PROMPT}]}).encode()

    async def work() -> object:
        request = httpx2.Request("POST", address, content=body)
        response = await carrier.handle_async_request(request)
        return json.loads(await response.aread())

    return work


def turns(clients: Sequence[httpx2.AsyncClient], url: str) -> Work:
    """A request through one client after the other."""
    works = [bare(client, url)[0] for client in clients]
    following = itertools.cycle(works)

    async def work() -> object:
        return await next(following)()

    return work


async def compare(url: str) -> None:
    """Print what a plain request costs with each thing that could carry it."""
    wide = httpx2.Limits(max_connections=1000, max_keepalive_connections=64)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(httpx2.AsyncClient(limits=limits))
            for limits in (httpx2.Limits(), wide, wide, wide, wide)
        ]
        ours = await stack.enter_async_context(AsyncioTransport(tls=None, limits=wide))
        usual = await stack.enter_async_context(httpx2.AsyncHTTPTransport(limits=wide))
        works = {
            "client, its own limits": bare(clients[0], url)[0],
            "client, 1000 connections": bare(clients[1], url)[0],
            "four clients in turn": turns(clients[1:], url),
            "its transport, without a client": directly(usual, url),
            "ours: sockets of asyncio": directly(ours, url),
        }
        if find_spec("aiohttp"):
            carrier = await stack.enter_async_context(Aiohttp())
            works["aiohttp as its transport"] = directly(carrier, url)
        print(f"\n{'CPU ms of a plain request':34}" + "".join(f"{f'x{n}':>8}" for n in WIDTHS))
        columns = [await least(works, calls=400, concurrent=width) for width in WIDTHS]
        for name in works:
            print(f"{name:34}" + "".join(f"{column[name]:8.3f}" for column in columns))


def main() -> int:
    """Run the server beside us; 1 if a ratio is out of bounds."""
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        try:
            port = int(server.stdout.readline())
            return 0 if asyncio.run(measure(f"http://127.0.0.1:{port}/v1")) else 1
        finally:
            server.terminate()


if __name__ == "__main__":
    sys.exit(main())
