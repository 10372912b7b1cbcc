"""Processes that share a file, and processes that are killed, lose nothing they acknowledged."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from mcp_router.storage.sqlite import SqliteStore

ROOT = Path(__file__).parents[2]
WRITER = """
import itertools, sys
from datetime import UTC, datetime
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.types import Outcome
store = SqliteStore.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
limit = int(sys.argv[3])
for number in itertools.islice(itertools.count(), limit or None):
    name = f"{sys.argv[2]}-{number}"
    store.record_outcome(Outcome(
        decision_id=name, created_at=datetime.now(UTC), model="m", provider="p",
        task_type="chat", complexity="simple", ok=True, latency_ms=5, cost_usd="0.000000001",
    ))
    print(name, flush=True)
"""


def writer(path: Path | str, *, name: str, limit: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(limit)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def start(workers: list[subprocess.Popen[str]]) -> None:
    for worker in workers:
        assert stream(worker.stdout).readline() == "ready\n"
    for worker in workers:
        stream(worker.stdin).write("go\n")
        stream(worker.stdin).flush()


def stream(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def kept(store: SqliteStore) -> set[object]:
    with store.database.reading() as connection:
        rows = connection.execute("SELECT decision_id FROM routing_outcomes").fetchall()
    return {decision_id for (decision_id,) in rows}


def test_six_processes_write_into_one_file(place: Path | str) -> None:
    path = place
    workers = [writer(path, name=str(number), limit=300) for number in range(6)]
    start(workers)
    said: set[object] = set()
    for worker in workers:
        with worker:
            said |= set(stream(worker.stdout).read().split())
        assert worker.returncode == 0
    with SqliteStore.open(path) as store:
        assert kept(store) == said
        total = store.totals(period="all")
        assert (total.calls, int(total.cost_usd * 10**9)) == (1_800, 1_800)
        assert store.performance(now=datetime.now(UTC))["m"][""].calls == 1_800
        assert store.integrity() == ()


def test_a_killed_writer_loses_nothing_it_acknowledged(place: Path | str) -> None:
    path = place
    said: set[object] = set()
    for turn in range(4):
        workers = [writer(path, name=f"{turn}-{number}", limit=0) for number in range(2)]
        start(workers)
        for worker in workers:
            said |= {stream(worker.stdout).readline().strip() for _ in range(100 + 37 * turn)}
        for worker in workers:
            worker.kill()
        for worker in workers:
            with worker:
                rest = stream(worker.stdout).read()
            # The last line may be cut; every whole one was acknowledged.
            said |= set(rest[: rest.rfind("\n") + 1].split())
        with SqliteStore.open(path) as store:
            found = kept(store)
            assert said <= found
            assert len(found - said) <= 2 * (turn + 1)
            assert store.totals(period="all").calls == len(found)
            assert store.integrity() == ()
