"""Measures what an execution adds to a bare POST, and a long run in which a fifth of all fails.

    python tests/benchmarks/bench_execution.py [--requests 10000] [--only overhead|soak]

CPU time of this process alone: the providers run in another one. Rounds of ours and of the bare
client alternate, so that a busy machine counts for both: the ratio is the median of theirs, the
milliseconds are the best round of each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx2

from mcp_router.catalog.catalog import Catalog
from mcp_router.config.apply import configured_catalog
from mcp_router.config.settings import Settings
from mcp_router.errors import FallbackExhaustedError
from mcp_router.execution.executor import Executor
from mcp_router.execution.services import Services
from mcp_router.providers.client import ProviderClient
from mcp_router.routing.classify import classify
from mcp_router.routing.decide import decide
from mcp_router.routing.situation import Understood, situate
from mcp_router.routing.tokens import request_counts
from mcp_router.storage.rules import budget_rules
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Answer
from mcp_router.testing.catalogue import QUICK
from mcp_router.testing.neutral import WireName
from mcp_router.testing.server import FaultServer
from mcp_router.types import Attempt, Decision, Message, Request, RoutingState

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

CHUNKS = 50
PACE = 0.0005
PROMPT = "Summarise the minutes of the meeting in a few friendly sentences. " * 8
WIRES: tuple[WireName, ...] = ("openai", "anthropic", "gemini")
MODELS = tuple(f"model-{wire}" for wire in WIRES)
# What the caller caused is no failure of a provider: it ends a request on purpose.
CAUSED = ("request_invalid", "content_filter_prompt", "content_filter_answer", "context_length")
# Healthy in their own way, or slower than an instant.
HARMLESS = ("no_usage", "output_limit", "small_segments")
FAULTS = {name: one for name, one in QUICK.items() if name not in (*CAUSED, *HARMLESS)}


class Figure(NamedTuple):
    """One line of the report."""

    name: str
    value: float
    bound: float
    unit: str
    at_least: bool = False

    @property
    def held(self) -> bool:
        """Whether the bound holds."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def serve(pipe: Connection, *, rate: float) -> None:
    """Run a fault server until the pipe closes."""

    async def run() -> None:
        healthy = Answer(chunks=CHUNKS)
        async with FaultServer(healthy=healthy, max_calls=1000) as server:
            for wire in WIRES:
                server.script(f"model-{wire}", [healthy], wire=wire)
            server.script("model-paced", [Answer(chunks=CHUNKS, chunk_delay=PACE)])
            if rate:
                server.random_faults(rate=rate, seed=7, pool=FAULTS.values())
            pipe.send(server.settings(context=400_000))
            await asyncio.to_thread(pipe.poll, None)

    asyncio.run(run())


