"""What was learnt is kept to the bit, changes a decision only while it may, and can be undone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.learning.pairs import LEAST, Pair, shifts
from mcp_router.learning.ridge import Ridge
from mcp_router.routing.sketch import BUCKETS, Sketch, packed
from mcp_router.storage.lessons import (
    LessonReader,
    count_judgements,
    judgements,
    keep_pairs,
    kept_pairs,
    refit,
    refit_when_due,
    set_active,
    undo_pairs,
)
from mcp_router.storage.reset import clear_records
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.storage.store import Context
from tests.storage.conftest import NOON, decision, emptied, outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcp_router.storage.database import Database

WORDS = Sketch(7, frozenset({1, 500, BUCKETS - 1}))


@pytest.fixture
def store(cleared: Database) -> SqliteStore:
    set_active(cleared, active=True)
    return SqliteStore(cleared)


def pair(one: str = "a", other: str = "b", *, weight: float = 0.5, helps: bool = True) -> Pair:
    ridge = Ridge({1: weight, 500: -weight, BUCKETS: 0.25}, 1.5)
    return Pair(one, other, ridge, cases=120, gain=0.02, noise=0.01, helps=helps)


def ask(store: SqliteStore, number: int, words: Sketch | None = WORDS, **changes: Any) -> None:
    features = b"" if words is None else packed(words)
    store.record_decision(decision(number, **changes), context=Context(features=features))


def judge(store: SqliteStore, number: int, score: float = 1.0, **changes: Any) -> None:
    fields = {"source": "feedback", "score": score, "usage": None, "cost_usd": None}
    store.record_outcome(outcome(number, **{**fields, **changes}))


def marks(store: SqliteStore) -> list[float]:
    return [one.score for one in judgements(store.database)]


def test_a_pair_that_helps_has_an_effect_until_it_is_undone(store: SqliteStore) -> None:
    keep_pairs(store.database, [pair(), pair("a", "c", helps=False)], now=NOON)
    assert [(one.one, one.other) for one in store.learnt.pairs] == [("a", "b")]
    assert store.learnt.effective
    undo_pairs(store.database, undone=True)
    assert store.learnt.pairs == ()
    assert not store.learnt.effective


def test_giving_back_what_was_undone_restores_what_was_there(store: SqliteStore) -> None:
    keep_pairs(store.database, [pair(), pair("a", "c", weight=0.125)], now=NOON)
    before = store.learnt.pairs
    undo_pairs(store.database, undone=True)
    undo_pairs(store.database, undone=False)
    assert store.learnt.pairs == before != ()


def test_what_is_learnt_anew_of_an_undone_pair_stays_undone(store: SqliteStore) -> None:
    keep_pairs(store.database, [pair()], now=NOON)
    undo_pairs(store.database, undone=True)
    keep_pairs(store.database, [pair(weight=0.75), pair("a", "c")], now=NOON)
    assert [(one.pair.other, one.undone) for one in kept_pairs(store.database)] == [
        ("b", True),
        ("c", False),
    ]
    assert kept_pairs(store.database)[0].pair.ridge.weights[1] == 0.75


def test_switching_learning_off_hides_everything_and_loses_nothing(store: SqliteStore) -> None:
    keep_pairs(store.database, [pair()], now=NOON)
    before = store.learnt.pairs
    set_active(store.database, active=False)
    off = store.learnt
    assert (off.active, off.pairs, dict(off.switches)) == (False, (), {})
    set_active(store.database, active=True)
    assert store.learnt.pairs == before


CHANGES: dict[str, Callable[[Database], None]] = {
    "off": lambda database: set_active(database, active=False),
    "on": lambda database: set_active(database, active=True),
    "keep": lambda database: keep_pairs(database, [pair()], now=NOON),
    "undo": lambda database: undo_pairs(database, undone=True),
    "reset": clear_records,
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_seen_by_whoever_read_before(store: SqliteStore, change: str) -> None:
    reader = LessonReader()
    keep_pairs(store.database, [pair(weight=0.25)], now=NOON)
    before = reader.read(store.database)
    CHANGES[change](store.database)
    after = reader.read(store.database)
    assert after.revision == before.revision + 1
    assert after == LessonReader().read(store.database)


def test_what_nobody_changed_is_not_read_again(store: SqliteStore) -> None:
    reader = LessonReader()
    keep_pairs(store.database, [pair()], now=NOON)
    assert reader.read(store.database) is reader.read(store.database)
    keep_pairs(store.database, [], now=NOON)
    assert reader.read(store.database) is reader.read(store.database)


weights = st.dictionaries(
    st.integers(0, BUCKETS), st.floats(-10, 10, width=32, allow_subnormal=False), max_size=8
)


@settings(max_examples=20, deadline=None)
@given(weights, st.floats(0, 12), st.frozensets(st.integers(0, BUCKETS - 1), max_size=5))
def test_a_kept_pair_moves_models_exactly_as_the_learnt_one(
    lasting: Database, given_weights: dict[int, float], length: float, words: frozenset[int]
) -> None:
    emptied(lasting)
    learnt = pair()._replace(ridge=Ridge(given_weights, length))
    keep_pairs(lasting, [learnt], now=NOON)
    (kept,) = kept_pairs(lasting)
    assert kept.pair == learnt
    assert shifts([kept.pair], words, words=9) == shifts([learnt], words, words=9)


@pytest.mark.parametrize("broken", [math.inf, -math.inf, math.nan])
def test_a_weight_that_is_no_number_is_left_out(store: SqliteStore, broken: float) -> None:
    spoilt = pair()._replace(ridge=Ridge({1: broken, 2: 0.5}, 1.0))
    keep_pairs(store.database, [spoilt], now=NOON)
    assert kept_pairs(store.database)[0].pair.ridge == Ridge({2: 0.5}, 1.0)


def test_judged_answers_come_with_their_words_oldest_first(store: SqliteStore) -> None:
    for number, score in ((1, 0.25), (2, 0.75)):
        ask(store, number)
        judge(store, number, score)
    found = judgements(store.database)
    assert [(one.task, one.buckets, one.words) for one in found] == [
        ("debugging", WORDS.buckets, WORDS.words)
    ] * 2
    assert [one.score for one in found] == [0.25, 0.75]


def test_of_several_judgements_of_one_answer_the_latest_counts(store: SqliteStore) -> None:
    ask(store, 1)
    ask(store, 2)
    for score in (0.0, 0.5, 1.0):
        judge(store, 1, score)
    judge(store, 2, 0.25)
    judge(store, 1, 0.125, source="judge")
    assert marks(store) == [0.25, 0.125]
    assert count_judgements(store.database) == 2


def test_answers_of_two_models_to_one_request_are_judged_apart(store: SqliteStore) -> None:
    ask(store, 1)
    judge(store, 1, 0.0)
    judge(store, 1, 1.0, model="haiku")
    assert {(one.model, one.score) for one in judgements(store.database)} == {
        ("sonnet", 0.0),
        ("haiku", 1.0),
    }
    assert count_judgements(store.database) == 2


@pytest.mark.parametrize("source", ["execution", "cache", "scorer"])
def test_what_judges_no_content_teaches_nothing_of_words(store: SqliteStore, source: str) -> None:
    ask(store, 1)
    judge(store, 1, source=source)
    assert (marks(store), count_judgements(store.database)) == ([], 0)


def test_a_verdict_without_a_score_is_a_whole_mark(store: SqliteStore) -> None:
    for number, ok in enumerate((True, False)):
        ask(store, number)
        judge(store, number, source="judge", score=None, ok=ok)
    assert marks(store) == [1.0, 0.0]


def test_answers_to_requests_without_words_are_left_out(store: SqliteStore) -> None:
    ask(store, 1, None)
    judge(store, 1)
    judge(store, 2)
    assert (marks(store), count_judgements(store.database)) == ([], 0)


def judged_world(store: SqliteStore, numbers: Sequence[int]) -> None:
    """Judge answers of two models, of which each is good at one word and bad at the other."""
    with store.together():
        for number in numbers:
            word, model = number % 2, ("sonnet", "haiku")[number // 2 % 2]
            ask(store, number, Sketch(4, frozenset({word + 1, 100 + number})), model=model)
            good = (word == 0) == (model == "sonnet")
            judge(store, number, float(good), model=model)


def test_learning_anew_keeps_what_the_judgements_teach(store: SqliteStore) -> None:
    judged_world(store, range(160))
    assert refit(store.database, now=NOON) == 1
    (kept,) = kept_pairs(store.database)
    assert (kept.pair.one, kept.pair.other, kept.pair.cases) == ("haiku", "sonnet", 160)
    assert kept.pair.helps
    moved = shifts([kept.pair], frozenset({1}), words=4)
    assert moved["sonnet"].by > 0.05 > -0.05 > moved["haiku"].by


def test_it_learns_by_itself_at_every_25th_judgement_once_there_are_enough(
    store: SqliteStore,
) -> None:
    judged_world(store, range(LEAST - 1))
    refit_when_due(store.database, now=NOON)
    assert kept_pairs(store.database) == ()
    judged_world(store, [LEAST - 1])
    refit_when_due(store.database, now=NOON)
    assert kept_pairs(store.database)[0].pair.cases == LEAST
    judged_world(store, range(LEAST, LEAST + 24))
    refit_when_due(store.database, now=NOON)
    assert kept_pairs(store.database)[0].pair.cases == LEAST
    judged_world(store, [LEAST + 24])
    refit_when_due(store.database, now=NOON)
    assert kept_pairs(store.database)[0].pair.cases == LEAST + 25


def test_one_answer_judged_a_hundred_times_is_not_enough_to_learn_from(store: SqliteStore) -> None:
    judged_world(store, range(4))
    with store.together():
        for _ in range(LEAST - 4):
            judge(store, 0)
    refit_when_due(store.database, now=NOON)
    assert count_judgements(store.database) == 4
    assert kept_pairs(store.database) == ()
