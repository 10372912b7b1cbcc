"""Calls that somebody else makes: the router plans, bounds and records, a caller talks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from typing import Protocol

from mcp_router.providers.deadlines import Deadlines, Timer
from mcp_router.providers.wire import (
    Call,
    Delta,
    FinishDelta,
    Reply,
    Target,
    UsageDelta,
)
from mcp_router.types import ModelInfo

DEADLINES = Deadlines()


class Caller(Protocol):
    """Makes calls in the place of the router's own wires, with keys and connections of its own.

    Only a ProviderError lets the router try the next model; whatever else is raised ends the
    request. A call that is cancelled has passed a deadline, or nobody wants its answer any more.
    """

    @property
    def models(self) -> Collection[str]:
        """The models it can call, by any name that the catalogue knows."""
        ...

    async def complete(self, model: ModelInfo, call: Call) -> Reply:
        """Get the whole answer.

        Raises:
            ProviderError: there is none, and another model may be tried.
        """
        ...

    def stream(self, model: ModelInfo, call: Call) -> AsyncGenerator[Delta]:
        """Give the answer piece by piece, ending in exactly one FinishDelta.

        Raises:
            ProviderError: as `complete` raises.
        """
        ...


class Client(Protocol):
    """What an executor sends calls with: the network client, or one that delegates."""

    async def connect(self, target: Target, *, deadlines: Deadlines) -> None:
        """Open a connection ahead of the first call, at no cost.

        Raises:
            ProviderError: the provider cannot be reached.
        """
        ...

    async def complete(self, target: Target, call: Call, *, deadlines: Deadlines) -> Reply:
        """Send a call and wait for the whole answer.

        Raises:
            ProviderError, InvalidRequestError: there is no answer.
        """
        ...

    def stream(self, target: Target, call: Call, *, deadlines: Deadlines) -> AsyncGenerator[Delta]:
        """Send a call and give its answer piece by piece, ending in exactly one FinishDelta.

        Raises:
            ProviderError, InvalidRequestError: there is no answer.
        """
        ...

    async def aclose(self) -> None:
        """Close what the running event loop holds open."""
        ...


class DelegatingClient:
    """Lets a caller make every call, and holds it to the deadlines."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def connect(self, target: Target, *, deadlines: Deadlines = DEADLINES) -> None:
        """Do nothing: the caller's connections are its own."""

    async def complete(
        self, target: Target, call: Call, *, deadlines: Deadlines = DEADLINES
    ) -> Reply:
        """Wait for the caller's answer.

        Raises:
            ProviderError: the caller's own, or ProviderTimeout.
        """
        timer = Timer(target, deadlines, stream=False, socket=False)
        return await timer.wait(self._caller.complete(target.model, call))

    async def stream(
        self, target: Target, call: Call, *, deadlines: Deadlines = DEADLINES
    ) -> AsyncGenerator[Delta]:
        """Pass the caller's answer on as it comes.

        Raises:
            ProviderError: the caller's own, or ProviderTimeout.
        """
        timer = Timer(target, deadlines, stream=True, socket=False)
        async with aclosing(self._caller.stream(target.model, call)) as deltas:
            while (delta := await timer.wait(anext(deltas, None))) is not None:
                if not isinstance(delta, UsageDelta | FinishDelta):
                    timer.progress()
                yield delta

    async def aclose(self) -> None:
        """Do nothing: the caller's connections are its own."""
