"""A request meets the arm of its unit, unless it says itself what the arm would change."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.config.experiments import ExperimentSettings
from mcp_router.experiments.treatment import Running, Treatment, treat
from mcp_router.types import Constraints, Request, Strategy
from tests.builders import ask

ARMS: dict[str, Any] = {"a": {}, "b": {"chain": ["haiku"]}}
names = st.text(st.characters(exclude_categories=()), min_size=1, max_size=8)


def running(name: str = "e", *, stopped: tuple[str, ...] = (), **plan: Any) -> Running:
    return Running(
        name, ExperimentSettings.model_validate({"arms": ARMS, **plan}), frozenset(stopped)
    )


def treated(
    request: Request, *experiments: Running, kind: str = "debugging", prompt: str = "hash"
) -> Treatment:
    return treat(request, task_type=kind, prompt=prompt, running=experiments)


def session(name: str) -> Request:
    return ask("Fix the login bug", tags={"session": name})


def arm(request: Request, experiment: Running, *, prompt: str = "hash") -> str | None:
    return treated(request, experiment, prompt=prompt).arms.get(experiment.name)


@given(names)
def test_a_session_stays_in_its_arm_whatever_it_asks(name: str) -> None:
    experiment = running()
    met = {arm(session(name), experiment, prompt=str(at)) for at in range(8)}
    assert len(met) == 1


def test_without_a_tag_the_prompt_is_the_unit_and_a_tag_may_be_named() -> None:
    experiment, plain = running(), ask("Fix the login bug")
    assert len({arm(plain, experiment, prompt=str(at)) for at in range(20)}) == 2
    team = running(unit="team")
    tagged = [ask("Fix it", tags={"team": "x", "session": str(at)}) for at in range(20)]
    assert len({arm(one, team, prompt=str(at)) for at, one in enumerate(tagged)}) == 1


@given(st.floats(0.05, 1.0), st.floats(0.1, 10.0))
def test_units_split_by_share_and_weights(share: float, weight: float) -> None:
    arms = {"a": {"weight": 1}, "b": {"weight": weight, "chain": ["haiku"]}}
    experiment = running(share=share, arms=arms)
    count = 600
    seen = Counter(arm(session(f"s{at}"), experiment) for at in range(count))
    wanted = share * weight / (1 + weight)
    # Five standard deviations of a binomial count.
    assert abs(seen["b"] - count * wanted) < 5 * (count * wanted * (1 - wanted)) ** 0.5 + 1
    assert share == 1 or abs(seen[None] - count * (1 - share)) < 5 * (count * share) ** 0.5 + 1


def test_experiments_and_seeds_split_independently() -> None:
    pairs = [
        (running("one"), running("two", arms={"a": {}, "b": {"strategy": "cost_first"}})),
        (running("one"), running("one", seed="again")),
    ]
    for one, other in pairs:
        both = Counter(
            (arm(session(f"s{at}"), one), arm(session(f"s{at}"), other)) for at in range(2_000)
        )
        assert all(abs(both[x, y] - 500) < 100 for x in "ab" for y in "ab")


def test_an_arm_changes_the_request_and_says_so() -> None:
    arms = {
        "b": {"chain": ["haiku"]},
        "c": {"chain": ["sonnet", "gpt"]},
        "d": {"models": ["opus"], "weights": {"cost": 1}},
    }
    experiment = running(arms=arms)
    found = {
        one.arms["e"]: one for at in range(40) if (one := treated(session(f"s{at}"), experiment))
    }
    assert found["b"].request.chain == "haiku"
    assert found["c"].request.chain == ("sonnet", "gpt")
    assert found["d"].request.constraints.models == ("opus",)
    assert found["d"].request.strategy is Strategy.BALANCED
    assert found["d"].weights is not None
    assert found["c"].reasons == ("Experiment e, arm c.",)


@pytest.mark.parametrize(
    ("said", "arms"),
    [
        ({"chain": "opus"}, ARMS),
        ({"constraints": Constraints(models=("opus",))}, ARMS),
        ({"strategy": "cost_first"}, {"a": {}, "b": {"strategy": "quality_first"}}),
        ({"strategy": "balanced"}, {"a": {}, "b": {"weights": {"cost": 1}}}),
    ],
)
def test_what_a_request_says_itself_no_arm_changes(said: dict[str, Any], arms: Any) -> None:
    for at in range(10):
        request = ask("Fix it", tags={"session": str(at)}, **said)
        assert treated(request, running(arms=arms)) == Treatment(request)


def test_other_tasks_take_no_part() -> None:
    experiment = running(tasks=("translation",))
    assert treated(session("s"), experiment).met == ()
    assert treated(session("s"), experiment, kind="translation").met != ()


def test_of_two_experiments_that_change_the_same_only_the_first_holds() -> None:
    first, second = running("first"), running("second")
    ranking = running("third", arms={"a": {}, "b": {"strategy": "cost_first"}})
    for at in range(20):
        assert set(treated(session(f"s{at}"), first, second, ranking).arms) == {"first", "third"}


def test_what_would_go_to_a_stopped_arm_goes_to_the_control_and_counts_for_neither() -> None:
    whole, cut = running(), running(stopped=("b",))
    moved = [f"s{at}" for at in range(30) if arm(session(f"s{at}"), whole) == "b"]
    assert moved
    for name in moved:
        found = treated(session(name), cut)
        assert (found.request, found.met) == (session(name), ())
        assert found.reasons == ("Experiment e: arm b was stopped, so as its control, a.",)
    stayed = [f"s{at}" for at in range(30) if f"s{at}" not in moved]
    assert {arm(session(name), cut) for name in stayed} == {"a"}
