"""Coroutines run from synchronous code, on one event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import queue
import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import aclosing, suppress
from typing import Any, TypeVar

T = TypeVar("T")


_END = object()

# Seconds that connections have to close.
_GRACE = 1.0


class Bridge:
    """Runs coroutines for callers that cannot await, from any thread, within loops or without.

    The thread starts with the first call and ends when the bridge is closed or forgotten. The
    caller's context variables are seen by what runs, and interrupting a caller cancels it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: Callable[[], object] | None = None

    def run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine to its end and give its result."""
        loop = self._running()
        if _is_current(loop):
            # Waiting here for this very loop would wait for ever.
            return _aside(make)
        coming = asyncio.run_coroutine_threadsafe(make(), loop)
        try:
            return coming.result()
        except BaseException:
            coming.cancel()
            raise

    def iterate(self, make: Callable[[], AsyncGenerator[T]]) -> Generator[T]:
        """Give what an asynchronous generator yields, one step at a time.

        The generator lives in one task; closing this one early closes it, and waits until it has.
        """
        loop = self._running()
        if _is_current(loop):
            inner = Bridge()
            try:
                yield from inner.iterate(make)
            finally:
                inner.close()
            return
        items = queue.SimpleQueue[Any]()
        wanted = asyncio.Semaphore(0)
        task = asyncio.run_coroutine_threadsafe(_start(make, items, wanted), loop).result()
        try:
            while (item := items.get()) is not _END:
                yield item
                loop.call_soon_threadsafe(wanted.release)
        except BaseException:
            loop.call_soon_threadsafe(task.cancel)
            while items.get() is not _END:
                pass
            raise
        task.result()

    def close(self) -> None:
        """End the thread, cancelling what still runs; the next call starts another."""
        with self._lock:
            end, self._loop, self._end = self._end, None, None
        if end is not None:
            end()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                loop = self._loop = asyncio.new_event_loop()
                thread = threading.Thread(
                    target=_serve, args=(loop,), name="langchain-mcp-router", daemon=True
                )
                thread.start()
                self._end = weakref.finalize(self, _finish, loop, thread)
            return self._loop


def _is_current(loop: asyncio.AbstractEventLoop) -> bool:
    with suppress(RuntimeError):
        return asyncio.get_running_loop() is loop
    return False


def _aside(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    inner = Bridge()
    try:
        return inner.run(make)
    finally:
        inner.close()


async def _start(
    make: Callable[[], AsyncGenerator[T]], items: queue.SimpleQueue[Any], wanted: asyncio.Semaphore
) -> asyncio.Task[None]:
    task = asyncio.get_running_loop().create_task(_feed(make, items, wanted))
    task.add_done_callback(lambda _: items.put(_END))
    return task


async def _feed(
    make: Callable[[], AsyncGenerator[T]], items: queue.SimpleQueue[Any], wanted: asyncio.Semaphore
) -> None:
    async with aclosing(make()) as source:
        async for item in source:
            items.put(item)
            await wanted.acquire()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(_wind_up())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _wind_up() -> None:
    """Let what is closing close, and cancel the rest."""
    # What was handed over just now becomes a task in this turn of the loop.
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        _, late = await asyncio.wait(left, timeout=_GRACE)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _finish(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    loop.call_soon_threadsafe(loop.stop)
    if threading.current_thread() is not thread:
        thread.join()
