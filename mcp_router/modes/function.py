"""A user's Python function as a scorer: bounded in time, whatever it raises."""

from __future__ import annotations

import inspect
import threading
import traceback
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple, cast

import anyio
import anyio.from_thread
import anyio.lowlevel

from mcp_router.modes.program import Ending
from mcp_router.quality.scorers import checked

if TYPE_CHECKING:
    from types import TracebackType

    from mcp_router.types import Request

ScorerFunction = Callable[["Request", str], float | Awaitable[float]]
"""Marks an answer to a request from 0 to 1; a plain function or an async one."""


class _Caught:
    """Keeps whatever a user's own code raises, apart from what ends a task."""

    error: Exception | SystemExit | None = None

    def __enter__(self) -> _Caught:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self.error = error if isinstance(error, Exception | SystemExit) else None
        return self.error is not None


class Loaded(NamedTuple):
    """A function that was looked up by its name, or what went wrong."""

    function: ScorerFunction | None
    problem: str = ""


def load_function(path: str) -> Loaded:
    """Import a function by its name, "module:function"."""
    module, _, name = path.partition(":")
    found: object = None
    with _Caught() as caught:
        found = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    if caught.error is not None:
        return Loaded(None, f"could not be imported: {_raised(caught.error)}")
    if not callable(found):
        return Loaded(None, f"is not a function: {path}")
    return Loaded(cast("ScorerFunction", found))


async def run_function(
    function: ScorerFunction, request: Request, answer: str, *, seconds: float
) -> Ending:
    """Let a function mark an answer; one that does not return in time gives 0.

    A plain function runs in a thread of its own, which nobody waits for once the time is up; an
    async one runs on this event loop, and must not block it.
    """
    given: object = None
    caught = _Caught()
    with anyio.move_on_after(seconds) as time, caught:
        if inspect.iscoroutinefunction(function):
            given = await function(request, answer)
        else:
            given = await _in_thread(function, request, answer)
            if inspect.isawaitable(given):
                given = await given
    if time.cancelled_caught:
        return Ending(0.0, f"it did not return within {seconds:g} s", late=True)
    if caught.error is not None:
        return Ending(None, f"failed: {_raised(caught.error)}")
    if not isinstance(given, int | float):
        return Ending(None, f"gave {type(given).__name__} instead of a number from 0 to 1")
    try:
        return Ending(checked(given))
    except ValueError:
        return Ending(None, "gave no number from 0 to 1")


async def _in_thread(function: ScorerFunction, request: Request, answer: str) -> object:
    """Call a function in a daemon thread: one that hangs keeps no process alive."""
    token = anyio.lowlevel.current_token()
    over = anyio.Event()
    caught = _Caught()
    given: list[object] = []

    def work() -> None:
        try:
            with caught:
                given.append(function(request, answer))
        finally:
            # The loop may be gone by now; then nobody listens.
            with _Caught():
                anyio.from_thread.run_sync(over.set, token=token)

    threading.Thread(target=work, name="scorer", daemon=True).start()
    await over.wait()
    if caught.error is not None:
        raise caught.error
    return given[0] if given else None


def _raised(error: BaseException) -> str:
    """Say what was raised and where; not its text, which may repeat the answer."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    last = frames[-1]
    return f"{type(error).__name__} in line {last.lineno} of {PurePath(last.filename).name}"
