"""A cheaper model is suggested on evidence only, and for the same kind of task."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.reporting.downgrades import LEAST_JUDGED, MOST_RISK, downgrades
from mcp_router.storage.analysis import OutcomeGroup
from tests.reporting.makers import group

CENT = 10_000_000


def judged(name: str, *, good: int, of: int, **changes: object) -> OutcomeGroup:
    return group(name, judged=of, successes=float(good), **changes)


def test_a_cheaper_model_that_does_as_well_is_suggested() -> None:
    dear = judged("dear", good=95, of=100, each=10 * CENT)
    cheap = judged("cheap", good=196, of=200, each=CENT)
    (found,) = downgrades([dear, cheap], days=30).suggestions
    assert (found.model, found.cheaper) == ("dear", "cheap")
    assert found.calls_per_month == 100
    assert found.saving_usd == Decimal(9)
    assert found.risk < 0.05
    assert found.quality.value == 0.95
    assert found.cheaper_quality.of == 200


def test_calls_of_unknown_cost_save_nothing() -> None:
    given_up = judged("dear", good=95, of=100, each=10 * CENT)._replace(calls=5_000)
    cheap = judged("cheap", good=196, of=200, each=CENT)
    (found,) = downgrades([given_up, cheap], days=30).suggestions
    assert (found.calls_per_month, found.saving_usd) == (100, Decimal(9))


def test_the_saving_is_for_thirty_days() -> None:
    groups = [
        judged("dear", good=95, of=100, each=10 * CENT),
        judged("cheap", good=196, of=200, each=CENT),
    ]
    (found,) = downgrades(groups, days=10).suggestions
    assert found.calls_per_month == 300
    assert found.saving_usd == Decimal(27)


def test_what_it_fails_at_is_paid_for_again() -> None:
    dear = judged("dear", good=98, of=98, each=10 * CENT)
    cheap = judged("cheap", good=94, of=98, each=CENT)
    found = downgrades([dear, cheap], days=30)
    # 99 of 100 against 95 of 100: four calls in a hundred are done again, at ten cents.
    saving = Decimal(9) - Decimal("0.4")
    both = [one.saving_usd for one in found.suggestions]
    assert both in ([], [saving])


def test_a_cheaper_model_that_does_worse_is_not() -> None:
    groups = [
        judged("dear", good=95, of=100, each=10 * CENT),
        judged("cheap", good=160, of=200, each=CENT),
    ]
    found = downgrades(groups, days=30)
    assert found.suggestions == ()
    assert found.thin == ()


def test_calls_that_only_came_back_say_nothing_of_quality() -> None:
    found = downgrades([group("dear", each=10 * CENT), group("cheap", each=CENT)], days=30)
    assert found.suggestions == ()
    (thin,) = found.thin
    assert thin.needed == 2 * LEAST_JUDGED
    assert thin.possible_saving_usd == Decimal(9)


@pytest.mark.parametrize("missing", [1, 7])
def test_thin_evidence_says_how_much_is_needed(missing: int) -> None:
    few = LEAST_JUDGED - missing
    groups = [
        judged("dear", good=90, of=90, each=10 * CENT),
        judged("cheap", good=few, of=few, each=CENT),
    ]
    found = downgrades(groups, days=30)
    assert found.suggestions == ()
    assert found.thin[0].needed == missing


def test_other_kinds_of_task_are_no_evidence() -> None:
    dear = judged("dear", good=95, of=100, each=10 * CENT)
    easy = judged("cheap", good=200, of=200, each=CENT, complexity="simple")
    found = downgrades([dear, easy], days=30)
    assert found.suggestions == ()
    assert found.thin == ()


def test_of_several_the_one_that_saves_most_is_named() -> None:
    groups = [
        judged("dear", good=95, of=100, each=10 * CENT),
        judged("middle", good=198, of=200, each=4 * CENT),
        judged("cheap", good=198, of=200, each=CENT),
    ]
    best = downgrades(groups, days=30).suggestions[0]
    assert (best.model, best.cheaper) == ("dear", "cheap")


def test_less_than_a_cent_a_month_is_not_worth_a_word() -> None:
    groups = [judged("a", good=50, of=50, each=100), judged("b", good=50, of=50, each=10)]
    assert downgrades(groups, days=30).suggestions == ()


models = st.lists(
    st.builds(
        lambda name, calls, each, of, bad: judged(
            name, good=of - min(of, bad), of=of, calls=calls, each=each
        ),
        st.sampled_from("abcdef"),
        st.integers(1, 500),
        st.integers(0, 10**9),
        st.integers(0, 300),
        st.integers(0, 30),
    ),
    max_size=6,
    unique_by=lambda one: one.model,
)


@given(models)
def test_every_suggestion_is_cheaper_judged_and_not_risky(drawn: list[OutcomeGroup]) -> None:
    price = {one.model: one.cost / one.priced for one in drawn}
    count = {one.model: one.judged for one in drawn}
    for one in downgrades(drawn, days=30).suggestions:
        assert price[one.cheaper] < price[one.model]
        assert min(count[one.cheaper], count[one.model]) >= LEAST_JUDGED
        assert one.risk <= MOST_RISK
        assert one.saving_usd > 0
