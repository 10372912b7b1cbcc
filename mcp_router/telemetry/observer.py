"""What is told of requests as they are carried out, and the observer that hears nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from types import TracebackType

    from mcp_router.types import Attempt, Completion, Decision, Mode, Request, StreamEvent


class Observed(Protocol):
    """One request while it is carried out; leaving it as a context ends it, with its error."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """End."""
        ...

    def decided(self, decision: Decision, /) -> None:
        """Hear which models are to be tried."""
        ...

    def done(self, result: Completion, /) -> None:
        """Hear the answer."""
        ...

    def over(self, events: AsyncGenerator[StreamEvent]) -> AsyncGenerator[StreamEvent]:
        """Pass a stream on, hearing the answer it ends in."""
        ...


class Observer(Protocol):
    """Hears of requests and attempts; it is called often, never fails and never waits."""

    def request(self, request: Request, /, *, mode: Mode, streamed: bool = False) -> Observed:
        """Hear that a request begins."""
        ...

    def attempt(self, attempt: Attempt, request: Request, decision: Decision, /) -> None:
        """Hear that an attempt ended."""
        ...

    def exposition(self) -> bytes:
        """Write the metrics in the text format of Prometheus."""
        ...

    def close(self) -> None:
        """Send what is left, for a few seconds at the most."""
        ...


class Nobody:
    """Hears nothing, as `Observer` and `Observed` alike."""

    def request(self, *_: object, **__: object) -> Observed:
        """Hear nothing."""
        return self

    def attempt(self, *_: object) -> None:
        """Hear nothing."""

    def exposition(self) -> bytes:
        """Write nothing."""
        return b""

    def close(self) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def decided(self, *_: object) -> None:
        """Hear nothing."""

    def done(self, *_: object) -> None:
        """Hear nothing."""

    def over(self, events: AsyncGenerator[StreamEvent]) -> AsyncGenerator[StreamEvent]:
        """Pass a stream on."""
        return events
