"""Cancelling at every place where a piece of work can be cancelled, one run for each place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

_WATCHED: ContextVar[_Counter | None] = ContextVar("_WATCHED", default=None)


class _Counter:
    """Counts the awaits of a task and its children, and cancels the task at one of them."""

    def __init__(self, cancel_at: int) -> None:
        self.seen = 0
        self.cancel_at = cancel_at
        self.main: asyncio.Task[Any] | None = None

    def step(self) -> None:
        self.seen += 1
        if self.seen == self.cancel_at and self.main is not None:
            self.main.cancel()


class _Stepped:
    def __init__(self, work: Coroutine[Any, Any, Any], counter: _Counter) -> None:
        self._work = work
        self._counter = counter

    def __await__(self) -> Generator[Any, Any, Any]:
        work, value, thrown = self._work, None, None
        while True:
            try:
                waiting = work.send(value) if thrown is None else work.throw(thrown)
            except StopIteration as end:
                return end.value
            self._counter.step()
            value = thrown = None
            try:
                value = yield waiting
            except BaseException as error:  # noqa: BLE001 - whatever comes belongs to the work
                thrown = error


async def _stepping(work: Coroutine[Any, Any, Any], counter: _Counter) -> Any:
    return await _Stepped(work, counter)


def _factory(loop: asyncio.AbstractEventLoop, work: Any, **given: Any) -> asyncio.Task[Any]:
    counter = _WATCHED.get()
    watched = work if counter is None else _stepping(work, counter)
    return asyncio.Task(watched, loop=loop, **given)


@asynccontextmanager
async def _watching() -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    loop.set_task_factory(_factory)
    try:
        yield
    finally:
        loop.set_task_factory(before)


async def _run(work: Callable[[], Coroutine[Any, Any, Any]], counter: _Counter) -> bool:
    token = _WATCHED.set(counter)
    try:
        counter.main = asyncio.create_task(work())
    finally:
        _WATCHED.reset(token)
    await asyncio.wait([counter.main])
    if counter.main.cancelled():
        return True
    counter.main.result()
    return False


async def cancelled_everywhere(
    work: Callable[[], Coroutine[Any, Any, Any]],
    *,
    after: Callable[[], Awaitable[None]],
    every: int = 1,
) -> int:
    """Run `work` again and again, cancelled one await later each time, until it ends by itself.

    `after` checks what must hold after each run; the number of runs that were cancelled is
    returned.
    """
    places = cancelled = 0
    async with _watching():
        while True:
            places += every
            counter = _Counter(places)
            stopped = await _run(work, counter)
            await after()
            cancelled += stopped
            if not stopped and counter.seen < places:
                return cancelled
