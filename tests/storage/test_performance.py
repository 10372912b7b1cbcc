"""What is known of a model: decayed counts, latencies and the ratio of token estimates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from mcp_router.storage.performance import HALF_LIFE, weight
from mcp_router.storage.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcp_router.types import Outcome

    MakeOutcome = Callable[..., Outcome]

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def fold(store: SqliteStore) -> None:
    with store.database.transaction() as connection:
        connection.execute("UPDATE summary_state SET folds = folds + 1")


def test_nothing_is_known_at_first(store: SqliteStore) -> None:
    assert store.performance(now=NOON) == {}


def test_outcomes_count_for_their_task_and_for_all(
    store: SqliteStore, make_outcome: MakeOutcome
) -> None:
    store.record_outcome(make_outcome(task_type="chat"))
    store.record_outcome(make_outcome(task_type="testing", ok=False))
    store.record_outcome(make_outcome(task_type="testing", source="feedback", score=0.25))
    known = store.performance(now=NOON)["sonnet"]
    assert set(known) == {"", "chat", "testing"}
    assert (known["chat"].successes, known["chat"].failures) == pytest.approx((1, 0))
    assert (known["testing"].successes, known["testing"].failures) == pytest.approx((0.25, 1.75))
    assert (known[""].successes, known[""].failures) == pytest.approx((1.25, 1.75))
    assert (known["testing"].calls, known[""].calls) == (1, 2)


@pytest.mark.parametrize("folded", [True, False])
def test_an_outcome_counts_half_after_thirty_days(
    store: SqliteStore, make_outcome: MakeOutcome, folded: bool
) -> None:
    store.record_outcome(make_outcome(created_at=NOON))
    if folded:
        fold(store)
    for halvings in (0, 1, 2, 5):
        found = store.performance(now=NOON + halvings * HALF_LIFE)["sonnet"][""]
        assert found.successes == pytest.approx(0.5**halvings)
        assert found.calls == 1


def test_the_order_of_arrival_does_not_matter(tmp_path: Path, make_outcome: MakeOutcome) -> None:
    ages = (0, 40, 3)
    found: list[float] = []
    for number, order in enumerate(permutations(ages)):
        with SqliteStore.open(tmp_path / f"{number}.db") as store:
            for age in order:
                store.record_outcome(make_outcome(created_at=NOON - timedelta(days=age)))
            found.append(store.performance(now=NOON)["sonnet"][""].successes)
    assert found == pytest.approx([sum(0.5 ** (age / 30) for age in ages)] * 6)


def test_what_is_folded_and_what_is_fresh_add_up(
    store: SqliteStore, make_outcome: MakeOutcome
) -> None:
    for number in range(300):
        task = "chat" if number % 3 else "testing"
        store.record_outcome(make_outcome(task_type=task, latency_ms=100 + number))
        if number in (5, 140, 299):
            known = store.performance(now=NOON)["sonnet"]
            assert known[""].calls == number + 1
            assert known["chat"].calls + known["testing"].calls == number + 1
            assert known[""].successes == pytest.approx(number + 1)
    fresh = store.performance(now=NOON)
    fold(store)
    folded = store.performance(now=NOON)
    assert folded["sonnet"][""].model_dump() == pytest.approx(fresh["sonnet"][""].model_dump())


def test_a_reader_sees_what_another_process_wrote(
    tmp_path: Path, make_outcome: MakeOutcome
) -> None:
    path = tmp_path / "a.db"
    with SqliteStore.open(path) as one, SqliteStore.open(path) as other:
        for number in range(200):
            one.record_outcome(make_outcome())
            if number % 50 == 0:
                assert other.performance(now=NOON)["sonnet"][""].calls == number + 1
        assert other.performance(now=NOON) == one.performance(now=NOON)


def test_latencies_are_those_of_good_calls(store: SqliteStore, make_outcome: MakeOutcome) -> None:
    for number in range(1, 201):
        store.record_outcome(make_outcome(latency_ms=10 * number, first_token_ms=number))
    store.record_outcome(make_outcome(latency_ms=90_000, first_token_ms=80_000, ok=False))
    store.record_outcome(make_outcome(latency_ms=90_000, source="judge"))
    known = store.performance(now=NOON)["sonnet"]["debugging"]
    assert known.latency_p50_ms == pytest.approx(1_000, rel=0.12)
    assert known.latency_p95_ms == pytest.approx(1_900, rel=0.12)
    assert known.first_token_p95_ms == pytest.approx(190, rel=0.12)


def test_recent_latencies_outweigh_old_ones(store: SqliteStore, make_outcome: MakeOutcome) -> None:
    for _ in range(100):
        store.record_outcome(make_outcome(latency_ms=9_000, created_at=NOON - 8 * HALF_LIFE))
        store.record_outcome(make_outcome(latency_ms=300))
    known = store.performance(now=NOON)["sonnet"][""]
    assert known.latency_p95_ms == pytest.approx(300, rel=0.12)


def test_unmeasured_latencies_are_unknown(store: SqliteStore, make_outcome: MakeOutcome) -> None:
    store.record_outcome(make_outcome(latency_ms=None, first_token_ms=None))
    known = store.performance(now=NOON)["sonnet"][""]
    assert (known.latency_p50_ms, known.first_token_p95_ms) == (None, None)


def test_the_token_ratio_weighs_all_input_against_the_estimate(
    store: SqliteStore, make_outcome: MakeOutcome
) -> None:
    store.record_outcome(make_outcome())
    store.record_outcome(
        make_outcome(
            estimated_tokens=1_000,
            usage={"input_tokens": 100, "cache_read_tokens": 400, "cache_write_tokens": 700},
        )
    )
    assert store.performance(now=NOON)["sonnet"][""].token_ratio == pytest.approx(1.2)


@pytest.mark.parametrize(
    "changes", [{"usage": None}, {"estimated_tokens": None}, {"estimated_tokens": 0}, {"usage": {}}]
)
def test_without_both_counts_the_ratio_stays_one(
    store: SqliteStore, make_outcome: MakeOutcome, changes: dict[str, None]
) -> None:
    store.record_outcome(make_outcome(**changes))
    assert store.performance(now=NOON)["sonnet"][""].token_ratio == 1.0


def test_weights_stay_finite_at_the_ends_of_time() -> None:
    assert 0 < weight(datetime.min.replace(tzinfo=UTC)) < weight(NOON)
    assert weight(NOON) < weight(datetime.max.replace(tzinfo=UTC)) < float("inf")
