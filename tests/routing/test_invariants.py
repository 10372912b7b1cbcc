"""A decision is a function of what it is made from, and moves the way that each input does."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mcp_router.config.settings import Settings
from mcp_router.errors import NoCandidateError
from mcp_router.routing.decide import decide
from mcp_router.routing.rank import MAX_FALLBACKS, rank
from mcp_router.types import (
    Capability,
    Complexity,
    Constraints,
    Family,
    Grades,
    LatencyPrior,
    Learnt,
    ModelInfo,
    Performance,
    RoutingState,
    Strategy,
    Switch,
    Trying,
)
from tests.builders import PROVIDERS, ask, catalog, classified, model, price, quality, situation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.routing.situation import Situation
    from mcp_router.types import Classification, Decision, Request

EMPTY = catalog()
NAMES = tuple(f"m{n}" for n in range(6))
USD = st.sampled_from([0.0, 0.05, 0.3, 1.0, 3.0, 12.0])


@st.composite
def rows(draw: st.DrawFn) -> tuple[ModelInfo, ...]:
    """Draw two to six models that differ in all that a ranking looks at; two may be twins."""
    made = [
        model(
            name,
            provider=draw(st.sampled_from(PROVIDERS)),
            quality=quality(draw(st.sampled_from([0.4, 0.7, 0.8, 0.85, 0.9, 0.95]))),
            capabilities={one: draw(st.sampled_from([4, 7, 9])) for one in Capability},
            prices=draw(st.just(()) | USD.map(lambda usd: (price(usd, 4 * usd),))),
            family=draw(st.sampled_from(list(Family))),
            context=draw(st.sampled_from([4_000, 32_000, 200_000])),
            latency=LatencyPrior(
                first_token_ms=draw(st.sampled_from([100, 800, 4_000])),
                tokens_per_second=draw(st.sampled_from([20.0, 90.0, 900.0])),
                basis="test",
            ),
        )
        for name in NAMES[: draw(st.integers(2, 6))]
    ]
    if draw(st.booleans()):
        made[-1] = made[0].model_copy(update={"name": made[-1].name})
    return tuple(made)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Draw a request that may be a running conversation and may set limits."""
    limits = Constraints(
        max_cost_usd=draw(st.none() | st.sampled_from([Decimal("0.001"), Decimal("0.01")])),
        max_latency_ms=draw(st.none() | st.sampled_from([3_000, 20_000])),
        min_quality=draw(st.none() | st.sampled_from([0.5, 0.8])),
        prefers=draw(st.sampled_from([(), (Capability.SPEED,), (Capability.CODING,)])),
    )
    return ask(
        "Fix the login bug",
        strategy=draw(st.sampled_from(list(Strategy))),
        constraints=limits,
        context_tokens=draw(st.sampled_from([0, 3_000, 25_000])),
        current_model=draw(st.none() | st.sampled_from(NAMES)),
        cached_tokens=draw(st.sampled_from([0, 2_000])),
    )


KINDS = st.builds(
    lambda task, level: classified(task_type=task, complexity=level),
    st.sampled_from(["debugging", "creative", "my_own_task"]),
    st.sampled_from(list(Complexity)),
)


@st.composite
def states(draw: st.DrawFn) -> RoutingState:
    """Draw what was observed: calls, judgements and blocked models."""
    amounts = st.sampled_from([0.0, 3.0, 40.0])
    names = st.sampled_from(NAMES)
    return RoutingState(
        usable_providers=frozenset(draw(st.sets(st.sampled_from(PROVIDERS)))),
        blocked=dict.fromkeys(draw(st.sets(names, max_size=1)), "it is down"),
        performance={
            name: {"": Performance(successes=draw(amounts), failures=draw(amounts), calls=20)}
            for name in draw(st.sets(names, max_size=2))
        },
        grades={
            name: (
                Grades(
                    task_type=draw(st.sampled_from(["debugging", "chat"])),
                    complexity=Complexity.MEDIUM,
                    source="feedback",
                    cases=5,
                    good=draw(amounts),
                    bad=draw(amounts),
                ),
            )
            for name in draw(st.sets(names, max_size=2))
        },
    )


class World(NamedTuple):
    """All that a decision is made from."""

    rows: tuple[ModelInfo, ...]
    request: Request
    kind: Classification
    state: RoutingState

    def with_row(self, name: str, **changes: object) -> World:
        changed = (one.model_copy(update=changes) if one.name == name else one for one in self.rows)
        return self._replace(rows=tuple(changed))

    def limited(self, **changes: object) -> World:
        limits = self.request.constraints.model_copy(update=changes)
        return self._replace(request=self.request.model_copy(update={"constraints": limits}))

    def situation(self) -> Situation:
        rows = replace(EMPTY, models=self.rows)
        return situation(rows, request=self.request, kind=self.kind, state=self.state)


worlds = st.builds(World, rows(), requests(), KINDS, states())
quick = settings(max_examples=20, deadline=None)


def decided(world: World) -> Decision | None:
    try:
        return decide(world.situation(), decision_id="d")
    except NoCandidateError:
        return None


