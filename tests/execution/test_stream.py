"""What a caller of a stream is told, and when a fallback shows."""

from __future__ import annotations

import pytest

from mcp_router.errors import (
    ContentFilteredError,
    MalformedResponseError,
    ProviderError,
    ProviderTimeout,
)
from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Answer, Fault
from mcp_router.types import RestartEvent, ToolCall
from tests.execution.kitchen import PROMPT, WEATHER, Kitchen, assert_whole, whole


def shown(events: list[object]) -> list[str]:
    """The events without the attempts, which are for progress bars, and in runs."""
    types = [str(getattr(event, "type", "")) for event in events]
    runs = [kind for kind in types if kind != "attempt"]
    return [kind for at, kind in enumerate(runs) if at == 0 or runs[at - 1] != kind]


async def test_a_healthy_stream_is_pieces_and_an_end(kitchen: Kitchen) -> None:
    kitchen.serve("m")
    events = await kitchen.stream()
    assert shown(list(events)) == ["delta", "done"]
    assert_whole(whole(events))


async def test_reasoning_comes_as_its_own_events(kitchen: Kitchen) -> None:
    kitchen.serve("m", Answer("Yes.", reasoning="Let me think about it."))
    events = await kitchen.stream()
    assert shown(list(events)) == ["reasoning", "delta", "done"]
    thoughts = "".join(event.text for event in events if event.type == "reasoning")
    done = whole(events)
    assert thoughts == done.reasoning[0].text == "Let me think about it."


async def test_before_the_first_piece_a_fallback_is_invisible(kitchen: Kitchen) -> None:
    kitchen.serve("first", Fault.cut(after=0))
    kitchen.serve("second")
    events = await kitchen.stream()
    assert shown(list(events)) == ["delta", "done"]
    assert whole(events).model == "second"


async def test_after_it_the_caller_starts_over_with_the_whole_answer(kitchen: Kitchen) -> None:
    kitchen.serve("first", Fault.cut(after=2))
    kitchen.serve("second", wire="gemini")
    events = await kitchen.stream()
    assert shown(list(events)) == ["delta", "restart", "delta", "done"]
    restart = next(event for event in events if isinstance(event, RestartEvent))
    assert restart.model == "first"
    assert "cut" in restart.reason
    assert_whole(whole(events))


async def test_every_broken_stream_is_taken_back_once(kitchen: Kitchen) -> None:
    kitchen.fallback |= {"max_retries": 0}
    kitchen.serve("first", Fault.cut(after=2))
    kitchen.serve("second", Fault.http(503))
    kitchen.serve("third", Fault.reset("mid_stream", after=3))
    kitchen.serve("fourth")
    events = await kitchen.stream()
    assert shown(list(events)) == ["delta", "restart", "delta", "restart", "delta", "done"]
    assert_whole(whole(events))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.cut(after=2), MalformedResponseError),
        (Fault.stall(after=2), ProviderTimeout),
        (Fault.error_in_200(after=2), ProviderError),
    ],
)
async def test_whoever_wants_no_restart_gets_the_cause(
    kitchen: Kitchen, fault: Fault, error: type[ProviderError]
) -> None:
    kitchen.fallback |= {"on_stream_cut": "error"}
    kitchen.serve("first", fault)
    kitchen.serve("second")
    with pytest.raises(error):
        await kitchen.stream()
    assert kitchen.calls_of("second") == 0


async def test_whoever_wants_no_restart_still_gets_the_invisible_fallback(
    kitchen: Kitchen,
) -> None:
    kitchen.fallback |= {"on_stream_cut": "error"}
    kitchen.serve("first", Fault.cut(after=0))
    kitchen.serve("second")
    assert_whole(whole(await kitchen.stream()))


async def test_a_filter_that_breaks_an_answer_off_ends_the_stream(kitchen: Kitchen) -> None:
    kitchen.serve("first", Fault.content_filter(at="answer"))
    kitchen.serve("second")
    with pytest.raises(ContentFilteredError):
        await kitchen.stream()
    assert kitchen.calls_of("second") == 0


async def test_parallel_tool_calls_come_whole_and_last(kitchen: Kitchen) -> None:
    calls = (
        ToolCall(id="1", name="weather", arguments={"city": "Oslo"}),
        ToolCall(id="2", name="weather", arguments={"city": "Rome", "days": [1, 2]}),
    )
    kitchen.serve("m", Answer("Let me look.", tool_calls=calls, chunks=3), wire="anthropic")
    events = await kitchen.stream(tools=(WEATHER,))
    assert shown(list(events)) == ["delta", "tool_call", "done"]
    done = whole(events)
    assert [call.arguments for call in done.tool_calls] == [call.arguments for call in calls]


async def test_attempts_are_announced_with_what_failed_before(kitchen: Kitchen) -> None:
    kitchen.serve("first", Fault.http(401))
    kitchen.serve("second")
    attempts = [event for event in await kitchen.stream() if event.type == "attempt"]
    assert [(one.model, one.number) for one in attempts] == [("first", 1), ("second", 2)]
    assert attempts[0].after is None
    assert attempts[1].after is not None
    assert attempts[1].after.outcome == "auth"


async def test_a_plain_execution_announces_its_attempts_too(kitchen: Kitchen) -> None:
    kitchen.serve("first", Fault.http(401))
    kitchen.serve("second")
    request, told = kitchen.request(), list[str]()
    await kitchen.executor.execute(
        request,
        decision=kitchen.decide(request),
        on_attempt=lambda event: told.append(event.model),
    )
    assert told == ["first", "second"]


async def test_the_time_to_the_first_word_is_measured_from_the_callers_start(
    kitchen: Kitchen,
) -> None:
    kitchen.serve("first", Fault.silence())
    kitchen.serve("second", Answer(first_delay=0.05))
    done = whole(await kitchen.stream())
    answered = done.attempts[-1]
    assert answered.first_token_ms is not None
    assert done.first_token_ms is not None
    assert 50 <= answered.first_token_ms < done.first_token_ms <= done.latency_ms
    assert done.first_token_ms >= 400


async def test_an_answer_at_its_token_limit_says_so(kitchen: Kitchen) -> None:
    kitchen.serve("m", Answer(finish="length"))
    for done in (await kitchen.execute(), whole(await kitchen.stream())):
        assert done.finish_reason == "length"
        assert any("token limit" in warning for warning in done.warnings)
        assert done.content == echo(PROMPT)
