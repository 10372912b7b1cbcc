"""What was judged of each model is summed by kind of work and source, and fades with time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from mcp_router.storage.migrations import known_migrations, migrate
from mcp_router.storage.performance import HALF_LIFE
from mcp_router.storage.postgres.database import PostgresDatabase
from mcp_router.storage.queries import query
from mcp_router.storage.reset import clear_records
from mcp_router.storage.rows import outcome_row
from mcp_router.storage.sqlite import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_router.types import Grades, Outcome

    MakeOutcome = Callable[..., Outcome]

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def fold(store: SqliteStore) -> None:
    """Sum up the latest rows, as each engine does of itself after some more of them."""
    if isinstance(store.database, PostgresDatabase):
        store.database.fold()
        return
    with store.database.transaction() as connection:
        connection.execute("UPDATE summary_state SET folds = folds + 1")


def grades(store: SqliteStore, *, now: datetime = NOON) -> dict[tuple[str, str, str], Grades]:
    known = store.grades(now=now).get("sonnet", ())
    return {(one.task_type, one.complexity, one.source): one for one in known}


def test_nothing_was_judged_at_first(store: SqliteStore) -> None:
    assert store.grades(now=NOON) == {}


@pytest.mark.parametrize("folded", [True, False])
def test_judgements_are_summed_by_work_and_source(
    store: SqliteStore, make_outcome: MakeOutcome, folded: bool
) -> None:
    same = {"created_at": NOON, "task_type": "testing", "complexity": "complex"}
    store.record_outcome(make_outcome(1, **same, source="feedback", score=1.0))
    store.record_outcome(make_outcome(2, **same, source="feedback", ok=False))
    store.record_outcome(make_outcome(1, **same, source="judge", score=0.75))
    store.record_outcome(make_outcome(2, **{**same, "complexity": "simple"}, source="judge"))
    if folded:
        fold(store)
    found = grades(store)
    assert len(found) == 3
    own = found["testing", "complex", "feedback"]
    assert (own.cases, own.good, own.bad) == (2, pytest.approx(1), pytest.approx(1))
    judge = found["testing", "complex", "judge"]
    assert (judge.good, judge.bad) == pytest.approx((0.75, 0.25))


@pytest.mark.parametrize("source", ["execution", "cache"])
def test_carrying_out_says_nothing_of_how_good_an_answer_was(
    store: SqliteStore, make_outcome: MakeOutcome, source: str
) -> None:
    store.record_outcome(make_outcome(source=source))
    assert store.grades(now=NOON) == {}
    fold(store)
    assert store.grades(now=NOON) == {}


@pytest.mark.parametrize("folded", [True, False])
def test_a_judgement_counts_half_after_thirty_days(
    store: SqliteStore, make_outcome: MakeOutcome, folded: bool
) -> None:
    store.record_outcome(make_outcome(created_at=NOON, source="feedback"))
    if folded:
        fold(store)
    for halvings in (0, 1, 3):
        (found,) = grades(store, now=NOON + halvings * HALF_LIFE).values()
        assert found.good == pytest.approx(0.5**halvings)
        assert found.cases == 1


def test_sums_and_latest_rows_add_up_over_many_outcomes(
    store: SqliteStore, make_outcome: MakeOutcome
) -> None:
    for number in range(300):
        told = {"created_at": NOON, "source": "judge", "ok": number % 3 > 0}
        store.record_outcome(make_outcome(number, **told))
    (found,) = grades(store).values()
    assert (found.cases, round(found.good), round(found.bad)) == (300, 200, 100)


def test_two_readers_of_one_file_see_the_same(tmp_path: Path, make_outcome: MakeOutcome) -> None:
    path = tmp_path / "a.db"
    with SqliteStore.open(path) as one, SqliteStore.open(path) as other:
        for _ in range(200):
            one.record_outcome(make_outcome(source="feedback"))
            assert other.grades(now=NOON) == one.grades(now=NOON)


def test_what_was_judged_is_forgotten_on_request(
    store: SqliteStore, make_outcome: MakeOutcome
) -> None:
    store.record_outcome(make_outcome(source="feedback"))
    fold(store)
    clear_records(store.database)
    assert store.grades(now=NOON) == {}


def test_judgements_from_before_the_table_are_in_it(
    tmp_path: Path, make_outcome: MakeOutcome
) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, path=path, steps=known_migrations()[:8])
        for source in ("feedback", "execution"):
            row = outcome_row(make_outcome(created_at=NOON, source=source))
            connection.execute(query("record_outcome"), row)
        connection.execute("UPDATE summary_state SET folds = folds + 1")
    with SqliteStore.open(path) as store:
        (found,) = grades(store).values()
    assert (found.source, found.cases, found.good) == ("feedback", 1, pytest.approx(1))
