"""Kept answers are whole or missing, and within their bound, whatever processes do and suffer."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from mcp_router.storage.answers import AnswerCache
from mcp_router.storage.database import Database
from mcp_router.storage.sqlite import SqliteStore
from tests.storage.conftest import NOON
from tests.storage.test_answers import completion, key
from tests.storage.test_crash import start, stream

ROOT = Path(__file__).parents[2]
BOUND = 40_000
WRITER = """
import itertools, sys
from datetime import datetime
from random import Random
from mcp_router.storage.answers import AnswerCache
from mcp_router.storage.database import Database
from mcp_router.storage.near import Sketch
from mcp_router.types import Completion, Usage
path, seed, bound, limit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
database, rng = Database.open(path), Random(seed)
cache = AnswerCache(database, ttl=3600, max_bytes=bound)
now = datetime.fromisoformat(sys.argv[5])
print("ready", flush=True)
sys.stdin.readline()
for step in itertools.islice(itertools.count(), limit or None):
    number = rng.randrange(60)
    text = f"answer {number} " + "".join(chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(400))
    answer = Completion(decision_id="d", model="alpha", provider="p", content=text,
        finish_reason="stop", usage=Usage(), cost_usd="0.001", latency_ms=1, attempts=())
    cache.get(rng.randrange(60).to_bytes(32, "big"), now=now)
    cache.put(number.to_bytes(32, "big"), answer, now=now, sketch=Sketch(b"s", b"g", b"abc"))
    assert cache.statistics().bytes <= bound
    print(step, flush=True)
"""


def writer(path: Path, *, seed: int, limit: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            WRITER,
            str(path),
            str(seed),
            str(BOUND),
            str(limit),
            NOON.isoformat(),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def held(database: Database) -> tuple[int, int]:
    """Count and sum up the rows themselves, beside what the triggers keep."""
    with database.reading() as connection:
        return tuple(
            connection.execute("SELECT count(*), total(size) FROM answer_cache").fetchone()
        )


def sound(path: Path) -> int:
    """Check file, sums, bound and every answer; return how many there are."""
    with SqliteStore.open(path) as store:
        assert store.integrity() == ()
        cache = AnswerCache(store.database, ttl=3600, max_bytes=BOUND)
        found = cache.statistics()
        assert held(store.database) == (found.entries, found.bytes)
        assert found.bytes <= BOUND
        answers = [(number, cache.get(key(number), now=NOON)) for number in range(60)]
        there = [(number, one) for number, one in answers if one is not None]
        assert all(one.completion.content.startswith(f"answer {n} ") for n, one in there)
        assert len(there) == found.entries
    return len(there)


def test_the_bound_holds_while_three_processes_write(tmp_path: Path) -> None:
    path = tmp_path / "router.db"
    Database.open(path).close()
    workers = [writer(path, seed=seed, limit=60) for seed in (1, 2, 3)]
    start(workers)
    for worker in workers:
        out, _ = worker.communicate()
        assert worker.returncode == 0
        assert len(out.splitlines()) == 60
    assert sound(path) > 10
    with Database.open(path) as database:
        statistics = AnswerCache(database, ttl=1).statistics()
        assert statistics.evicted > 0


@pytest.mark.parametrize("after", [1, 7, 23])
def test_a_process_killed_while_it_writes_leaves_whole_answers(tmp_path: Path, after: int) -> None:
    path = tmp_path / "router.db"
    Database.open(path).close()
    workers = [writer(path, seed=seed, limit=0) for seed in (4, 5)]
    start(workers)
    for worker in workers:
        for _ in range(after):
            assert stream(worker.stdout).readline()
        worker.kill()
    for worker in workers:
        worker.communicate()
    assert sound(path) > 0


def test_a_clock_that_goes_back_gives_no_answer_from_the_future_and_keeps_on(
    tmp_path: Path,
) -> None:
    with Database.open(tmp_path / "router.db") as database:
        cache = AnswerCache(database, ttl=3600)
        cache.put(key(1), completion("later"), now=NOON)
        earlier = NOON - timedelta(days=1)
        assert cache.get(key(1), now=earlier) is None
        assert cache.put(key(2), completion("now"), now=earlier)
        assert held(database) == cache.statistics()[:2]
        assert cache.get(key(2), now=earlier) is not None
        assert cache.get(key(1), now=NOON) is None