@contextmanager
def serving(*, rate: float = 0.0) -> Iterator[dict[str, Any]]:
    """Run a fault server in a process of its own and give the settings that reach it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), kwargs={"rate": rate}, daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        process.join(5)
        if process.is_alive():
            process.terminate()


WAITED: ContextVar[list[float]] = ContextVar("waited")


async def noted_sleep(seconds: float) -> None:
    """Sleep, and note for how long the policy asked to."""
    WAITED.get().append(seconds)
    await asyncio.sleep(seconds)


class Subject:
    """An executor over a store in a file, and a decision made for one request."""

    def __init__(self, settings: dict[str, Any], *, client: ProviderClient, folder: Path) -> None:
        budget = {"daily": "1000000", "monthly": "1000000"}
        self.settings = Settings.model_validate({**settings, "budget": budget})
        base = Catalog.load(on=datetime.now(UTC).date())
        self.catalog = configured_catalog(self.settings, base=base)
        self.state = RoutingState(usable_providers=frozenset(self.settings.providers))
        self.store = SqliteStore.open(
            folder / "router.db", rules=budget_rules(self.settings.budget)
        )
        services = Services(
            client=client,
            store=self.store,
            observe=lambda: self.state,
            environ={},
            sleep=noted_sleep,
        )
        self.executor = Executor(services, settings=self.settings, catalog=self.catalog)

    def decided(
        self, prompt: str, *, number: int = 0, names: Sequence[str] = MODELS
    ) -> tuple[Request, Decision]:
        """Make a request and its decision, starting with each model in turn."""
        start = number % len(names)
        request = Request(
            messages=(Message(role="user", content=prompt),),
            max_tokens=800,
            chain=(*names[start:], *names[:start]),
        )
        situation = situate(
            Understood(request, request_counts(request), classify(request)),
            settings=self.settings,
            catalog=self.catalog,
            state=self.state,
            now=datetime.now(UTC),
        )
        return request, decide(situation, decision_id=f"dec_{number:016x}")


async def spread(call: Callable[[], Awaitable[object]], *, calls: int, width: int) -> float:
    """Make `calls` calls, `width` at a time; the CPU time of each in ms."""
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await call()

    began = time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(width):
            group.create_task(worker())
    return (time.process_time() - began) / calls * 1000


class Contestants:
    """The same upstream, called bare and through the executor."""

    def __init__(self, subject: Subject, *, bare: httpx2.AsyncClient, model: str) -> None:
        self._subject = subject
        self._bare = bare
        base = subject.settings.providers["fault-openai"].base_url
        self._url = f"{base}/chat/completions"
        self._request, self._decision = subject.decided(PROMPT, names=(model, *MODELS[1:]))
        subject.store.record_decision(self._decision)
        self._body = {
            "model": model,
            "messages": [{"role": "user", "content": PROMPT}],
            "max_tokens": 800,
        }

    async def bare_plain(self) -> None:
        """POST and decode the answer."""
        answer = await self._bare.post(self._url, json=self._body)
        assert answer.json()["choices"]

    async def our_plain(self) -> None:
        """Execute."""
        done = await self._subject.executor.execute(self._request, decision=self._decision)
        assert done.content == echo(PROMPT)

    async def bare_stream(self) -> None:
        """POST and decode the events, line by line."""
        body = {**self._body, "stream": True, "stream_options": {"include_usage": True}}
        text: list[str] = []
        async with self._bare.stream("POST", self._url, json=body) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    choices = json.loads(line[6:])["choices"]
                    text.append((choices[0]["delta"].get("content") or "") if choices else "")
        assert "".join(text) == echo(PROMPT)

    async def our_stream(self) -> None:
        """Stream."""
        last = None
        async for event in self._subject.executor.stream(self._request, decision=self._decision):
            last = event
        assert last is not None
        assert last.type == "done"


async def overhead(folder: Path, *, calls: int, rounds: int) -> list[Figure]:
    """Compare CPU per request: plain, streamed at a pace, and a stream that comes all at once."""
    figures: list[Figure] = []
    with serving() as settings:
        async with httpx2.AsyncClient() as bare, ProviderClient() as client:
            subject = Subject(settings, client=client, folder=folder)
            at_once = Contestants(subject, bare=bare, model="model-openai")
            paced = Contestants(subject, bare=bare, model="model-paced")
            contests = (
                ("plain", at_once.our_plain, at_once.bare_plain, 2.0),
                ("50 chunks", paced.our_stream, paced.bare_stream, 1.5),
                ("50 chunks in one packet", at_once.our_stream, at_once.bare_stream, 1.5),
            )
            for width in (1, 32):
                for kind, ours, theirs, bound in contests:
                    taken: list[tuple[float, float]] = []
                    for _ in range(rounds):
                        one = await spread(theirs, calls=calls, width=width)
                        taken.append((await spread(ours, calls=calls, width=width), one))
                    best, least = (min(column) for column in zip(*taken, strict=True))
                    name = f"{kind}, {width} at a time: {best:.2f} ms over {least:.2f} ms"
                    ratio = statistics.median(one / other for one, other in taken)
                    figures.append(Figure(name, ratio, bound, "x"))
    return figures


def resident_kib() -> int:
    """Read the resident memory of this process; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = status.read_text(encoding="ascii").splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("VmRSS"))


