"""One client over several event loops: each has its own connections, closed with it."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading

import pytest
import trio

from mcp_router.providers.client import ProviderClient
from mcp_router.providers.wire import TextDelta
from tests.providers.scene import ANSWER, END, STREAM, at, call, chunk, piece, serving, sse, whole


def test_several_runs_share_one_client_and_leave_nothing_open() -> None:
    client = ProviderClient()

    async def once() -> None:
        async with serving([whole(ANSWER)]) as server:
            for _ in range(2):
                await client.complete(at(server), call())
            assert server.connections == 1

    for _ in range(3):
        asyncio.run(once())
    # An unclosed socket warns when it is collected, and warnings are errors here.
    gc.collect()


def test_two_loops_at_once_do_not_share_connections() -> None:
    client = ProviderClient()
    both = threading.Barrier(2, timeout=10)
    failures: list[BaseException] = []

    async def once() -> None:
        async with serving([whole(ANSWER)]) as server:
            await client.complete(at(server), call())
            await asyncio.to_thread(both.wait)
            await client.complete(at(server), call())
            assert server.connections == 1

    def run() -> None:
        try:
            asyncio.run(once())
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []


def test_closing_twice_or_unused_is_fine_and_use_after_it_opens_anew() -> None:
    async def once() -> None:
        async with serving([whole(ANSWER)]) as server:
            client = ProviderClient()
            await client.aclose()
            for _ in range(2):
                await client.complete(at(server), call())
                await client.aclose()
                await client.aclose()
            assert server.connections == 2

    asyncio.run(once())
    gc.collect()


def test_many_first_calls_at_once_build_one_client() -> None:
    async def once() -> None:
        async with serving([whole(ANSWER)]) as server, ProviderClient() as client:
            replies = await asyncio.gather(
                *(client.complete(at(server), call()) for _ in range(20))
            )
            assert {reply.content for reply in replies} == {"hi"}
            await client.complete(at(server), call())
            assert server.connections <= 20

    asyncio.run(once())


def test_trio_works_as_well() -> None:
    stream = [STREAM, piece(sse(chunk("hi"), chunk(finish="stop"))), END]
    ready: list[int] = []
    started, finished = threading.Event(), threading.Event()

    async def serve() -> None:
        async with serving([whole(ANSWER)], stream) as server:
            ready.append(server.port)
            started.set()
            await asyncio.to_thread(finished.wait, 10)

    async def use() -> None:
        from tests.providers.scene import target

        where = target(base_url=f"http://127.0.0.1:{ready[0]}/v1")
        client = ProviderClient()
        assert (await client.complete(where, call())).content == "hi"
        deltas = [delta async for delta in client.stream(where, call())]
        assert deltas[0] == TextDelta("hi")

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert started.wait(10)
        trio.run(use)
    finally:
        finished.set()
        thread.join()
    gc.collect()


@pytest.mark.parametrize("module", ["client", "wires"])
def test_importing_the_room_does_not_load_the_http_client(module: str) -> None:
    code = f"import sys, mcp_router.providers.{module}; sys.exit('httpx2' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
