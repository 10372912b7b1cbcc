"""What recording and reporting cost, beside a plain sqlite3 insert.

    python tests/benchmarks/bench_storage.py [ROWS]

ROWS decisions, and as many outcomes, are spread over a year before the reports are timed
(1,000,000 by default: about six minutes and 6 GB in the temporary folder).
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mcp_router.storage.details import DetailsWriter
from mcp_router.storage.queries import query
from mcp_router.storage.rows import decision_row, outcome_row
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.storage.store import Context, Range
from mcp_router.types import (
    Candidate,
    Classification,
    Complexity,
    Decision,
    Estimate,
    Outcome,
    Parts,
    Pattern,
    Request,
    Strategy,
    TaskType,
    Usage,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp_router.storage.rows import Row

NOW = datetime(2026, 11, 20, 15, 7, tzinfo=UTC)
YEAR_S = 365 * 86_400
MODELS = tuple((f"model-{i}", f"provider-{i % 4}") for i in range(12))
TASKS = tuple(TaskType)
PROJECTS = tuple(f"project-{i}" for i in range(8))
SINGLE = 2_000


def decision(number: int, *, at: datetime, rng: random.Random, candidates: int) -> Decision:
    model, provider = rng.choice(MODELS)
    task = rng.choice(TASKS)
    usd = str(rng.randrange(1, 10**6) / 10**7)
    return Decision(
        decision_id=f"{number:012x}",
        created_at=at,
        model=model,
        provider=provider,
        task_type=task,
        complexity=Complexity.MEDIUM,
        pattern=Pattern.SINGLE_SHOT,
        strategy=Strategy.BALANCED,
        confidence=0.8,
        reason="Best score of all that fit, at a third of the cost of the next.",
        reasons=("It clears the quality floor.", "It is cheap.", "It is fast."),
        estimated=Estimate(cost_usd=usd, input_tokens=900, output_tokens=400, latency_ms=2100),
        fallbacks=("model-1", "model-2"),
        candidates=tuple(
            Candidate(
                model=f"model-{i}",
                provider="provider-1",
                score=round(rng.random(), 4),
                parts=Parts(
                    **{
                        part: round(rng.random(), 4)
                        for part in ("capability", "cost", "quality", "latency", "historical")
                    }
                ),
                estimated_cost_usd=usd,
                estimated_latency_ms=1800,
                quality=0.8,
                input_tokens=900,
                output_tokens=400,
            )
            for i in range(candidates)
        ),
        rejected=(),
        counterfactuals=(),
        classification=Classification(
            task_type=task,
            complexity=Complexity.MEDIUM,
            pattern=Pattern.SINGLE_SHOT,
            input_tokens=900,
            output_tokens=400,
            confidence=0.8,
        ),
        request=Request(messages=()),
    )


def outcome(of: Decision, *, rng: random.Random) -> Outcome:
    return Outcome(
        decision_id=of.decision_id,
        created_at=of.created_at,
        model=of.model,
        provider=of.provider,
        task_type=of.task_type,
        complexity=of.complexity,
        ok=rng.random() < 0.95,
        latency_ms=int(rng.lognormvariate(7.6, 0.7)),
        first_token_ms=int(rng.lognormvariate(6.0, 0.5)),
        estimated_tokens=900,
        usage=Usage(input_tokens=950, output_tokens=420),
        cost_usd=of.estimated.cost_usd,
    )


def timed(calls: Iterator[Callable[[], object]]) -> list[float]:
    took: list[float] = []
    for call in calls:
        start = time.perf_counter()
        call()
        took.append((time.perf_counter() - start) * 1e6)
    return sorted(took)


def line(name: str, *, took: list[float], unit: str) -> None:
    scale = 1 if unit == "us" else 1000
    middle, late = statistics.median(took) / scale, took[int(len(took) * 0.99)] / scale
    print(f"| {name} | {middle:.2f} {unit} | {late:.2f} {unit} | {took[-1] / scale:.2f} {unit} |")


def plain(folder: Path, *, rows: list[Row]) -> list[float]:
    """Insert the same bytes into a bare table, the least that SQLite can cost."""
    connection = sqlite3.connect(folder / "plain.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"CREATE TABLE t ({', '.join(f'c{i}' for i in range(len(rows[0])))})")
    insert = f"INSERT INTO t VALUES ({', '.join('?' * len(rows[0]))})"
    took = timed((lambda row=row: connection.execute(insert, row)) for row in rows)
    connection.close()
    return took


def fill(store: SqliteStore, *, rows: int, rng: random.Random) -> None:
    """Write a year of records in large transactions; summaries are kept as ever."""
    template = decision(0, at=NOW, rng=rng, candidates=12)
    step, writer = timedelta(seconds=YEAR_S / rows), DetailsWriter()
    for begin in range(0, rows, 5_000):
        with store.database.transaction() as connection:
            for number in range(begin, min(begin + 5_000, rows)):
                model, provider = rng.choice(MODELS)
                made = template.model_copy(
                    update={
                        "decision_id": f"{number:012x}",
                        "created_at": NOW - timedelta(seconds=YEAR_S) + number * step,
                        "model": model,
                        "provider": provider,
                        "task_type": rng.choice(TASKS).value,
                    }
                )
                place = Context(project=rng.choice(PROJECTS))
                details = writer.write(made)
                row = decision_row(made, details=details, prompt=None, context=place)
                connection.execute(query("record_decision"), row)
                connection.execute(query("record_outcome"), outcome_row(outcome(made, rng=rng)))
        print(f"\r{begin + 5_000:,} of {rows:,}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def report(store: SqliteStore) -> None:
    nepal, india = ZoneInfo("Asia/Kathmandu"), ZoneInfo("Asia/Kolkata")
    berlin = ZoneInfo("Europe/Berlin")
    half = Range(NOW - timedelta(days=180), None)
    reports: dict[str, Callable[[], object]] = {
        "totals, today": lambda: store.totals(period="day", now=NOW, timezone=berlin),
        "totals, this month": lambda: store.totals(period="month", now=NOW, timezone=berlin),
        "by model, today": lambda: store.stats(period="day", now=NOW, timezone=berlin),
        "by model, this month": lambda: store.stats(period="month", now=NOW, timezone=berlin),
        "by task, this month": lambda: store.stats(by="task", now=NOW, timezone=nepal),
        "by project, this month": lambda: store.stats(by="project", now=NOW, timezone=india),
        "by day, this month": lambda: store.stats(by="day", now=NOW, timezone=berlin),
        "by day, this month, Nepal": lambda: store.stats(by="day", now=NOW, timezone=nepal),
        "by task, half a year": lambda: store.stats(by="task", period=half, timezone=berlin),
        "by model, all": lambda: store.stats(period="all", now=NOW),
        "by task, all": lambda: store.stats(by="task", period="all", now=NOW),
        "by day, all (a year)": lambda: store.stats(by="day", period="all", now=NOW),
        "by day, all, Berlin": lambda: store.stats(
            by="day", period="all", now=NOW, timezone=berlin
        ),
        "performance": lambda: store.performance(now=NOW),
        "the last 20 decisions": lambda: store.recent(limit=20),
        "one decision": lambda: store.decision(f"{1234:012x}"),
    }
    for name, ask in reports.items():
        line(name, took=timed(ask for _ in range(30)), unit="ms")


def main(rows: int) -> None:
    rng = random.Random(1)
    head = "| what | median | p99 | longest |\n|---|---|---|---|"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many = [decision(i, at=NOW, rng=rng, candidates=40) for i in range(SINGLE)]
        few = [decision(10**6 + i, at=NOW, rng=rng, candidates=12) for i in range(SINGLE)]
        results = [outcome(made, rng=rng) for made in many]
        write = DetailsWriter().write
        laid_out = [
            decision_row(made, details=write(made), prompt=None, context=Context()) for made in few
        ]
        print(f"\nRecording, one at a time (JSON of {len(write(few[0])):,} bytes)\n\n{head}")
        line("plain sqlite3 insert", took=plain(folder, rows=laid_out), unit="us")
        with SqliteStore.open(folder / "a.db") as store:
            one = store.record_decision
            line("12 candidates", took=timed((lambda d=d: one(d)) for d in few), unit="us")
            line("40 candidates", took=timed((lambda d=d: one(d)) for d in many), unit="us")
            keep = store.record_outcome
            line("outcome", took=timed((lambda o=o: keep(o)) for o in results), unit="us")
        with SqliteStore.open(folder / "b.db") as store:
            fill(store, rows=rows, rng=rng)
            size = (folder / "b.db").stat().st_size / 1e6
            print(f"\nReports over {rows:,} decisions and outcomes ({size:,.0f} MB)\n\n{head}")
            report(store)
            later = [decision(10**9 + i, at=NOW, rng=rng, candidates=12) for i in range(SINGLE)]
            one = store.record_decision
            line("record another", took=timed((lambda d=d: one(d)) for d in later), unit="us")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
