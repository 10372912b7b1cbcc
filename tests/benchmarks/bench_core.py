"""Measures classification, decisions and their recording beside a baseline of the same run.

    python tests/benchmarks/bench_core.py

Medians of wall time per call; each baseline is the least Python or SQLite work that could stand
in its place, so the ratio holds on a slow or busy machine too.
"""

from __future__ import annotations

import itertools
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from mcp_router import Router
from mcp_router.types import Message, Request

SENTENCE = "Please fix the login bug in auth.py: TypeError on line 3 when the token is empty. "
ROUNDS = 400


class Row(NamedTuple):
    """One measured line: medians in ms, the bound it is held to, and what it is beside."""

    name: str
    ms: float
    bound_ms: float
    beside: str
    baseline_ms: float


def median_ms(call: Callable[[], object], *, rounds: int = ROUNDS) -> float:
    """Time `call` alone, `rounds` times after a warm-up, and return the median."""
    for _ in range(max(5, rounds // 20)):
        call()
    times: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def prompt(size: int) -> str:
    """Repeat a sentence up to `size` characters."""
    return (SENTENCE * (size // len(SENTENCE) + 1))[:size]


def classification(router: Router) -> Iterator[Row]:
    """Classify prompts of two sizes, beside one pass that lower-cases and splits them."""
    for size, bound in ((1_000, 0.6), (100_000, 2.5)):
        text = prompt(size)
        yield Row(
            f"classify {size // 1000} KB",
            median_ms(lambda text=text: router.classify(text)),
            bound,
            "lower and split",
            median_ms(lambda text=text: text.lower().split()),
        )


def decisions(router: Router) -> Iterator[Row]:
    """Decide anew and from the cache, beside a loop that picks the cheapest by list price."""
    models, state, now = router.catalog.models, router.observe(), router.now()
    request = Request(messages=(Message(role="user", content=SENTENCE),))

    def cheapest() -> str:
        return min((m.prices[0].tiers[0].rates.input, m.name) for m in models if m.prices)[1]

    yield Row(
        "decide, explained, uncached",
        median_ms(lambda: router.decide(request, state=state, now=now)),
        2.0,
        "bare loop",
        median_ms(cheapest),
    )
    router.route(request)
    table = {SENTENCE: 1}
    yield Row(
        "decide, cached",
        median_ms(lambda: router.route(request), rounds=5 * ROUNDS),
        0.05,
        "dict look-up",
        median_ms(lambda: table[SENTENCE], rounds=5 * ROUNDS),
    )


def recording(router: Router, *, folder: Path) -> Iterator[Row]:
    """Record decisions, each another one, beside committed inserts of as many bytes."""
    state, now = router.observe(), router.now()
    asked = (f"{SENTENCE} {number}" for number in range(ROUNDS + ROUNDS // 20))
    made = [
        router.decide(Request(messages=(Message(role="user", content=text),)), state=state, now=now)
        for text in asked
    ]
    number = itertools.count()
    details = made[0].model_dump_json().encode()
    with closing(sqlite3.connect(folder / "plain.db", isolation_level=None)) as plain:
        plain.execute("PRAGMA journal_mode = WAL")
        plain.execute("PRAGMA synchronous = NORMAL")
        plain.execute("CREATE TABLE rows (id TEXT PRIMARY KEY, details BLOB)")
        record, supply = router.store.record_decision, iter(made)

        def bare() -> None:
            plain.execute("INSERT INTO rows VALUES (?, ?)", (f"dec_{next(number)}", details))

        ours = median_ms(lambda: record(next(supply)))
        yield Row("record a decision", ours, 0.1, "plain sqlite3", median_ms(bare))


def import_cpu_ms(statement: str) -> float:
    """CPU time of an import in a fresh interpreter; the least of seven."""
    code = f"import time; t = time.process_time(); {statement}; print(time.process_time() - t)"
    runs = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
        for _ in range(7)
    )
    return min(float(run.stdout) for run in runs) * 1000


def imports() -> Iterator[Row]:
    """Import the package, and the class everybody uses, beside pydantic alone."""
    base = import_cpu_ms("from pydantic import BaseModel, Field")
    for statement in ("import mcp_router", "from mcp_router import Router"):
        yield Row(statement, import_cpu_ms(statement), 120.0, "pydantic", base)


def show(row: Row) -> bool:
    """Print a line; return whether it is within its bound."""
    held = row.ms <= row.bound_ms
    ratio = row.ms / row.baseline_ms
    print(
        f"{row.name:32}{row.ms:9.4f}{row.bound_ms:9.2f}  {'yes' if held else 'NO':4}"
        f"{ratio:10.1f} x {row.beside} ({row.baseline_ms:.4f} ms)"
    )
    return held


def main() -> int:
    """Print the figures; 1 if one is out of bounds."""
    print(f"{'median':32}{'ms':>9}{'bound':>9}  held")
    held = [show(row) for row in imports()]
    with tempfile.TemporaryDirectory() as folder:
        environ = {"ROUTING_DB": f"{folder}/router.db"}
        with Router.open(environ=environ) as router:
            rows = (classification(router), decisions(router))
            held += [show(row) for row in itertools.chain(*rows)]
            held += [show(row) for row in recording(router, folder=Path(folder))]
    return int(not all(held))


if __name__ == "__main__":
    sys.exit(main())
