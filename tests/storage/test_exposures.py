"""Exposures are logged before a call, completed once, and summed per arm."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.experiments.tally import Tally, added
from mcp_router.storage.database import Database
from mcp_router.storage.exposures import Exposures, Result
from tests.storage.conftest import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def exposures(place: Path | str) -> Iterator[Exposures]:
    with Database.open(place) as database:
        yield Exposures(database)


BAD = Result(answered=False, ok=False)


def good(cost: Decimal | None) -> Result:
    return Result(answered=True, ok=True, cost_usd=cost)


def meet(exposures: Exposures, number: int, arm: str, *, experiment: str = "e") -> str:
    decision = f"d{number}"
    exposures.expose(experiment, arm=arm, unit=f"u{number}", decision_id=decision, now=NOON)
    return decision


def test_an_experiment_is_kept_as_defined_and_its_name_taken_once(exposures: Exposures) -> None:
    assert exposures.define("e", details={"arms": ["a", "b"]}, now=NOON)
    assert not exposures.define("e", details={}, now=NOON)
    found = exposures.experiment("e")
    assert found is not None
    assert (found.state, found.details, found.stopped) == ("running", {"arms": ["a", "b"]}, {})
    assert exposures.experiment("other") is None


def test_an_experiment_ends_once_and_then_runs_no_more(exposures: Exposures) -> None:
    for name in ("one", "two"):
        exposures.define(name, details={}, now=NOON)
    assert exposures.running() == ("one", "two")
    exposures.end("one", decided=True, now=NOON)
    exposures.end("one", decided=False, now=NOON + timedelta(days=1))
    assert exposures.running() == ("two",)
    found = exposures.experiment("one")
    assert found is not None
    assert found.state == "decided"


def test_a_stopped_arm_keeps_its_first_reason(exposures: Exposures) -> None:
    exposures.define("e", details={}, now=NOON)
    exposures.stop_arm("e", arm="b", reason="it fails", now=NOON)
    exposures.stop_arm("e", arm="b", reason="it is dear", now=NOON)
    found = exposures.experiment("e")
    assert found is not None
    assert found.stopped == {"b": "it fails"}


def test_an_exposure_without_a_result_counts_nowhere(exposures: Exposures) -> None:
    first = meet(exposures, 1, "a")
    meet(exposures, 2, "a")
    exposures.finish("e", decision_id=first, result=good(Decimal("0.5")), now=NOON)
    assert exposures.tallies("e") == (Tally("a", 1, 0, 1, 0.5, 0.25, 1, 1.0, 1.0),)


def test_the_first_arm_and_the_first_result_of_a_decision_stay(exposures: Exposures) -> None:
    decision = meet(exposures, 1, "a")
    meet(exposures, 1, "b")
    exposures.finish("e", decision_id=decision, result=BAD, now=NOON)
    exposures.finish("e", decision_id=decision, result=good(Decimal(1)), now=NOON)
    assert exposures.tallies("e") == (Tally("a", 0, 1, 0, 0.0, 0.0, 1, 0.0, 0.0),)


def test_experiments_are_told_apart(exposures: Exposures) -> None:
    for experiment in ("e", "f"):
        decision = meet(exposures, 1, "a", experiment=experiment)
    exposures.finish("f", decision_id=decision, result=good(None), now=NOON)
    assert [tally.successes for tally in exposures.tallies("e")] == [0]
    assert [tally.successes for tally in exposures.tallies("f")] == [1]
    assert exposures.tallies("g") == ()


results = st.lists(
    st.tuples(st.sampled_from("ab"), st.booleans(), st.none() | st.integers(0, 10**9)), max_size=25
)


@settings(max_examples=25, deadline=None)
@given(results)
def test_sums_in_the_store_are_those_of_the_outcomes(
    tmp_path_factory: pytest.TempPathFactory, seen: list[tuple[str, bool, int | None]]
) -> None:
    with Database.open(tmp_path_factory.mktemp("log") / "a.db") as database:
        exposures = Exposures(database)
        expected: dict[str, Tally] = {}
        for number, (arm, ok, nanos) in enumerate(seen):
            decision = meet(exposures, number, arm)
            usd = None if nanos is None else Decimal(nanos) / 10**9
            exposures.finish(
                "e", decision_id=decision, result=Result(True, ok, cost_usd=usd), now=NOON
            )
            tally = expected.get(arm, Tally(arm))
            expected[arm] = added(
                tally, ok=ok, cost_usd=None if usd is None else float(usd), score=float(ok)
            )
        found = {tally.arm: tally for tally in exposures.tallies("e")}
        assert found.keys() == expected.keys()
        for arm, tally in expected.items():
            assert found[arm][1:4] == tally[1:4]
            assert found[arm][4:] == pytest.approx(tally[4:])
