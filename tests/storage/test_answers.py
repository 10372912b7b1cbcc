"""Kept answers come back whole, for as long and as many as was said, and are counted."""

from __future__ import annotations

import threading
import time
import zlib
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.storage.answers import AnswerCache, CacheStatistics, is_keepable
from mcp_router.storage.database import Database
from mcp_router.storage.near import Sketch
from mcp_router.types import Attempt, Completion, ToolCall, Usage
from tests.storage.conftest import NOON
from tests.storage.servers import only_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TTL = 3_600.0
LATER = NOON + timedelta(minutes=5)


@pytest.fixture
def database(place: Path | str) -> Iterator[Database]:
    with Database.open(place) as opened:
        yield opened


@pytest.fixture
def cache(database: Database) -> AnswerCache:
    return AnswerCache(database, ttl=TTL)


def completion(content: str = "Old.", **changes: Any) -> Completion:
    values: dict[str, Any] = {
        "decision_id": "d1",
        "model": "alpha",
        "provider": "openai",
        "content": content,
        "finish_reason": "stop",
        "usage": Usage(input_tokens=10, output_tokens=5),
        "cost_usd": Decimal("0.002"),
        "latency_ms": 900,
        "attempts": (),
    }
    return Completion.model_validate(values | changes)


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def sketch_of(vector: bytes, *, space: bytes = b"s", guard: bytes = b"g") -> Sketch:
    return Sketch(space, guard, vector)


def test_an_answer_comes_back_as_it_was_but_for_its_attempts(cache: AnswerCache) -> None:
    call = ToolCall(id="1", name="search", arguments={"q": "Rom\u00e9 \U0001f600"}, signature="s")
    tried = Attempt(model="alpha", provider="openai", outcome="ok")
    kept = completion("Sehr alt \u2026", tool_calls=(call,), attempts=(tried,), first_token_ms=3)
    assert cache.put(key(1), kept, now=NOON)
    found = cache.get(key(1), now=LATER)
    assert found is not None
    assert found.completion == kept.model_copy(update={"attempts": ()})
    assert (found.kept_at, found.near) == (NOON, False)


def test_another_key_is_a_miss(cache: AnswerCache) -> None:
    cache.put(key(1), completion(), now=NOON)
    assert cache.get(key(2), now=NOON) is None


@pytest.mark.parametrize(
    ("age", "fresh"),
    [(0.0, True), (TTL - 0.001, True), (TTL, False), (TTL * 10, False), (-1.0, False)],
)
def test_an_answer_is_fresh_until_its_time_is_over_and_never_from_the_future(
    cache: AnswerCache, age: float, fresh: bool
) -> None:
    cache.put(key(1), completion(), now=NOON)
    assert (cache.get(key(1), now=NOON + timedelta(seconds=age)) is not None) is fresh


def test_without_a_time_to_live_nothing_is_kept(database: Database) -> None:
    cache = AnswerCache(database, ttl=0)
    assert not cache.put(key(1), completion(), now=NOON)
    assert cache.get(key(1), now=NOON) is None


@pytest.mark.parametrize(
    "unfit",
    [
        completion(finish_reason="length"),
        completion(finish_reason="content_filter"),
        completion(finish_reason="error"),
        completion(" \n"),
    ],
)
def test_a_cut_filtered_or_empty_answer_is_not_kept(cache: AnswerCache, unfit: Completion) -> None:
    assert not is_keepable(unfit)
    assert not cache.put(key(1), unfit, now=NOON)
    assert cache.statistics().entries == 0


def test_an_empty_text_with_a_tool_call_is_kept(cache: AnswerCache) -> None:
    call = ToolCall(id="1", name="search")
    assert cache.put(
        key(1), completion("", tool_calls=(call,), finish_reason="tool_calls"), now=NOON
    )


def test_a_newer_answer_takes_the_place_of_an_older_one(cache: AnswerCache) -> None:
    cache.put(key(1), completion("old"), now=NOON)
    cache.put(key(1), completion("new"), now=LATER)
    found = cache.get(key(1), now=LATER)
    assert found is not None
    assert found.completion.content == "new"
    assert cache.statistics().entries == 1


def test_hits_misses_and_savings_are_counted(cache: AnswerCache) -> None:
    cache.put(key(1), completion(), now=NOON)
    cache.put(key(2), completion(cost_usd=None), now=NOON)
    for number in (1, 1, 2, 3):
        cache.get(key(number), now=LATER)
    cache.get(key(1), now=NOON + timedelta(days=1))
    found = cache.statistics()
    assert (found.hits, found.misses, found.near_hits) == (3, 2, 0)
    assert found.saved_usd == Decimal("0.004")
    assert cache.prune(now=NOON + timedelta(days=1)) == 2
    assert cache.statistics()[:2] == (0, 0)
    assert cache.statistics().expired == 2