def winner(world: World) -> str:
    found = decided(world)
    return "" if found is None else found.model


def admitted(world: World) -> set[str]:
    return {one.profile.model.name for one in rank(world.rows, world.situation()).ranked}


@quick
@given(worlds, st.randoms(use_true_random=False))
def test_the_order_of_the_catalogue_changes_nothing(world: World, rng: object) -> None:
    shuffled = list(world.rows)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    there, back = decided(world), decided(world._replace(rows=tuple(shuffled)))
    if there is None or back is None:
        assert there is back
        return
    ordered = sorted(there.rejected, key=lambda one: one.model)
    assert sorted(back.rejected, key=lambda one: one.model) == ordered
    plain = {"rejected": (), "counterfactuals": ()}
    assert there.model_copy(update=plain) == back.model_copy(update=plain)
    assert set(there.counterfactuals) == set(back.counterfactuals)


@quick
@given(worlds, worlds)
def test_what_was_decided_before_leaves_no_trace(world: World, other: World) -> None:
    first = decided(world)
    decided(other)
    # The same names under other figures, which something kept by name would mix up.
    decided(other._replace(request=world.request, kind=world.kind, state=world.state))
    assert decided(world) == first


@quick
@given(worlds, st.sampled_from(NAMES), st.sampled_from([1.5, 10.0, 400.0]))
def test_a_dearer_price_never_makes_a_model_win(world: World, name: str, factor: float) -> None:
    row = next((one for one in world.rows if one.name == name and one.prices), None)
    assume(row is not None)
    assert row is not None
    rates = row.prices[0].tiers[0].rates
    usd = [factor * rates.input / 1e9 + 0.01, factor * (rates.output or 0) / 1e9 + 0.01]
    dearer = world.with_row(name, prices=(price(*usd),))
    assert winner(dearer) != name or winner(world) == name


@quick
@given(worlds, st.sampled_from(NAMES))
def test_a_slower_model_never_wins_by_it(world: World, name: str) -> None:
    update = {"strategy": Strategy.LATENCY_FIRST, "constraints": Constraints()}
    world = world._replace(request=world.request.model_copy(update=update))
    slow = LatencyPrior(first_token_ms=9_000, tokens_per_second=5.0, basis="test")
    assert winner(world.with_row(name, latency=slow)) != name or winner(world) == name


@quick
@given(worlds, st.sampled_from(NAMES), st.integers(1, 30))
def test_one_more_good_answer_never_costs_a_model_its_place(
    world: World, name: str, more: int
) -> None:
    known = world.state.grades.get(name, ())
    praised = Grades(
        task_type=world.kind.task_type,
        complexity=world.kind.complexity,
        source="judge",
        cases=more,
        good=float(more),
    )
    grades = {**world.state.grades, name: (*known, praised)}
    better = world._replace(state=world.state.model_copy(update={"grades": grades}))
    assert winner(world) != name or winner(better) == name


@quick
@given(worlds, st.data())
def test_a_loser_that_leaves_changes_nothing_for_the_winner(
    world: World, data: st.DataObject
) -> None:
    best = winner(world)
    current = world.request.current_model
    losers = [one for one in world.rows if one.name not in (best, current)]
    assume(best and losers)
    gone = data.draw(st.sampled_from(losers))
    assert winner(world._replace(rows=tuple(one for one in world.rows if one != gone))) == best


LIMITS = [
    ("min_quality", [0.0, 0.3, 0.6, 0.8, 0.9, 0.97]),
    ("max_cost_usd", [Decimal(one) for one in ("1", "0.1", "0.01", "0.001", "0.0001", "0")]),
    ("max_latency_ms", [90_000, 20_000, 6_000, 2_000, 300]),
    ("min_context", [0, 4_000, 4_001, 32_000, 200_000, 10**7]),
]


@pytest.mark.parametrize(("field", "ever_harder"), LIMITS, ids=[name for name, _ in LIMITS])
@settings(max_examples=8, deadline=None)
@given(world=worlds)
def test_a_harder_limit_never_admits_more(
    field: str, ever_harder: Sequence[object], world: World
) -> None:
    before = admitted(world.limited(**{field: None}))
    for limit in ever_harder:
        after = admitted(world.limited(**{field: limit}))
        assert after <= before
        before = after


@quick
@given(worlds)
def test_a_longer_prompt_never_makes_the_context_admit_more(world: World) -> None:
    before = set(NAMES)
    for tokens in (0, 2_500, 3_300, 26_000, 170_000, 10**6):
        longer = {"context_tokens": tokens, "constraints": Constraints()}
        request = world.request.model_copy(update=longer)
        free = world._replace(request=request, state=RoutingState())
        field = rank(world.rows, free.situation())
        out = {one.model for one in field.rejected if one.filter == "context"}
        after = {one.name for one in world.rows} - out
        assert after <= before
        before = after
    assert not before


