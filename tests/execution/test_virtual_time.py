"""Waits and deadlines on a clock that jumps: hours of patience are checked in no time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Coroutine, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_router.errors import (
    MalformedResponseError,
    ProviderError,
    ProviderHTTPError,
    RateLimitedError,
    RouterError,
)
from mcp_router.providers.caller import DelegatingClient
from mcp_router.providers.wire import Call, Delta, FinishDelta, Reply, TextDelta, UsageDelta
from mcp_router.types import Completion, ModelInfo, Usage
from tests.execution.kitchen import whole
from tests.execution.pantry import new_kitchen

SOME = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
AT = {"provider": "p", "model": "m"}
USED = Usage(input_tokens=10, output_tokens=5)
# A timer may be early by what a float of the clock rounds away.
TICK = 1e-6


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only while everybody waits, and then at once."""

    def __init__(self) -> None:
        super().__init__()
        self._passed = 0.0
        select = self._selector.select  # type: ignore[attr-defined]

        def jump(timeout: float | None = None) -> Any:
            events = select(0)
            if not events and timeout:
                self._passed += timeout
            return events

        self._selector.select = jump  # type: ignore[attr-defined]

    def time(self) -> float:
        return self._passed


class Try(NamedTuple):
    """What one call does: it takes some seconds, then fails or answers."""

    seconds: float
    error: ProviderError | None = None
    pieces: int = 1


class Slow:
    """A caller that takes its time, as its scripts say; the last step of a script repeats."""

    def __init__(self, scripts: dict[str, Sequence[Try]]) -> None:
        self._scripts = scripts
        self.calls: list[tuple[str, float]] = []
        self.ended: list[tuple[str, float, ProviderError | None]] = []

    @property
    def models(self) -> Collection[str]:
        return self._scripts

    def _next(self, model: ModelInfo) -> Try:
        made = sum(name == model.name for name, _ in self.calls)
        self.calls.append((model.name, anyio.current_time()))
        script = self._scripts[model.name]
        return script[min(made, len(script) - 1)]

    async def complete(self, model: ModelInfo, call: Call) -> Reply:
        step = self._next(model)
        await anyio.sleep(step.seconds)
        self.ended.append((model.name, anyio.current_time(), step.error))
        if step.error is not None:
            raise step.error
        return Reply(content=f"{model.name} says so", usage=USED)

    async def stream(self, model: ModelInfo, call: Call) -> AsyncGenerator[Delta]:
        step = self._next(model)
        for number in range(step.pieces):
            await anyio.sleep(step.seconds)
            if step.error is not None and number == step.pieces - 1:
                self.ended.append((model.name, anyio.current_time(), step.error))
                raise step.error
            yield TextDelta("word ")
        yield UsageDelta(USED)
        yield FinishDelta("stop")


class Told(NamedTuple):
    """How a request ended, after how long."""

    done: Completion | None
    error: RouterError | None
    seconds: float
    slow: Slow


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=JumpingLoop) as opened:
        yield opened


async def asked(
    scripts: dict[str, Sequence[Try]], *, stream: bool = False, draw: float = 0.5, **fallback: Any
) -> Told:
    slow = Slow(scripts)
    async with new_kitchen() as kitchen:
        kitchen.fallback = fallback
        for name in scripts:
            kitchen.serve(name)
        client = DelegatingClient(slow)
        executor = kitchen.build(client=client, sleep=anyio.sleep, rng=lambda: draw)
        request = kitchen.request()
        decision = kitchen.decide(request)
        began = anyio.current_time()
        done, error = None, None
        try:
            if stream:
                run = executor.stream(request, decision=decision)
                done = whole([event async for event in run])
            else:
                done = await executor.execute(request, decision=decision)
        except RouterError as caught:
            error = caught
        seconds = anyio.current_time() - began
    return Told(done, error, seconds, slow)


def ask(runner: asyncio.Runner, work: Coroutine[Any, Any, Told]) -> Told:
    return runner.run(work)


ERRORS = st.sampled_from(
    [
        None,
        ProviderHTTPError(**AT, status=500),
        ProviderHTTPError(**AT, status=503),
        ProviderHTTPError(**AT, status=529, retry_after=3.0),
        ProviderHTTPError(**AT, status=404),
        RateLimitedError(**AT, retry_after=0.0),
        RateLimitedError(**AT, retry_after=0.7),
        RateLimitedError(**AT, retry_after=9.0),
        RateLimitedError(**AT, retry_after=3600.0),
        RateLimitedError(**AT, retry_after=None),
        MalformedResponseError(**AT, problem="cut"),
    ]
)
TRIES = st.builds(Try, st.sampled_from([0.0, 0.01, 0.4, 5.0, 30.0, 1e6]), ERRORS, st.integers(1, 3))
SCRIPTS = st.lists(st.lists(TRIES, min_size=1, max_size=3), min_size=1, max_size=3).map(
    lambda all_: {f"m{number}": script for number, script in enumerate(all_)}
)