def test_the_answer_used_longest_ago_goes_first(database: Database) -> None:
    probe = AnswerCache(database, ttl=TTL)
    probe.put(key(0), completion("x" * 50), now=NOON)
    each = probe.statistics().bytes
    probe.clear()
    cache = AnswerCache(database, ttl=TTL, max_bytes=3 * each + each // 2)
    for number in (1, 2, 3):
        cache.put(key(number), completion("x" * 50), now=NOON)
    # All at one moment: the order of use counts, not the clock.
    cache.get(key(1), now=NOON)
    cache.put(key(4), completion("x" * 50), now=NOON)
    kept = [number for number in (1, 2, 3, 4) if cache.get(key(number), now=NOON)]
    assert kept == [1, 3, 4]
    assert cache.statistics().evicted == 1


def test_an_answer_larger_than_the_cache_is_not_kept_and_drives_nothing_out(
    database: Database,
) -> None:
    cache = AnswerCache(database, ttl=TTL, max_bytes=2_000)
    cache.put(key(1), completion(), now=NOON)
    noise = "".join(chr(0x4E00 + (at * 7_919) % 20_000) for at in range(3_000))
    assert not cache.put(key(2), completion(noise), now=NOON)
    assert cache.get(key(1), now=NOON) is not None


steps = st.lists(
    st.tuples(
        st.sampled_from(["put", "get", "prune", "late"]), st.integers(0, 6), st.integers(1, 400)
    ),
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(steps, st.integers(600, 3_000))
def test_the_size_bound_and_the_sums_hold_after_every_step(
    tmp_path_factory: pytest.TempPathFactory, done: list[tuple[str, int, int]], bound: int
) -> None:
    with Database.open(tmp_path_factory.mktemp("cache") / "a.db") as database:
        cache = AnswerCache(database, ttl=TTL, max_bytes=bound)
        now, latest = NOON, dict[int, str]()
        for step, number, size in done:
            if step == "put":
                text = "".join(chr(0x4E00 + (at * 7_919 + number) % 20_000) for at in range(size))
                if cache.put(key(number), completion(text), now=now):
                    latest[number] = text
                else:
                    assert cache.get(key(number), now=now) is None or number in latest
            elif step == "get":
                found = cache.get(key(number), now=now)
                assert found is None or found.completion.content == latest[number]
            else:
                now += timedelta(seconds=TTL / 3 if step == "late" else 0)
                cache.prune(now=now)
            assert cache.statistics().bytes <= bound
            assert cache.statistics()[:2] == _summed(database)


def _summed(database: Database) -> tuple[int, int]:
    with database.reading() as connection:
        row = connection.execute(
            "SELECT count(*), ifnull(sum(size), 0) FROM answer_cache"
        ).fetchone()
    return row[0], row[1]


def test_clearing_one_model_leaves_the_others_and_clearing_all_leaves_nothing(
    cache: AnswerCache,
) -> None:
    cache.put(key(1), completion(), now=NOON)
    cache.put(key(2), completion(model="beta"), now=NOON)
    cache.get(key(1), now=NOON)
    assert cache.clear(model="alpha") == 1
    assert cache.get(key(2), now=NOON) is not None
    assert cache.statistics().hits == 2
    assert cache.clear() == 1
    assert cache.statistics() == CacheStatistics(0, 0, 0, 0, 0, 0, 0, Decimal(0))


def test_a_damaged_answer_is_a_miss_and_goes(cache: AnswerCache, database: Database) -> None:
    for number, stored in enumerate((b"garbage", zlib.compress(b"{}"), zlib.compress(b"[")), 1):
        cache.put(key(number), completion(), now=NOON)
        with database.transaction() as connection:
            connection.execute(
                "UPDATE answer_cache SET answer = ? WHERE key = ?", (stored, key(number))
            )
        assert cache.get(key(number), now=NOON) is None
    assert cache.statistics().entries == 0
    assert cache.statistics().misses == 3


def test_a_near_question_finds_the_likest_answer_of_its_space_and_guard(cache: AnswerCache) -> None:
    vectors = {1: bytes([100, 0, 0]), 2: bytes([90, 40, 0]), 3: bytes([0, 0, 100])}
    for number, vector in vectors.items():
        cache.put(key(number), completion(f"answer {number}"), now=NOON, sketch=sketch_of(vector))
    found = cache.get_near(sketch_of(bytes([90, 35, 0])), now=LATER)
    assert found is not None
    assert (found.completion.content, found.near) == ("answer 2", True)
    assert cache.statistics().near_hits == cache.statistics().hits == 1
    assert cache.get_near(sketch_of(bytes([60, 60, 60])), now=LATER, threshold=0.9) is None
    for other in (sketch_of(vectors[1], space=b"x"), sketch_of(vectors[1], guard=b"x")):
        assert cache.get_near(other, now=LATER) is None
    assert cache.get_near(sketch_of(vectors[1]), now=NOON + timedelta(days=1)) is None


def test_an_answer_that_goes_takes_its_sketch_along(cache: AnswerCache, database: Database) -> None:
    cache.put(key(1), completion(), now=NOON, sketch=sketch_of(b"\x64"))
    cache.put(key(1), completion("new"), now=NOON, sketch=sketch_of(b"\x32"))
    cache.put(key(2), completion(), now=NOON, sketch=sketch_of(b"\x64"))
    cache.clear()
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM answer_sketches").fetchone() == (0,)


def test_many_threads_of_two_connections_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "router.db"
    with Database.open(path) as one, Database.open(path) as other:
        caches = [AnswerCache(database, ttl=TTL, max_bytes=20_000) for database in (one, other)]

        def work(seed: int) -> None:
            for at in range(40):
                cache = caches[(seed + at) % 2]
                number = (seed * 7 + at) % 25
                if cache.get(key(number), now=NOON) is None:
                    cache.put(key(number), completion(f"{number}"), now=NOON)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = caches[0].statistics()
        assert found.hits + found.misses == 240
        assert found[:2] == _summed(one) == _summed(other)


@only_files
def test_a_hit_takes_a_fraction_of_a_millisecond(cache: AnswerCache) -> None:
    for number in range(200):
        cache.put(key(number), completion("word " * 400), now=NOON)
    started = time.perf_counter()
    for number in range(200):
        assert cache.get(key(number), now=NOON) is not None
    assert (time.perf_counter() - started) / 200 < 0.002
    assert cache.statistics().hits == 200
