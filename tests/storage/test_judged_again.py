"""Whoever judges an answer again takes back what was said before, in every sum."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.storage.archive import archive
from mcp_router.storage.copying import copy_history
from mcp_router.storage.migrations import known_migrations, migrate
from mcp_router.storage.performance import weight
from mcp_router.storage.postgres import migrations as shared
from mcp_router.storage.postgres.database import PostgresDatabase
from mcp_router.storage.postgres.dialect import prepare
from mcp_router.storage.postgres.session import Session, Wire
from mcp_router.storage.queries import query
from mcp_router.storage.rows import outcome_row
from mcp_router.storage.sqlite import SqliteStore
from tests.storage.conftest import NOON, emptied, outcome
from tests.storage.servers import needs_server, only_files

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from pathlib import Path

    from mcp_router.storage.database import Connection, Database
    from mcp_router.types import Outcome

BEFORE = 10
"""The last version of the schema under which every judgement counted."""

Sums = dict[tuple[str, ...], tuple[float, ...]]


class Said(NamedTuple):
    """One row of a history: of which decision and model, by whom, how good, how many days ago."""

    number: int = 1
    model: str = "sonnet"
    source: str = "feedback"
    score: float = 1.0
    task: str = "debugging"
    days: int = 0

    @property
    def judges(self) -> bool:
        return self.source not in {"execution", "cache"}

    def outcome(self) -> Outcome:
        return outcome(
            self.number,
            model=self.model,
            source=self.source,
            score=self.score if self.judges else None,
            ok=self.score > 0.5,
            task_type=self.task,
            created_at=NOON - timedelta(days=self.days),
        )


UP, DOWN = Said(score=1.0), Said(score=0.0)

histories = st.lists(
    st.builds(
        Said,
        st.integers(0, 2),
        st.sampled_from(["sonnet", "haiku"]),
        st.sampled_from(["feedback", "judge", "scorer:tests", "execution", "cache"]),
        st.sampled_from([0.0, 0.25, 1.0]),
        st.sampled_from(["debugging", "chat"]),
        st.integers(0, 200),
    ),
    max_size=16,
)
few = settings(max_examples=20, deadline=None)


def that_count(said: Iterable[Said]) -> list[Said]:
    """Leave out what was said again later."""
    kept: dict[object, Said] = {}
    for place, one in enumerate(said):
        kept[(one.number, one.model, one.source) if one.judges else place] = one
    return list(kept.values())


def sums_of(said: Iterable[Said]) -> Sums:
    """Add up by hand what is kept of a history."""
    found: dict[tuple[str, ...], list[float]] = {}
    for one in that_count(said):
        much = weight(NOON - timedelta(days=one.days)) / weight(NOON)
        good = much * one.score if one.judges else much * (one.score > 0.5)
        cells: list[tuple[str, ...]] = []
        if one.judges:
            cells.append((one.model, one.task, "medium", one.source))
        if one.source != "cache":
            cells += [(one.model, one.task), (one.model, "")]
        for cell in cells:
            sums = found.setdefault(cell, [0.0, 0.0, 0])
            calls = one.source == "execution" or len(cell) > 2
            for place, more in enumerate((good, much - good, calls)):
                sums[place] += more
    return {cell: tuple(sums) for cell, sums in found.items()}


def sums(store: SqliteStore) -> Sums:
    """Read the same from the store, without what is zero."""
    found: Sums = {}
    for model, cells in store.grades(now=NOON).items():
        for one in cells:
            cell = (model, one.task_type, one.complexity.value, one.source)
            found[cell] = (one.good, one.bad, one.cases)
    for model, tasks in store.performance(now=NOON).items():
        for task, known in tasks.items():
            told = (known.successes, known.failures, known.calls)
            if max(told) > 1e-9:
                found[model, task] = told
    return found


def the_same(found: Sums, wanted: Sums) -> bool:
    near = {cell: pytest.approx(told, abs=1e-9) for cell, told in wanted.items()}
    return found == near


def fold(database: Database) -> None:
    """Sum up the latest rows, as each engine does of itself after some more of them."""
    if isinstance(database, PostgresDatabase):
        database.fold()
        return
    with database.transaction() as connection:
        connection.execute("UPDATE summary_state SET folds = folds + 1")


def unseen(_table: str, _rows: int) -> None:
    """Look away while a history is copied."""


def asked(database: Database, sql: str) -> list[tuple[object, ...]]:
    with database.reading() as connection:
        return list(connection.execute(sql).fetchall())


@few
@given(histories, st.sets(st.integers(0, 15), max_size=4))
def test_the_sums_are_those_of_the_judgements_that_count(
    lasting: Database, said: list[Said], folds: set[int]
) -> None:
    emptied(lasting)
    store = SqliteStore(lasting)
    for place, one in enumerate(said):
        store.record_outcome(one.outcome())
        # Read at every step, as whoever reads keeps what was summed up before.
        assert the_same(sums(store), sums_of(said[: place + 1]))
        if place in folds:
            fold(lasting)
    fold(lasting)
    assert the_same(sums(store), sums_of(said))
    assert the_same(sums(SqliteStore(lasting)), sums_of(said))
    assert asked(lasting, "SELECT count(*) FROM routing_outcomes") == [(len(said),)]


@few
@given(histories)
def test_reports_count_the_judgements_that_count_and_the_cost_of_all(
    lasting: Database, said: list[Said]
) -> None:
    emptied(lasting)
    store = SqliteStore(lasting)
    for one in said:
        store.record_outcome(one.outcome())
    to = int((NOON + timedelta(days=1)).timestamp() * 1000)
    with lasting.reading() as connection:
        rows = connection.execute(query("outcome_groups"), {"from_ms": 0, "to_ms": to}).fetchall()
    marks = [one for one in that_count(said) if one.judges]
    for task, _, model, calls, *_, paid, judged, score in rows:
        here = [one for one in said if (one.task, one.model) == (task, model)]
        assert calls == sum(one.source == "execution" for one in here)
        assert paid == 3_000_000 * (len(here) - calls)
        good = [one.score for one in marks if (one.task, one.model) == (task, model)]
        assert (judged, score) == (len(good), pytest.approx(sum(good)))
    assert sum(row[-2] for row in rows) == len(marks)


@pytest.mark.parametrize("folded", [0, 1, 2, 3])
def test_thumbs_up_corrected_to_thumbs_down_is_one_thumb_down(
    cleared: Database, folded: int
) -> None:
    store = SqliteStore(cleared)
    for place, one in enumerate((UP, UP, DOWN)):
        store.record_outcome(one.outcome())
        if place < folded:
            fold(cleared)
    (found,) = store.grades(now=NOON)["sonnet"]
    assert (found.cases, found.good, found.bad) == pytest.approx((1, 0, 1), abs=1e-9)


def test_others_who_judge_the_same_answer_keep_their_word(cleared: Database) -> None:
    store = SqliteStore(cleared)
    for one in (UP, Said(source="judge"), Said(model="haiku"), Said(number=2), DOWN):
        store.record_outcome(one.outcome())
    assert asked(cleared, "SELECT count(*) FROM routing_outcomes WHERE superseded = 0") == [(4,)]


def test_what_belongs_to_no_decision_replaces_nothing(cleared: Database) -> None:
    store = SqliteStore(cleared)
    for _ in range(3):
        store.record_outcome(UP.outcome().model_copy(update={"decision_id": ""}))
    (found,) = store.grades(now=NOON)["sonnet"]
    assert found.cases == 3


def test_many_who_judge_at_once_leave_one_word_each(place: Path | str) -> None:
    with SqliteStore.open(place) as store:

        def judge(worker: int) -> None:
            for number in range(20):
                said = Said(number % 2, score=worker / 8, source="feedback")
                store.record_outcome(said.outcome())

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(judge, range(4)))
        fold(store.database)
        (found,) = store.grades(now=NOON)["sonnet"]
        ((latest,),) = asked(
            store.database,
            "SELECT sum(score) FROM routing_outcomes WHERE seq IN "
            "(SELECT max(seq) FROM routing_outcomes GROUP BY decision_id)",
        )
        assert (found.cases, found.good) == pytest.approx((2, latest))


@needs_server
@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_a_judgement_that_was_numbered_first_and_comes_last_is_the_earlier_one(place: str) -> None:
    with SqliteStore.open(place) as store:
        store.record_outcome(DOWN.outcome())
        # As if it had been numbered after the next one, and had been committed before it.
        with store.database.transaction() as connection:
            connection.execute("UPDATE routing_outcomes SET seq = 100")
        store.record_outcome(UP.outcome())
        (found,) = store.grades(now=NOON)["sonnet"]
        assert (found.cases, found.good, found.bad) == (1, 0, 1)


@only_files
def test_an_archive_counts_what_counted_whatever_comes_first(place: Path, tmp_path: Path) -> None:
    later, earlier = tmp_path / "later.db", [Said(days=5, score=0.0), Said(days=50)]
    with SqliteStore.open(place) as store:
        for one in (*earlier, Said(number=2)):
            store.record_outcome(one.outcome())
        for days in (20, 1):
            archive(store.database, before=NOON - timedelta(days=days), to=later)
        assert the_same(sums(store), sums_of([*earlier, Said(number=2)]))
    with SqliteStore.open(later) as kept:
        fold(kept.database)
        assert the_same(sums(kept), sums_of(earlier))


def test_pruned_judgements_stay_in_the_sums(cleared: Database) -> None:
    store = SqliteStore(cleared)
    said = [Said(days=50), Said(days=50, score=0.0)]
    for one in said:
        store.record_outcome(one.outcome())
        fold(cleared)
    store.prune(before=NOON)
    assert asked(cleared, "SELECT count(*) FROM routing_outcomes") == [(0,)]
    assert the_same(sums(store), sums_of(said))


def test_a_copy_takes_along_what_is_still_to_be_taken_back(
    place: Path | str, tmp_path: Path
) -> None:
    said = [UP, Said(source="judge"), DOWN]
    with SqliteStore.open(place) as source, SqliteStore.open(tmp_path / "copy.db") as target:
        for one in said[:2]:
            source.record_outcome(one.outcome())
        fold(source.database)
        source.record_outcome(said[2].outcome())
        copy_history(source.database, target.database, advance=unseen)
        for store in (source, target):
            assert the_same(sums(store), sums_of(said))
            store.record_outcome(UP.outcome())
            fold(store.database)
            assert the_same(sums(store), sums_of([*said, UP]))


@contextmanager
def as_before(place: Path | str) -> Generator[Connection]:
    """Make a database of the release before."""
    if isinstance(place, str):
        with Wire.connect(place, autocommit=True) as wire:
            prepare(wire)
            steps = shared.postgres_migrations()[:BEFORE]
            shared.migrate(Session(wire), place=place, steps=steps)
            yield Session(wire)
        return
    with closing(sqlite3.connect(place, isolation_level=None)) as connection:
        migrate(connection, path=place, steps=known_migrations()[:BEFORE])
        yield connection


@pytest.mark.parametrize("folded", [True, False])
def test_older_judgements_are_taken_out_of_the_sums(place: Path | str, folded: bool) -> None:
    said = [UP, UP, Said(2), Said(source="execution"), Said(source="judge"), DOWN, Said(days=3)]
    with as_before(place) as connection:
        for one in said:
            connection.execute(query("record_outcome"), outcome_row(one.outcome()))
        if folded and isinstance(place, str):
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            connection.execute("SELECT fold_records()")
            connection.execute("COMMIT")
        elif folded:
            connection.execute("UPDATE summary_state SET folds = folds + 1")
    with SqliteStore.open(place) as store:
        assert the_same(sums(store), sums_of(said))
        store.record_outcome(DOWN.outcome())
        fold(store.database)
        assert the_same(sums(store), sums_of([*said, DOWN]))
