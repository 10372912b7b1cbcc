"""What an evaluation reads of the past: each judged choice once, with its mark, cost and chance."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.storage.judged import JudgedDecision, judged_decisions
from mcp_router.storage.sqlite import SqliteStore
from tests.storage.conftest import NOON, decision, emptied, outcome

if TYPE_CHECKING:
    from mcp_router.storage.database import Database


@pytest.fixture
def store(cleared: Database) -> SqliteStore:
    return SqliteStore(cleared)


def judge(store: SqliteStore, number: int, score: float | None, **changes: Any) -> None:
    fields = {"source": "feedback", "score": score, "usage": None, "cost_usd": None}
    store.record_outcome(outcome(number, **{**fields, **changes}))


def the_one(store: SqliteStore) -> JudgedDecision:
    (found,) = judged_decisions(store.database)
    return found


def test_a_judged_choice_comes_with_its_mark_its_costs_and_its_candidates(
    store: SqliteStore,
) -> None:
    store.record_decision(decision(1))
    for cost in ("0.003", "0.002"):
        store.record_outcome(outcome(1, cost_usd=cost))
    judge(store, 1, 0.75)
    found = the_one(store)
    assert (found.model, found.task_type, found.complexity) == ("sonnet", "debugging", "medium")
    assert (found.score, found.cost_nanos, found.propensity) == (0.75, 5_000_000, None)
    assert [one["model"] for one in json.loads(found.decision)["candidates"]] == ["sonnet"]


def test_a_choice_of_unknown_cost_says_so(store: SqliteStore) -> None:
    store.record_decision(decision(1))
    judge(store, 1, 1.0)
    assert the_one(store).cost_nanos is None


def test_what_nobody_judged_is_left_out(store: SqliteStore) -> None:
    store.record_decision(decision(1))
    store.record_outcome(outcome(1))
    store.record_outcome(outcome(1, source="cache"))
    judge(store, 2, 1.0)
    assert judged_decisions(store.database) == ()


def test_what_a_fallback_answered_says_nothing_of_the_choice(store: SqliteStore) -> None:
    store.record_decision(decision(1))
    judge(store, 1, 1.0, model="haiku")
    assert judged_decisions(store.database) == ()


def test_whoever_judges_again_takes_back_what_was_said_before(store: SqliteStore) -> None:
    store.record_decision(decision(1))
    for score in (0.0, 0.0, 0.0, 1.0):
        judge(store, 1, score)
    assert the_one(store).score == 1.0
    judge(store, 1, None, ok=False)
    assert the_one(store).score == 0.0


def test_several_who_judge_have_one_vote_each(store: SqliteStore) -> None:
    store.record_decision(decision(1))
    for source, scores in (("feedback", (0.0, 1.0)), ("judge", (0.5,)), ("scorer:a", (1.0, 0.0))):
        for score in scores:
            judge(store, 1, score, source=source)
    assert the_one(store).score == pytest.approx(0.5)


def test_the_latest_judgement_is_the_last_recorded_whatever_the_clocks_say(
    store: SqliteStore,
) -> None:
    store.record_decision(decision(1))
    judge(store, 1, 0.0, created_at=NOON + timedelta(hours=1))
    judge(store, 1, 1.0, created_at=NOON)
    assert the_one(store).score == 1.0


def test_the_chance_of_a_trial_is_that_of_the_model_that_was_tried(store: SqliteStore) -> None:
    fixed = {"usual": "opus", "chance": 0.7, "usual_cost_usd": "0.02", "usual_quality": 0.9}
    learnt = {"kind": "explored", "propensity": 0.25, "quality": 0.8, **fixed}
    one = decision(1, learnt=learnt)
    store.record_decision(one)
    assert store.trials.admit(one, allowance=Decimal(1), now=NOON)
    judge(store, 1, 1.0)
    assert the_one(store).propensity == 0.25


def test_the_latest_choices_come_first(store: SqliteStore) -> None:
    for number in range(4):
        store.record_decision(decision(number, task_type=f"t{number}"))
        judge(store, number, 1.0)
    assert [one.task_type for one in judged_decisions(store.database)] == ["t3", "t2", "t1", "t0"]


SOURCES = ("feedback", "judge", "scorer", "scorer:tests", "benchmark:b", "execution", "cache")


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(SOURCES), st.sampled_from([0.0, 0.25, 1.0])),
        max_size=20,
    )
)
def test_marks_are_what_counting_by_hand_gives(
    lasting: Database, marks: list[tuple[int, str, float]]
) -> None:
    emptied(lasting)
    store = SqliteStore(lasting)
    last: dict[int, dict[str, float]] = {}
    for number in range(3):
        store.record_decision(decision(number, task_type=f"t{number}"))
    for number, source, score in marks:
        judge(store, number, score, source=source)
        last.setdefault(number, {})[source] = score
    found = {one.task_type: one.score for one in judged_decisions(lasting)}
    assert found == {
        f"t{number}": pytest.approx(sum(by.values()) / len(by)) for number, by in last.items()
    }