@quick
@given(worlds)
def test_every_model_is_either_ranked_or_ruled_out_and_fallbacks_are_of_the_ranked(
    world: World,
) -> None:
    found = decided(world)
    assume(found is not None)
    assert found is not None
    ranked = [*(one.model for one in found.candidates), *found.others]
    assert sorted([*ranked, *(one.model for one in found.rejected)]) == sorted(
        one.name for one in world.rows
    )
    assert found.model == ranked[0]
    assert found.model not in found.fallbacks
    assert len(set(found.fallbacks)) == len(found.fallbacks) == min(MAX_FALLBACKS, len(ranked) - 1)
    assert set(found.fallbacks) <= set(ranked)


@quick
@given(worlds)
def test_estimates_are_of_the_model_that_was_chosen_and_lie_in_their_ranges(world: World) -> None:
    found = decided(world)
    assume(found is not None)
    assert found is not None
    told = found.estimated
    assert told.cost_usd == found.candidates[0].estimated_cost_usd
    assert (told.cost_low_usd or 0) <= (told.cost_usd or 0) <= (told.cost_high_usd or 0)
    assert told.latency_low_ms <= told.latency_ms <= told.latency_high_ms
    if found.baseline is not None and told.cost_usd is not None:
        assert found.baseline.cost_usd - found.baseline.saved_usd == told.cost_usd


LESS = dict.fromkeys(Capability, 5)
TRIED = catalog(
    model("strong", prices=(price(10.0, 40.0),)),
    model("cheap", prices=(price(1.0, 4.0),), capabilities=LESS),
    model("tiny", prices=(price(0.5, 2.0),), capabilities=LESS),
)
ABLEST = {"capability": 1, "cost": 0, "quality": 0, "latency": 0, "historical": 0}
SWITCHED = {"debugging": Switch(usual="strong", model="cheap", chance=0.8)}
PARTS = {"debugging": 0.05}


def draws(count: int, *, left: str, switches: dict[str, Switch]) -> list[Decision]:
    """Decide for as many different requests of one kind, under one state."""
    trying = Trying(share=0.3, left_usd=Decimal(left), seed="s")
    learnt = Learnt(trying=trying, switches=switches, parts=PARTS)
    state = RoutingState(usable_providers=frozenset(PROVIDERS), learnt=learnt)
    own = Settings.model_validate({"weights": ABLEST})
    shared = situation(TRIED, settings=own, state=state)
    asked = (ask(f"Fix bug {number}") for number in range(count))
    return [decide(shared._replace(request=one), decision_id="d") for one in asked]


@pytest.mark.parametrize("left", ["1", "0.000000001", "0"])
@pytest.mark.parametrize("switches", [{}, SWITCHED], ids=["usual", "switched"])
def test_a_choice_has_the_chance_that_is_told_of_it(left: str, switches: dict[str, Switch]) -> None:
    made = draws(400, left=left, switches=switches)
    told = {(one.model, one.learnt.kind, one.learnt.propensity) for one in made if one.learnt}
    assert len({(name, kind) for name, kind, _ in told}) == len(told), "one chance for each"
    assert ("explored" in {kind for _, kind, _ in told}) == (left == "1")
    counts = Counter(one.model for one in made)
    for name, _, chance in told:
        # Four standard deviations of a binomial share.
        assert abs(counts[name] / 400 - chance) <= 4 * (chance * (1 - chance) / 400) ** 0.5
    assert sum(chance for *_, chance in told) == pytest.approx(1.0)


def test_a_replay_without_its_texts_tries_nothing_and_keeps_to_the_switch() -> None:
    (first,) = draws(1, left="1", switches=SWITCHED)
    trying = Trying(share=1.0, left_usd=Decimal(1), seed="s")
    learnt = Learnt(trying=trying, switches=SWITCHED, parts=PARTS)
    state = RoutingState(usable_providers=frozenset(PROVIDERS), learnt=learnt)
    own = Settings.model_validate({"weights": ABLEST})
    again = situation(TRIED, request=first.request, settings=own, state=state)
    found = decide(again, decision_id="d")
    assert (found.model, found.learnt and found.learnt.kind) == ("cheap", "switched")


def test_figures_of_a_row_are_not_taken_for_those_of_another_of_its_name() -> None:
    ours = catalog(model("one", quality=quality(0.95)), model("two", quality=quality(0.4)))
    theirs = replace(
        ours, models=(model("two", quality=quality(0.95)), model("one", quality=quality(0.4)))
    )
    names = [decide(situation(each), decision_id="d").model for each in (ours, theirs, ours)]
    assert names == ["one", "two", "one"]
    # As where somebody tries what another row would change.
    here = situation(ours)
    tried = rank([model("one", quality=quality(0.4))], here).ranked[0]
    assert tried.profile.quality < rank(ours.models, here).ranked[0].profile.quality


def test_of_two_alike_the_name_decides_and_not_their_place() -> None:
    first, second = model("a"), model("b")
    for rows in ((first, second), (second, first)):
        found = decide(situation(replace(EMPTY, models=rows)), decision_id="d")
        assert (found.model, found.fallbacks) == ("a", ("b",))
