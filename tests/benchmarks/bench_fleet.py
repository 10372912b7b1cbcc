"""Two replicas on one PostgreSQL, under load, while things go wrong.

    make bench-fleet

The provider spoils a share of its answers all the time. One event after the other is let happen,
and the load goes on through each: before it, in the seconds after it, and later. Beside the clients
whose answers are counted, two more spend a small budget that begins and runs out around each event;
it must never be passed, by any amount. At the end every answer that a client got must have its
decision, its outcome and its place in the ledger, each once. A request counts where it ended.

A clock is stepped for one replica as a whole process, by a library that is loaded ahead of libc
(stepped_clock.c). A restart of the database is a crash: its processes are ended with nothing
written down. Where initdb, pg_ctl or a C compiler is missing, what needs it is left out and said.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks import fleet_books as books
from tests.benchmarks.fleet import (
    Replica,
    Server,
    Upstream,
    clock_library,
    database,
    make_tokens,
    write_settings,
)
from tests.benchmarks.fleet_load import Load, Sample

USUAL = 0.05
BAD = 0.30
TIGHT_NANOS = 10_000_000
HOUR = 3_600


class House(NamedTuple):
    """All that runs, and what an event may do to it."""

    replicas: Sequence[Replica]
    upstream: Upstream
    server: Server | None
    address: str
    settings: Path
    can_step: bool

    def on_lost(self, policy: str) -> None:
        """Say what becomes of calls while the database is away."""
        write_settings(
            self.settings, address=self.address, upstream=self.upstream.url, on_lost=policy
        )


class Event(NamedTuple):
    """What goes wrong, and what puts it right afterwards."""

    name: str
    happen: Callable[[House], Coroutine[None, None, None]]
    undo: Callable[[House], Coroutine[None, None, None]] | None = None
    prepare: Callable[[House], Coroutine[None, None, None]] | None = None
    may_overspend: bool = False


class Span(NamedTuple):
    """A part of the run: when it began and ended."""

    name: str
    begin: float
    end: float


async def spoil(house: House) -> None:
    """Have the provider fail often."""
    await asyncio.to_thread(house.upstream.spoil, BAD)


async def unspoil(house: House) -> None:
    """Have it fail as usual."""
    await asyncio.to_thread(house.upstream.spoil, USUAL)


async def kill(house: House) -> None:
    """End a replica at once, and start it again, as a supervisor does."""
    await asyncio.to_thread(house.replicas[0].kill)
    house.replicas[0].start()
    await asyncio.to_thread(house.replicas[0].ready)


async def drain(house: House) -> None:
    """Replace a replica as an upgrade does."""
    await replace(house.replicas[1])


async def go_on(house: House) -> None:
    """Have calls go on without budgets while the database is away; holds from a start on."""
    house.on_lost("open")
    for replica in house.replicas:
        await replace(replica)
    await asyncio.sleep(1.0)


async def replace(replica: Replica) -> None:
    """Stop a replica, and start it again."""
    await asyncio.to_thread(replica.stop)
    replica.start()
    await asyncio.to_thread(replica.ready)


async def crash(house: House) -> None:
    """Crash the database, and start it again after a second."""
    assert house.server is not None
    await asyncio.to_thread(house.server.stop)
    await asyncio.sleep(1.0)
    await asyncio.to_thread(house.server.start)


async def crash_both(house: House) -> None:
    """Crash the database, and kill a replica while its records wait for it."""
    assert house.server is not None
    await asyncio.to_thread(house.server.stop)
    await asyncio.sleep(1.0)
    await asyncio.to_thread(house.replicas[0].kill)
    await asyncio.to_thread(house.server.start)
    house.replicas[0].start()
    await asyncio.to_thread(house.replicas[0].ready)


async def ahead(house: House) -> None:
    """Set the clock of a replica ahead."""
    house.replicas[0].step_clock(HOUR)


async def behind(house: House) -> None:
    """Set it back by twice as much."""
    house.replicas[0].step_clock(-HOUR)


async def right(house: House) -> None:
    """Set it right."""
    house.replicas[0].step_clock(0)


def events(house: House) -> list[Event]:
    """List what can be let happen here."""
    found = [
        Event(f"provider fails {BAD:.0%}", spoil, unspoil),
        Event("replica killed with -9", kill),
        Event("replica replaced (SIGTERM)", drain),
    ]
    if house.can_step:
        found += [Event("clock of one +1 h", ahead), Event("clock of one -2 h", behind, right)]
    else:
        print("left out: stepped clocks (Linux and cc)")
    if house.server is None:
        print("left out: a crash of the database (initdb and pg_ctl)")
        return found
    return [
        *found,
        Event("database crashed, closed", crash),
        Event(
            "database crashed, open",
            crash,
            prepare=go_on,
            may_overspend=True,
        ),
        Event("and a replica killed, open", crash_both, prepare=go_on, may_overspend=True),
    ]


class Run:
    """One run of all events under one load."""

    def __init__(self, house: House, *, seconds: float, clients: int) -> None:
        self._house = house
        self._seconds = seconds
        self._clients = clients
        self.happened: list[tuple[Event, list[Span]]] = []

    async def run(self, every: Sequence[Event]) -> tuple[list[Sample], list[Sample]]:
        """Let each happen; return the samples of the clients, and of those with small budgets."""
        names = [f"tight-{number}" for number in range(len(every))]
        address = self._house.address
        wide = make_tokens(address, ["wide"], daily_nanos=None)["wide"]
        tight = make_tokens(address, names, daily_nanos=TIGHT_NANOS)
        ports = [replica.port for replica in self._house.replicas]
        main, side = Load(ports, secret=wide), Load(ports, secret=tight[names[0]])
        async with asyncio.TaskGroup() as group:
            group.create_task(main.run(self._clients))
            group.create_task(side.run(2))
            await asyncio.sleep(self._seconds / 2)
            for name, event in zip(names, every, strict=True):
                side.secret = tight[name]
                await self._let(event)
            main.stop()
            side.stop()
        return main.samples, side.samples

    async def _let(self, event: Event) -> None:
        if event.prepare is not None:
            await event.prepare(self._house)
        marks = [time.perf_counter()]
        await asyncio.sleep(self._seconds)
        marks.append(time.perf_counter())
        begun = asyncio.create_task(event.happen(self._house))
        await asyncio.sleep(self._seconds)
        await begun
        marks.append(time.perf_counter())
        if event.undo is not None:
            await event.undo(self._house)
        await asyncio.sleep(self._seconds)
        marks.append(time.perf_counter())
        names = ("before", "during", "after")
        spans = [Span(name, *two) for name, two in zip(names, pairwise(marks), strict=True)]
        self.happened.append((event, spans))


def line(span: Span, samples: Sequence[Sample]) -> str:
    """Write what clients saw of a span: answers, failures, latencies, the longest silence."""
    mine = [one for one in samples if span.begin <= one.ended < span.end]
    good = sorted(one.took * 1000 for one in mine if one.status == 200)
    if not good:
        return f"  {span.name:8}{len(mine):7} asked, none answered"
    ends = sorted(one.ended for one in mine if one.status == 200)
    heard = [span.begin, *ends, span.end]
    silence = max(later - earlier for earlier, later in pairwise(heard))
    failed = sorted({one.status for one in mine if one.status != 200})
    last = len(good) - 1
    figures = f"{len(good) / len(mine):9.2%}{good[last // 2]:9.1f}{good[round(last * 0.99)]:9.1f}"
    rate = len(good) / (span.end - span.begin)
    return f"  {span.name:8}{rate:7.0f}{figures}{silence * 1000:11.0f}   {failed or ''}"


def show(run: Run, samples: Sequence[Sample]) -> None:
    """Print the spans of every event."""
    print(f"\n{'':10}{'req/s':>7}{'answered':>9}{'p50 ms':>9}{'p99 ms':>9}{'silence ms':>11}")
    for event, spans in run.happened:
        print(event.name)
        for span in spans:
            print(line(span, samples))


def judge(run: Run, house: House, samples: Sequence[Sample]) -> bool:
    """Print what the books say; False where money was overspent or a record is missing."""
    took = books.replayed([replica.outbox for replica in house.replicas])
    answered = [one.decision for one in samples if one.status == 200]
    missing = books.lost(house.address, answered)
    found = {one.name: one for one in books.budgets(house.address)}
    unequal = [one.name for one in found.values() if not one.is_equal]
    overspend = 0
    print("\nsmall budgets, in nano-dollars")
    for number, (event, _spans) in enumerate(run.happened):
        one = found[f"token=tight-{number} day"]
        print(
            f"  {event.name:28}limit {one.limit:,}  spent {one.spent:,}  reserved {one.reserved:,}"
            f"  passed by {one.overspend:,}{' (as asked)' if event.may_overspend else ''}"
        )
        overspend += 0 if event.may_overspend else one.overspend
    print(
        f"\noverspend: {overspend}\nbudgets whose sums differ from their entries: {unequal or 0}\n"
        f"answers: {len(answered):,}; lost outcomes: {missing.outcomes}, decisions: "
        f"{missing.decisions}, bookings: {missing.bookings}; recorded twice: {missing.twice}\n"
        f"replayed {took:.1f} s after the load ended"
    )
    return not (overspend or unequal or any(missing))


def measure(
    stack: ExitStack, folder: Path, *, seconds: float, clients: int, only: str = ""
) -> bool:
    """Build the house, let everything happen to it, and print what came of it."""
    address, server = stack.enter_context(database(folder))
    upstream = Upstream()
    stack.callback(upstream.close)
    upstream.spoil(USUAL)
    settings, clock = folder / "settings.json", clock_library(folder)
    replicas = [
        Replica(folder / f"replica-{number}", settings=settings, clock=clock) for number in (1, 2)
    ]
    house = House(replicas, upstream, server, address, settings, clock is not None)
    house.on_lost("closed")
    for replica in replicas:
        stack.callback(replica.stop)
        replica.start()
        replica.ready()
    run = Run(house, seconds=seconds, clients=clients)
    main, side = asyncio.run(run.run([one for one in events(house) if only in one.name]))
    show(run, main)
    return judge(run, house, [*main, *side])


def main() -> int:
    """Run it; 1 where money was overspent or a record is missing."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each span")
    parser.add_argument("--clients", type=int, default=8, help="at a time")
    parser.add_argument("--only", default="", help="events whose names have this in them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        # The user that PostgreSQL runs as must get through to its own folder.
        folder.chmod(0o711)
        return int(not measure(stack, folder, **vars(options)))


if __name__ == "__main__":
    sys.exit(main())
