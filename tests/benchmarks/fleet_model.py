"""A model of the fleet: how fast its ledger is, what it costs to run, and what gives first.

    python tests/benchmarks/fleet_model.py [--seconds 2] [--rounds 3]

The ledger is a closed network of queues, solved by exact mean value analysis (Reiser and Lavenberg,
1980). The hot rows of a budget serve one pair of reserve and settle at a time; how long is measured
on the server, as an upper bound. The cores of the machine are one queue and one delay (Seidmann,
1987), and a pair needs more of them the more processes crowd there; the rest of the way (disk and
wire) is a delay. Work, crowding and delay are fitted to the speeds of few processes, with one
budget for all and with one for each, and checked at the most processes that the machine carries.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.fleet import database
from tests.benchmarks.fleet_measures import Costs, costs, hot_row, pairs
from tests.benchmarks.lease_model import Pool, Replica

CORES = os.cpu_count() or 1
FITTED, CHECKED = (1, 4, 16), 64
WANTED = 10_000
DAY_S = 86_400
USUAL_LOAD = 0.6
"""How busy a queue may be on average, so that bursts do not make it long."""

RESERVED, LIMIT = 400_000, 1_000_000_000_000
"""What a call of the example sets aside, and its daily budget, in nano-dollars."""

REPLICAS, SLICE = 100, 10
"""How many replicas there are, and how many openings a slice of theirs holds."""


class Demands(NamedTuple):
    """What one pair needs, in seconds: of the hot rows, of cores in all, and of waiting elsewhere.

    With each process more, the need of cores grows by the share `crowd`.
    """

    row: float
    work: float
    crowd: float
    delay: float


class Point(NamedTuple):
    """Pairs a second of so many processes, with one budget for all of them or one for each."""

    processes: int
    hot: bool
    rate: float


def speed(needs: Demands, *, processes: int, hot: bool, cores: int = CORES) -> float:
    """Predict the pairs a second."""
    row = needs.row if hot else 0.0
    work = needs.work * (1 + needs.crowd * (processes - 1)) - row
    stations = (row, work / cores)
    delay = needs.delay + work * (cores - 1) / cores
    queues, rate = [0.0, 0.0], 0.0
    for number in range(1, processes + 1):
        times = [each * (1 + queue) for each, queue in zip(stations, queues, strict=True)]
        rate = number / (delay + sum(times))
        queues = [rate * one for one in times]
    return rate


def error(needs: Demands, point: Point) -> float:
    """Say by which share a prediction is off: 0.1 is too fast by a tenth."""
    return speed(needs, processes=point.processes, hot=point.hot) / point.rate - 1


def fit(points: Sequence[Point], *, row: float) -> Demands:
    """Find the demands whose predictions are off by the least, in squares of logarithms."""

    def loss(needs: Demands) -> float:
        return sum(math.log1p(error(needs, point)) ** 2 for point in points)

    steps = [1e-5 * 10 ** (step / 4) for step in range(12)]
    crowds = [0.0, 0.001, 0.003, 0.01, 0.03, 0.1]
    works = [row + step for step in steps]
    best = min((Demands(row, *one) for one in itertools.product(works, crowds, steps)), key=loss)
    factor = 1.3
    while factor > 1.001:
        near = [
            Demands(row, max(row, best.work * a), best.crowd * b, best.delay * c)
            for a, b, c in itertools.product((1 / factor, 1, factor), repeat=3)
        ]
        found = min(near, key=loss)
        if found == best:
            factor = math.sqrt(factor)
        best = found
    return best


def leased(*, calls: int) -> float:
    """Count how often the hot row is asked for a call, where so many calls are opened at a time."""
    replica = Replica(Pool(LIMIT, term=60), first=0, step=1)
    tranche, done = calls * RESERVED, 4 * SLICE * calls
    for _ in range(done):
        replica.spend(RESERVED, slice_size=SLICE * tranche, tranche=tranche, now=0)
    return replica.asked / done


def measured(*, seconds: float, rounds: int) -> tuple[float, list[Point]]:
    """Measure the ledger: its hot rows, and its speed as the best of some rounds for each size."""
    found: list[Point] = []
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        with database(Path(name)) as (address, _server):
            for size, hot in itertools.product((*FITTED, CHECKED), (True, False)):
                rates = [
                    pairs(address, processes=size, hot=hot, seconds=seconds) for _ in range(rounds)
                ]
                found.append(Point(size, hot, max(rates)))
            return hot_row(address), found


def show_ledger(points: Sequence[Point], needs: Demands) -> None:
    """Print what was measured beside what the model says."""
    print(f"the ledger, on {CORES} cores that the processes share with PostgreSQL")
    print(f"{'processes':>9}  {'budget':8}{'pairs/s':>9}{'model':>9}{'off by':>9}")
    for point in points:
        said = speed(needs, processes=point.processes, hot=point.hot)
        kind = "one" if point.hot else "own"
        note = "" if point.processes in FITTED else "  not fitted"
        off = error(needs, point)
        print(f"{point.processes:9}  {kind:8}{point.rate:9.0f}{said:9.0f}{off:9.1%}{note}")
    print(
        f"a pair needs {needs.work * 1e6:.0f} us of cores, {needs.crowd:.1%} more for each "
        f"process more, {needs.delay * 1e6:.0f} us elsewhere,\nand {needs.row * 1e6:.0f} us of the "
        f"hot rows (measured, at the most), which alone carry {1 / needs.row:,.0f}/s"
    )


def show_costs(engines: Mapping[str, Costs]) -> None:
    """Print what one request costs on each engine."""
    print(f"\n{'a request':12}{'router CPU':>12}{'database CPU':>14}", end="")
    print(f"{'kept':>10}{'log':>10}{'prune':>10}")
    for name, one in engines.items():
        cpu = "in it" if one.database_cpu is None else f"{one.database_cpu * 1e3:.2f} ms"
        log = "" if one.log is None else f"{one.log / 1e3:.1f} kB"
        print(
            f"{name:12}{one.router_cpu * 1e3:9.2f} ms{cpu:>14}{one.kept / 1e3:7.1f} kB{log:>10}"
            f"{one.prune * 1e6:7.0f} us"
        )


def show_fleet(one: Costs, needs: Demands) -> None:
    """Print what a fleet needs at some speeds; a queue is to be busy for 60% at the most."""
    database_cpu = one.database_cpu or 0.0
    rows: Sequence[tuple[str, Callable[[float], str]]] = (
        ("router cores", lambda rate: f"{rate * one.router_cpu / USUAL_LOAD:,.1f}"),
        ("database cores", lambda rate: f"{rate * database_cpu / USUAL_LOAD:,.1f}"),
        ("hot rows busy", lambda rate: f"{rate * needs.row:.0%}"),
        ("disk, GB a day", lambda rate: f"{rate * one.kept * DAY_S / 1e9:,.1f}"),
        ("log, MB a second", lambda rate: f"{rate * (one.log or 0) / 1e6:,.1f}"),
        ("pruning busy", lambda rate: f"{rate * one.prune:.1%}"),
    )
    rates = (10, 100, 1_000, WANTED)
    print("\n" + f"{'requests/s':20}" + "".join(f"{rate:>11,}" for rate in rates))
    for name, of in rows:
        print(f"{name:20}" + "".join(f"{of(rate):>11}" for rate in rates))


def show_leases(needs: Demands) -> None:
    """Print what leases of slices would do for the hot rows."""
    print(f"\nleases at {WANTED:,}/s: {REPLICAS} replicas, slices of {SLICE} openings")
    print(f"{'calls in one':>12}{'asked a call':>14}{'rows busy':>11}{'most that lies unused':>24}")
    print(f"{'no lease':>12}{2:14}{WANTED * needs.row:11.0%}{0:20,.2f} USD")
    for calls in (10, 100, 1_000):
        asked = leased(calls=calls)
        usd = REPLICAS * SLICE * calls * RESERVED / 1e9
        # A pair asks the rows twice.
        busy = WANTED * asked * needs.row / 2
        print(f"{calls:12,}{asked:14.4f}{busy:11.1%}{usd:20,.2f} USD")


def main() -> None:
    """Measure, fit, check, and print what follows."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of which the best counts")
    options = parser.parse_args()
    row, points = measured(seconds=options.seconds, rounds=options.rounds)
    needs = fit([point for point in points if point.processes in FITTED], row=row)
    show_ledger(points, needs)
    engines = {
        engine: costs(engine=engine, seconds=4 * options.seconds, clients=8)
        for engine in ("sqlite", "postgres")
    }
    show_costs(engines)
    show_fleet(engines["postgres"], needs)
    show_leases(needs)


if __name__ == "__main__":
    main()
