"""Shadow traffic: a second model runs a request too, and nobody is kept waiting or shown it."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import ExitStack
from contextvars import copy_context
from typing import TYPE_CHECKING, NamedTuple

import anyio
from anyio.from_thread import start_blocking_portal

from mcp_router.errors import RouterError
from mcp_router.experiments.split import Arm, assign
from mcp_router.studies.second import run_beside, stage_beside

if TYPE_CHECKING:
    from contextvars import Context

    from anyio.abc import TaskGroup, TaskStatus
    from anyio.from_thread import BlockingPortal

    from mcp_router.modes.stage import Job, Stage
    from mcp_router.types import Completion

_log = logging.getLogger("mcp_router")


class _Home(NamedTuple):
    """Where shadows run: the loop of their thread, and the group they belong to."""

    loop: asyncio.AbstractEventLoop
    context: Context
    group: TaskGroup
    over: anyio.Event


class Shadows:
    """Runs requests beside the user's on a thread with an event loop and connections of its own.

    Whoever asks is neither kept waiting by it nor can break it off, whatever their own event loop
    does. A process that ends without `aclose` takes the thread with it; the lease on its money
    ends by itself.
    """

    def __init__(self, stage: Stage) -> None:
        self._settings = stage.settings.shadow
        self._stage = stage_beside(stage)
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None
        self._home: _Home | None = None
        self._closed = False
        self._count = 0

    def offer(self, job: Job, done: Completion) -> bool:
        """Begin to run a request beside the answer it got; say whether that is done.

        It is not if the request is not among the share, or too many run already.
        """
        own = self._settings
        if own.tasks and job.decision.task_type not in own.tasks:
            return False
        sides = (Arm("in", own.share), Arm("out", 1 - own.share))
        if assign(job.decision.decision_id, experiment="shadow", arms=sides) == "out":
            return False
        with self._lock:
            if self._closed or self._count >= own.at_once:
                return False
            self._count += 1
            home = self._home = self._home or self._opened()

            def start() -> None:
                home.group.start_soon(self._run, job, done)

            # Through the portal it would wait for the other loop.
            home.loop.call_soon_threadsafe(start, context=home.context)
        return True

    async def aclose(self) -> None:
        """Wait until all is done, as long as the settings say, then give up what is left.

        What is given up gives back its money but for what it is known to have used.
        """
        with self._lock:
            self._closed = True
        portal, home = self._portal, self._home
        if portal is None or home is None:
            return
        seconds = self._settings.wait_ms / 1000

        def wait() -> None:
            portal.call(self._all_ended, home, seconds)

        try:
            await anyio.to_thread.run_sync(wait, abandon_on_cancel=True)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._end, portal, home)

    def _opened(self) -> _Home:
        self._portal = portal = self._stack.enter_context(
            start_blocking_portal(name="mcp-router shadow")
        )
        home: _Home = portal.start_task(self._live)[1]
        return home

    def _end(self, portal: BlockingPortal, home: _Home) -> None:
        portal.call(home.group.cancel_scope.cancel)
        # The thread ends when all that ran on it has.
        self._stack.close()

    async def _live(self, *, task_status: TaskStatus[_Home]) -> None:
        """Be the parent of all shadows, and close their connections at the end."""
        try:
            async with anyio.create_task_group() as group:
                loop, over = asyncio.get_running_loop(), anyio.Event()
                task_status.started(_Home(loop, copy_context(), group, over))
                await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await self._stage.executor.aclose()

    async def _run(self, job: Job, done: Completion) -> None:
        try:
            await run_beside(self._stage, job, done=done)
        except RouterError as error:
            # What was tried is on record; the request itself was answered by another.
            _log.debug("Nothing came of a shadow: %s", type(error).__name__)
        finally:
            with self._lock:
                self._count -= 1
                last = self._closed and not self._count
            if last and self._home is not None:
                self._home.over.set()

    async def _all_ended(self, home: _Home, seconds: float) -> None:
        with anyio.move_on_after(seconds):
            while self._count:
                await home.over.wait()
