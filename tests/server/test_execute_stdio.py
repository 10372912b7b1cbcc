"""`execute_with_fallback` in a real process: answers, cancellation, and endings with calls open."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult

from mcp_router.storage.breaker import Breaker, BreakerKey
from mcp_router.storage.periods import to_ms
from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Answer, Fault, huge
from mcp_router.testing.neutral import WireName
from tests.server.conftest import Era
from tests.server.process import COMMAND, Process, environment, started
from tests.server.reading import body_of, text_of
from tests.server.upstream import DELIBERATE, PROMPT, TOOL, Upstream

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals are a POSIX matter")
SECONDS = 10
CALL = {"name": TOOL, "arguments": {"prompt": PROMPT}}


def parameters(upstream: Upstream) -> StdioServerParameters:
    command, *args = COMMAND
    env = dict(environment(upstream.folder, ROUTING_CONFIG=upstream.file()))
    return StdioServerParameters(command=command, args=args, env=env, cwd=upstream.folder)


@contextmanager
def serving(upstream: Upstream, *, modern: bool = False) -> Iterator[Process]:
    with started(upstream.folder, ROUTING_CONFIG=upstream.file()) as process:
        process.modern = modern
        process.initialize()
        yield process


def until(holds: Callable[[], bool]) -> None:
    """Look until something holds that another process or thread is about to do."""
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end


@pytest.mark.parametrize(
    ("era", "wire"), [("auto", "openai"), ("legacy", "anthropic"), ("2026-07-28", "gemini")]
)
async def test_every_era_gets_answers_over_every_wire(
    upstream: Upstream, era: Era, wire: WireName
) -> None:
    upstream.serve("m-a", Fault.http(503), wire=wire)
    upstream.serve("m-b", wire=wire)
    heard: list[str] = []

    async def hear(_progress: float, _total: float | None, message: str | None) -> None:
        heard.append(message or "")

    async with Client(parameters(upstream), mode=era) as client:
        arguments = {"prompt": PROMPT, "chain": ["m-a", "m-b"]}
        result = await client.call_tool(TOOL, arguments, progress_callback=hear)
        stats = body_of(await client.call_tool("stats", {}))
    assert text_of(result).startswith(f"{echo(PROMPT)}\n\n---\nm-b (fault-{wire}), 2 attempts (")
    assert [line[:10] for line in heard] == ["Attempt 1:", "Attempt 2:"]
    assert {row["group"]: row["calls"] for row in stats["rows"]} == {"m-a": 1, "m-b": 1}
    assert upstream.held() == []


@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_every_era_can_ask_the_person(upstream: Upstream, era: Era) -> None:
    upstream.serve("m-a")
    upstream.budget = {"per_request": 0.01}
    asked: list[str] = []

    async def accept(_context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"run": True})

    arguments = {"prompt": PROMPT, "max_tokens": 30_000}
    async with Client(parameters(upstream), mode=era, elicitation_callback=accept) as client:
        assert not (await client.call_tool(TOOL, arguments)).is_error
    async with Client(parameters(upstream), mode=era) as client:
        assert (await client.call_tool(TOOL, arguments)).is_error
    assert len(asked) == 1
    assert upstream.held() == []


async def test_twenty_calls_at_once(upstream: Upstream) -> None:
    upstream.serve("m-a")
    upstream.serve("m-b", huge(), wire="gemini")
    sizes: dict[int, int] = {}

    async def ask(client: Client, number: int) -> None:
        chain = "m-b" if number == 7 else "m-a"
        result = await client.call_tool(TOOL, {"prompt": f"Say {number} 漢字", "chain": chain})
        assert not result.is_error
        assert number == 7 or text_of(result).startswith(echo(f"Say {number} 漢字"))
        sizes[number] = len(text_of(result))

    async with Client(parameters(upstream)) as client:
        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(ask, client, number)
        stats = body_of(await client.call_tool("stats", {}))
    assert len(sizes) == 20
    assert sizes[7] > 200_000
    assert sum(row["ok"] for row in stats["rows"]) == 20


@pytest.mark.parametrize("modern", [False, True])
def test_cancelling_frees_money_connection_and_probe(distant: Upstream, modern: bool) -> None:
    distant.serve("m-a", Fault.silence())
    distant.budget, distant.fallback = {"daily": 1}, DELIBERATE
    half_open(distant, BreakerKey("fault-openai", "m-a", ""))
    with serving(distant, modern=modern) as process:
        number = process.begin("tools/call", CALL)
        assert process.progress(number)["message"] == "Attempt 1: waiting for m-a at fault-openai"
        until(lambda: len(distant.faults.calls) == 1)
        assert len(distant.held()) == 4
        process.notify("notifications/cancelled", {"requestId": number})
        until(lambda: distant.held() == [])
        until(lambda: len(distant.faults.abandoned) == 1)
        budgets = process.call("budget", {})["structuredContent"]["budgets"]
        assert [one["reserved_usd"] for one in budgets] == ["0", "0"]
        assert process.end()[0] == 0


@pytest.mark.parametrize("modern", [False, True])
def test_a_call_that_the_host_cancelled_counts_as_a_call(distant: Upstream, modern: bool) -> None:
    distant.serve("m-a", Answer(), Fault.silence())
    distant.budget, distant.fallback = {"daily": 1}, DELIBERATE
    with serving(distant, modern=modern) as process:
        process.call(TOOL, {"prompt": PROMPT})
        number = process.begin("tools/call", CALL)
        until(lambda: len(distant.faults.calls) == 2)
        process.notify("notifications/cancelled", {"requestId": number})
        until(lambda: len(distant.faults.abandoned) == 1)
        until(lambda: distant.rows("SELECT 1 FROM routing_outcomes WHERE ok = 0") != [])
        told = process.call("stats", {"period": "day"})
        day = process.call("budget", {})["structuredContent"]["budgets"][0]
        assert process.end()[0] == 0
    (row,) = told["structuredContent"]["rows"]
    assert (row["decisions"], row["calls"], row["ok"]) == (2, 2, 1)
    assert row["cost_usd"] == day["spent_usd"]
    assert told["content"][0]["text"].startswith("m-a: decisions 2, calls 2 (1 answered), $")


def half_open(upstream: Upstream, key: BreakerKey) -> None:
    """Let a circuit open an hour ago, so that the next call is its one probe."""
    with upstream.router() as router:
        breaker, past = Breaker(router.store.database), to_ms(router.now()) - 3_600_000
        while (permit := breaker.acquire(key, now=past)) is not None:
            breaker.failure(permit, now=past)


def test_a_closed_stdin_ends_a_silent_call(distant: Upstream) -> None:
    distant.serve("m-a", Fault.silence())
    distant.fallback = DELIBERATE
    with serving(distant, modern=True) as process:
        process.progress(process.begin("tools/call", CALL))
        code, _, err = process.end()
    assert (code, err) == (0, b"")
    assert distant.held() == []
    until(lambda: len(distant.faults.abandoned) == 1)


def test_a_closed_stdin_waits_for_an_answer_on_its_way(distant: Upstream) -> None:
    distant.serve("m-a", Answer(header_delay=0.3))
    with serving(distant) as process:
        process.progress(process.begin("tools/call", CALL))
        code, out, _ = process.end()
    assert code == 0
    assert echo(PROMPT).encode() in out


@POSIX
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_with_calls_open(
    distant: Upstream, number: signal.Signals
) -> None:
    distant.serve("m-a", Fault.silence())
    distant.fallback = DELIBERATE
    with serving(distant) as process:
        for _ in range(5):
            process.begin("tools/call", CALL)
        until(lambda: len(distant.faults.calls) == 5)
        began = time.monotonic()
        process.popen.send_signal(number)
        assert process.popen.wait(timeout=SECONDS) == 0
        # Well under the two seconds that a closed stdin would wait for the answers.
        assert time.monotonic() - began < 1.9
        assert process.popen.stderr is not None
        assert process.popen.stderr.read() == b""
    assert distant.held() == []
    assert not (distant.folder / "router.db-wal").exists()


@POSIX
def test_a_signal_during_the_wait_for_answers_ends_it_too(distant: Upstream) -> None:
    distant.serve("m-a", Fault.silence())
    distant.fallback = DELIBERATE
    with serving(distant) as process:
        process.progress(process.begin("tools/call", CALL))
        assert process.popen.stdin is not None
        process.popen.stdin.close()
        process.popen.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert process.popen.wait(timeout=SECONDS) == 0
        assert time.monotonic() - began < 1.9
    assert distant.held() == []


def test_updates_of_the_budget_reach_a_subscriber(distant: Upstream) -> None:
    distant.serve("m-a")
    with serving(distant) as process:
        process.ask("resources/subscribe", {"uri": "router://budget"})
        assert not process.call(TOOL, CALL["arguments"]).get("isError")
    updates: list[Any] = [one["params"] for one in process.heard if "updated" in one["method"]]
    assert updates == [{"uri": "router://budget"}]


def test_updates_of_the_budget_reach_a_listener(distant: Upstream) -> None:
    distant.serve("m-a")
    with serving(distant, modern=True) as process:
        wanted = {"resourceSubscriptions": ["router://budget"]}
        process.begin("subscriptions/listen", {"notifications": wanted})
        process.call(TOOL, CALL["arguments"])
        process.call("budget", {})
    methods = [one["method"] for one in process.heard]
    assert methods.count("notifications/resources/updated") == 1
