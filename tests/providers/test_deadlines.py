"""Deadlines of one call: each starts when it should and has its own name."""

from __future__ import annotations

from collections.abc import Awaitable

import anyio
import pytest

from mcp_router.errors import ProviderTimeout
from mcp_router.providers.deadlines import Deadlines, Timer, socket_timeout, timed_out
from tests.providers.scene import target

LONG = 30.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def word() -> str:
    await anyio.lowlevel.checkpoint()
    return "word"


async def steps(timer: Timer, *, tokens: bool = False) -> None:
    """Ten seconds of pings or tokens."""
    for _ in range(1_000):
        if tokens:
            timer.progress()
        await timer.wait(anyio.sleep(0.01))


async def late(timer: Timer, coming: Awaitable[object]) -> ProviderTimeout:
    with pytest.raises(ProviderTimeout) as caught:
        await timer.wait(coming)
    return caught.value


@pytest.mark.parametrize(
    ("deadlines", "seconds"),
    [
        (Deadlines(first_token=3, idle=5), 5),
        (Deadlines(first_token=5, idle=3), 5),
        (Deadlines(first_token=None, idle=3), None),
        (Deadlines(first_token=3, idle=None), None),
    ],
)
def test_a_socket_is_late_for_sure_after_the_longer_of_both(
    deadlines: Deadlines, seconds: float | None
) -> None:
    assert socket_timeout(deadlines) == seconds


@pytest.mark.parametrize(
    ("name", "after"), [("connect", 1_500), ("first_token", 250), ("idle", 0), ("total", 60_000)]
)
def test_a_deadline_that_passed_is_told_with_its_length(name: str, after: int) -> None:
    error = timed_out(target(), name, Deadlines(connect=1.5, first_token=0.25, idle=None))

    assert (error.deadline, error.after_ms) == (name, after)
    assert (error.provider, error.model) == ("openai", "m-1")


@pytest.mark.parametrize(
    ("deadlines", "stream", "name"),
    [
        (Deadlines(first_token=0.02, idle=LONG, total=LONG), True, "first_token"),
        (Deadlines(first_token=LONG, idle=LONG, total=0.02), True, "total"),
        (Deadlines(first_token=None, idle=0.01, total=0.03), True, "total"),
        (Deadlines(first_token=0.01, idle=0.01, total=0.03), False, "total"),
        (Deadlines(first_token=0.02, idle=LONG, total=None), True, "first_token"),
        (Deadlines(first_token=0.02, idle=LONG, total=0.02), True, "total"),
    ],
)
async def test_silence_before_a_token_runs_into_the_nearer_deadline(
    deadlines: Deadlines, stream: bool, name: str
) -> None:
    error = await late(Timer(target(), deadlines, stream=stream), anyio.sleep_forever())

    assert error.deadline == name


@pytest.mark.parametrize(
    ("deadlines", "name"),
    [
        (Deadlines(first_token=LONG, idle=0.02, total=LONG), "idle"),
        (Deadlines(first_token=LONG, idle=LONG, total=0.02), "total"),
        (Deadlines(first_token=LONG, idle=None, total=0.02), "total"),
        (Deadlines(first_token=None, idle=0.02, total=None), "idle"),
        (Deadlines(first_token=0.01, idle=LONG, total=0.05), "total"),
    ],
)
async def test_silence_after_a_token_runs_into_the_nearer_deadline(
    deadlines: Deadlines, name: str
) -> None:
    timer = Timer(target(), deadlines, stream=True)
    assert await timer.wait(word()) == "word"
    timer.progress()

    assert (await late(timer, anyio.sleep_forever())).deadline == name


async def test_without_a_token_the_first_deadline_goes_on_over_several_waits() -> None:
    timer = Timer(target(), Deadlines(first_token=0.05, idle=LONG, total=LONG), stream=True)

    with pytest.raises(ProviderTimeout) as caught:
        await steps(timer)
    assert caught.value.deadline == "first_token"


async def test_after_a_token_the_idle_deadline_goes_on_over_several_waits() -> None:
    timer = Timer(target(), Deadlines(first_token=LONG, idle=0.05, total=LONG), stream=True)
    timer.progress()

    with pytest.raises(ProviderTimeout) as caught:
        await steps(timer)
    assert caught.value.deadline == "idle"


async def test_each_token_starts_the_idle_deadline_anew() -> None:
    timer = Timer(target(), Deadlines(first_token=LONG, idle=0.2, total=LONG), stream=True)

    for _ in range(5):
        timer.progress()
        await timer.wait(anyio.sleep(0.06))


async def test_tokens_do_not_move_the_total() -> None:
    timer = Timer(target(), Deadlines(first_token=LONG, idle=LONG, total=0.05), stream=True)

    with pytest.raises(ProviderTimeout) as caught:
        await steps(timer, tokens=True)
    assert caught.value.deadline == "total"


@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_already_there_is_given_also_when_it_is_late(stream: bool) -> None:
    async def there() -> str:
        return "there"

    timer = Timer(target(), Deadlines(first_token=0, idle=0, total=0), stream=stream)

    assert await timer.wait(there()) == "there"


async def test_an_error_of_what_is_awaited_passes() -> None:
    async def breaks() -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await Timer(target(), Deadlines(), stream=True).wait(breaks())


async def test_cancelling_from_outside_is_not_a_timeout() -> None:
    timer = Timer(target(), Deadlines(total=LONG), stream=False)

    with anyio.move_on_after(0.02) as scope:
        await timer.wait(anyio.sleep_forever())
    assert scope.cancelled_caught