@SOME
@given(
    scripts=SCRIPTS,
    stream=st.booleans(),
    total=st.sampled_from([100, 1_000, 20_000, 60_000]),
    most=st.integers(1, 6),
    again=st.integers(0, 3),
    draw=st.sampled_from([0.0, 0.5, 0.999]),
)
def test_no_request_outlasts_its_deadline_nor_makes_more_calls_than_allowed(
    runner: asyncio.Runner,
    scripts: dict[str, Sequence[Try]],
    stream: bool,
    total: int,
    most: int,
    again: int,
    draw: float,
) -> None:
    told = ask(
        runner,
        asked(
            scripts,
            stream=stream,
            draw=draw,
            timeout_ms=total,
            max_attempts=most,
            max_retries=again,
        ),
    )
    calls = [name for name, _ in told.slow.calls]
    assert told.seconds <= total / 1000 + TICK
    assert len(calls) <= most
    assert all(calls.count(name) <= 1 + again for name in scripts)
    assert (told.done is None) != (told.error is None)
    if told.done is not None:
        assert told.done.attempts[-1].outcome == "ok"
        assert told.done.latency_ms <= total


@SOME
@given(scripts=SCRIPTS, again=st.integers(1, 3), draw=st.sampled_from([0.0, 0.5, 0.999]))
def test_no_model_is_called_before_the_moment_it_asked_for(
    runner: asyncio.Runner, scripts: dict[str, Sequence[Try]], again: int, draw: float
) -> None:
    told = ask(
        runner,
        asked(scripts, draw=draw, timeout_ms=60_000, max_attempts=9, max_retries=again),
    )
    for name, at, error in told.slow.ended:
        wait = getattr(error, "retry_after", None)
        later = [began for called, began in told.slow.calls if called == name and began > at]
        # A pause that outlasts the request is doubted once; all others are kept.
        if wait and wait < 60.0 and later:
            assert min(later) >= at + wait - TICK


def limited(wait: float | None) -> RateLimitedError:
    return RateLimitedError(**AT, retry_after=wait)


@pytest.mark.parametrize(("wait", "seconds"), [(0.0, 0.0), (0.5, 0.5), (7.0, 7.0), (29.0, 29.0)])
def test_a_single_model_is_waited_for_exactly_as_long_as_it_asks(
    runner: asyncio.Runner, wait: float, seconds: float
) -> None:
    told = ask(runner, asked({"m": [Try(0.0, limited(wait)), Try(0.0)]}, timeout_ms=60_000))
    assert told.done is not None
    assert told.seconds == pytest.approx(seconds, abs=TICK)


def test_a_model_that_asks_for_longer_than_there_is_time_is_not_waited_for(
    runner: asyncio.Runner,
) -> None:
    told = ask(runner, asked({"m": [Try(0.0, limited(3600.0))]}, timeout_ms=60_000))
    assert told.error is not None
    assert told.seconds < 60.0
    assert len(told.slow.calls) <= 2


def test_another_model_is_asked_at_once_instead_of_waiting(runner: asyncio.Runner) -> None:
    scripts = {"m": [Try(0.0, limited(20.0))], "other": [Try(0.25)]}
    told = ask(runner, asked(scripts, timeout_ms=60_000))
    assert told.done is not None
    assert told.done.model == "other"
    assert told.seconds == pytest.approx(0.25, abs=TICK)


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_never_answers_leaves_half_of_the_time_to_the_next(
    runner: asyncio.Runner, stream: bool
) -> None:
    scripts = {"m": [Try(1e6)], "other": [Try(1.0)]}
    told = ask(runner, asked(scripts, stream=stream, timeout_ms=10_000, first_token_ms=60_000))
    assert told.done is not None
    assert told.done.model == "other"
    assert told.seconds <= 5.0 + 1.0 + TICK


@pytest.mark.parametrize("draw", [0.0, 0.999])
def test_backoff_grows_within_its_bounds_between_tries_of_a_broken_model(
    runner: asyncio.Runner, draw: float
) -> None:
    broken = [Try(0.0, ProviderHTTPError(**AT, status=500))]
    told = ask(
        runner, asked({"m": broken}, draw=draw, timeout_ms=60_000, max_attempts=6, max_retries=5)
    )
    moments = [began for _, began in told.slow.calls]
    gaps = [later - before for before, later in pairwise(moments)]
    assert len(gaps) == 5
    assert gaps == pytest.approx([draw * bound for bound in (0.25, 0.5, 1.0, 2.0, 4.0)], abs=TICK)
