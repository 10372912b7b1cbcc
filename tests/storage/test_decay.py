"""What was observed fades by half in thirty days, evenly, whenever and however often it is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.belief.beta import mean
from mcp_router.routing.posterior import posterior
from mcp_router.storage.performance import HALF_LIFE
from mcp_router.storage.postgres.database import PostgresDatabase
from mcp_router.storage.reset import clear_records
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.types import Complexity
from tests.builders import model
from tests.storage.conftest import NOON, outcome

if TYPE_CHECKING:
    from mcp_router.storage.database import Database
    from mcp_router.types import Grades, Performance

LATER = (timedelta(), timedelta(hours=1), timedelta(days=11), HALF_LIFE, timedelta(days=400))


class Seen(NamedTuple):
    """One judgement: how many days ago, of what, by whom, and the mark."""

    days: int
    task: str
    source: str
    score: float


seen_ones = st.lists(
    st.builds(
        Seen,
        st.integers(0, 500),
        st.sampled_from(["debugging", "chat"]),
        st.sampled_from(["feedback", "judge", "scorer", "execution"]),
        st.sampled_from([0.0, 0.25, 1.0]),
    ),
    min_size=1,
    max_size=12,
)
few = settings(max_examples=12, deadline=None)


def record(database: Database, seen: list[Seen], *, fold_after: int = -1) -> SqliteStore:
    clear_records(database)
    store = SqliteStore(database)
    for number, one in enumerate(seen):
        store.record_outcome(
            outcome(
                number,
                created_at=NOON - timedelta(days=one.days),
                task_type=one.task,
                source=one.source,
                score=None if one.source == "execution" else one.score,
                ok=one.score > 0.5,
            )
        )
        if number == fold_after:
            # Read before and after, as whoever reads keeps what was summed up.
            store.grades(now=NOON)
            fold(database)
            store.grades(now=NOON)
    return store


def fold(database: Database) -> None:
    """Sum up the latest rows, as each engine does of itself after some more of them."""
    if isinstance(database, PostgresDatabase):
        database.fold()
        return
    with database.transaction() as connection:
        connection.execute("UPDATE summary_state SET folds = folds + 1")


def grades(store: SqliteStore, now: datetime) -> tuple[Grades, ...]:
    return store.grades(now=now).get("sonnet", ())


def performance(store: SqliteStore, now: datetime) -> dict[str, Performance]:
    return dict(store.performance(now=now)["sonnet"])


@few
@given(seen_ones)
def test_judgements_weigh_half_for_every_thirty_days(lasting: Database, seen: list[Seen]) -> None:
    wanted: dict[tuple[str, str], list[float]] = {}
    for one in seen:
        if one.source != "execution":
            sums = wanted.setdefault((one.task, one.source), [0, 0.0, 0.0])
            weight = 2.0 ** (-one.days / 30)
            sums[0] += 1
            sums[1] += weight * one.score
            sums[2] += weight * (1 - one.score)
    found = {
        (one.task_type, one.source): [one.cases, one.good, one.bad]
        for one in grades(record(lasting, seen), NOON)
    }
    assert found.keys() == wanted.keys()
    for place, sums in wanted.items():
        assert found[place] == pytest.approx(sums)


@few
@given(seen_ones, st.integers(0, 11))
def test_when_it_is_summed_up_does_not_matter(
    lasting: Database, seen: list[Seen], fold_after: int
) -> None:
    plain = record(lasting, seen)
    before = grades(plain, NOON), performance(plain, NOON)
    folded = record(lasting, seen, fold_after=fold_after)
    fold(lasting)
    after = grades(folded, NOON), performance(folded, NOON)
    for one, other in zip(before[0], after[0], strict=True):
        assert (one.task_type, one.source, one.cases) == (
            other.task_type,
            other.source,
            other.cases,
        )
        assert (one.good, one.bad) == pytest.approx((other.good, other.bad))
    assert before[1].keys() == after[1].keys()
    for task, known in before[1].items():
        assert after[1][task].successes == pytest.approx(known.successes)
        assert after[1][task].failures == pytest.approx(known.failures)
        assert after[1][task].calls == known.calls


@few
@given(seen_ones)
def test_time_takes_from_every_count_alike_and_gives_to_none(
    lasting: Database, seen: list[Seen]
) -> None:
    store = record(lasting, seen)
    for earlier, later in pairwise(NOON + step for step in LATER):
        share = 2.0 ** (-(later - earlier) / HALF_LIFE)
        for one, other in zip(grades(store, earlier), grades(store, later), strict=True):
            assert (other.good, other.bad) == pytest.approx((share * one.good, share * one.bad))
            assert other.cases == one.cases
        before, after = performance(store, earlier), performance(store, later)
        for task, known in before.items():
            assert after[task].successes == pytest.approx(share * known.successes)
            assert after[task].failures == pytest.approx(share * known.failures)
            assert after[task].calls == known.calls


@few
@given(seen_ones)
def test_a_belief_goes_back_to_its_prior_as_what_was_seen_fades(
    lasting: Database, seen: list[Seen]
) -> None:
    here = [one for one in seen if one.task == "debugging"]
    store = record(lasting, here)
    beliefs = [
        posterior(
            model("sonnet"),
            task="debugging",
            complexity=Complexity.MEDIUM,
            grades=grades(store, NOON + step),
        )
        for step in LATER
    ]
    apart = [mean(one.belief) - one.prior.mean for one in beliefs]
    assert all(0 < mean(one.belief) < 1 for one in beliefs)
    for earlier, later in pairwise(apart):
        assert abs(later) <= abs(earlier) + 1e-9
        assert later * earlier >= -1e-12
    assert {one.cases for one in beliefs} == {sum(one.source != "execution" for one in here)}


def test_a_judgement_from_the_future_weighs_more_and_breaks_nothing(cleared: Database) -> None:
    store = record(cleared, [Seen(-30, "debugging", "judge", 1.0)])
    (one,) = grades(store, NOON)
    assert one.good == pytest.approx(2.0)
    assert grades(store, datetime(1971, 1, 1, tzinfo=UTC))[0].good > one.good