class Tally:
    """What came of the soak."""

    def __init__(self) -> None:
        self.ok = 0
        self.wrong = 0
        self.attempts = 0
        self.delays: deque[float] = deque(maxlen=10_000)
        self.errors: dict[str, int] = {}


async def soak(folder: Path, *, requests: int, width: int) -> list[Figure]:
    """Send many requests through three providers that fail at random."""
    tally = Tally()
    # Kilobytes after a tenth, a quarter, a half and all of them.
    marks = {max(1, requests * share // 100): 0 for share in (10, 25, 50, 100)}
    with serving(rate=0.2) as settings:
        async with ProviderClient() as client:
            subject = Subject(settings, client=client, folder=folder)
            left = iter(range(requests))
            done = 0

            async def worker() -> None:
                nonlocal done
                for number in left:
                    await one_request(subject, number, tally)
                    done += 1
                    if done in marks:
                        marks[done] = resident_kib()

            async with asyncio.TaskGroup() as group:
                for _ in range(width):
                    group.create_task(worker())
            budgets = subject.store.budget_status(now=datetime.now(UTC))
            assert not any(one.reserved_usd for one in budgets), budgets
    print("    " + ", ".join(f"{kib / 1024:.1f} MB at {done:,}" for done, kib in marks.items()))
    # The first quarter fills caches and the heap, whatever the number.
    _, early, _, late = marks.values()
    print(f"    {tally.attempts / requests:.3f} calls a request; errors {tally.errors}")
    own = statistics.median(tally.delays) if tally.delays else 0.0
    return [
        Figure("soak: requests answered", 100 * tally.ok / requests, 99.5, "%", at_least=True),
        Figure("soak: wrong or cut answers", tally.wrong, 0, ""),
        Figure("soak: own delay of a fallback, p50", own, 5.0, "ms"),
        Figure("soak: memory at the end over a quarter", late / early, 1.15, "x"),
    ]


def called(attempts: Sequence[Attempt]) -> int:
    """Count the attempts that reached a provider; the others were passed over."""
    return sum(one.latency_ms > 0 or one.outcome == "ok" for one in attempts)


async def one_request(subject: Subject, number: int, tally: Tally) -> None:
    """Execute or stream one request and check the answer."""
    prompt = f"Request number {number}: say something nice."
    waited: list[float] = []
    WAITED.set(waited)
    request, decision = subject.decided(prompt, number=number)
    subject.store.record_decision(decision)
    try:
        if number % 2:
            done = await subject.executor.execute(request, decision=decision)
        else:
            last = None
            async for event in subject.executor.stream(request, decision=decision):
                last = event
            assert last is not None
            assert last.type == "done"
            done = last.result
    except FallbackExhaustedError as error:
        tally.attempts += called(error.attempts)
        name = "/".join(one.outcome for one in error.attempts)
        tally.errors[name] = tally.errors.get(name, 0) + 1
        return
    tally.ok += 1
    tally.wrong += done.content != echo(prompt)
    tally.attempts += called(done.attempts)
    if len(done.attempts) > 1:
        tried = sum(one.latency_ms for one in done.attempts)
        own = done.latency_ms - tried - 1000 * sum(waited)
        tally.delays.append(max(0.0, own) / (len(done.attempts) - 1))


def main() -> int:
    """Print the figures; 1 if one is out of bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--calls", type=int, default=80)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--only", choices=("overhead", "soak"))
    options = parser.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        if options.only != "soak":
            figures += asyncio.run(
                overhead(Path(folder), calls=options.calls, rounds=options.rounds)
            )
        if options.only != "overhead":
            figures += asyncio.run(soak(Path(folder), requests=options.requests, width=32))
    print(f"{'':60}{'value':>10}{'bound':>9}  held")
    for one in figures:
        mark = "yes" if one.held else "NO"
        print(f"{one.name:60}{one.value:10.3f}{one.bound:9.2f}  {mark:4}{one.unit}")
    return int(not all(one.held for one in figures))


if __name__ == "__main__":
    sys.exit(main())
