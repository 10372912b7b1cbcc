"""The requests that run: each can be ended, and those whose token is revoked meanwhile are."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from mcp_router.door.faults import Fault
from mcp_router.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Generator

    from mcp_router.access.book import TokenBook
    from mcp_router.door.visit import Ending

LOOK_SECONDS = 2.0
"""How often the tokens of running requests are looked at again."""

STOPPING = Fault(503, "overloaded", "The server is about to stop. Try again.", "server_stopping")
REVOKED = Fault(
    401,
    "authentication",
    "The bearer token was revoked, or expired, while this was answered.",
    "invalid_token",
    headers={"www-authenticate": 'Bearer realm="mcp-router", error="invalid_token"'},
)


@dataclass(eq=False, slots=True)
class Run:
    """A request that runs; `digest` is that of its token, "" for one that others issued."""

    digest: str
    endless: bool
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    fault: Fault | None = None
    cause: Ending | None = None

    def end(self, fault: Fault, cause: Ending) -> None:
        """Cancel it; whoever asked is to be told of the fault."""
        if self.fault is None:
            self.fault, self.cause = fault, cause
            self.scope.cancel()

    @property
    def was_ended(self) -> bool:
        """Whether it was cancelled before it came to an end by itself."""
        return self.fault is not None and self.scope.cancelled_caught


class Running:
    """Knows the requests that run; one for a server, used on its event loop."""

    def __init__(self, book: TokenBook) -> None:
        self._book = book
        self._runs: set[Run] = set()

    @contextmanager
    def begun(self, run: Run) -> Generator[None]:
        """Know of a request until it ends, and swallow its cancellation by `end`."""
        self._runs.add(run)
        try:
            with run.scope:
                yield
        finally:
            self._runs.discard(run)

    def end(self, *, only_endless: bool) -> None:
        """End the requests that run, or only those that would never end by themselves."""
        for run in self._runs:
            if run.endless or not only_endless:
                run.end(STOPPING, "drained")

    async def watch(self) -> None:
        """End requests whose token is no longer in force; it never returns."""
        while True:
            await anyio.sleep(LOOK_SECONDS)
            if not any(run.digest for run in self._runs):
                continue
            try:
                await self._book.refresh()
            except StorageError:
                # Nobody can tell; whoever was let in goes on, as calls under way do.
                continue
            for run in self._runs:
                if run.digest and not self._book.is_live(run.digest):
                    run.end(REVOKED, "revoked")
