"""Who works on a task is a pure function of the ranking."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.belief.beta import prior
from mcp_router.catalog.evidence import Prior
from mcp_router.modes.lineup import CAPABLE, ladder, panel, strongest
from mcp_router.routing.posterior import Posterior
from mcp_router.routing.profile import Profile
from mcp_router.routing.rank import Ranked
from mcp_router.routing.score import PartScores
from mcp_router.types import Decision, Request
from tests.builders import model
from tests.cli.pages import DECISION

PARTS = PartScores(0.5, 0.5, 0.5, 0.5, 0.5)


def ranked(name: str, *, cost: int | None, quality: float, provider: str = "p") -> Ranked:
    info = model(name).model_copy(update={"provider": provider})
    believed = Posterior(prior(quality, weight=40), Prior(quality, 40, "test"))
    profile = Profile(info, 10, 10, 0, cost, 100, 200, 0.5, quality, 0.5, believed)
    return Ranked(profile, PARTS, quality)


def decision(name: str, *, provider: str = "p", chain: tuple[str, ...] = ()) -> Decision:
    return DECISION.model_copy(
        update={
            "model": name,
            "provider": provider,
            "fallbacks": chain[1:],
            "request": Request(messages=(), chain=chain),
        }
    )


fields = st.lists(
    st.builds(
        ranked,
        st.integers(0, 30).map(lambda at: f"m{at}"),
        cost=st.none() | st.integers(0, 1000),
        quality=st.floats(0.0, 1.0),
        provider=st.sampled_from(["p", "q", "r"]),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda one: one.profile.model.name,
)


@given(field=fields, steps=st.integers(1, 5))
@settings(max_examples=100)
def test_a_ladder_climbs_in_price_and_quality_and_misses_nobody(
    field: list[Ranked], steps: int
) -> None:
    first = field[0].profile.model
    names = ladder(decision(first.name), field, steps=steps)
    assert sorted(names) == sorted(one.profile.model.name for one in field)
    known = {one.profile.model.name: one.profile for one in field}
    rungs = [known[name] for name in names]
    climb = rungs[: min(steps, len(rungs))]
    rising = 1
    while rising < len(climb) and climb[rising].quality > climb[rising - 1].quality:
        rising += 1
    costs = [float("inf") if one.cost is None else one.cost for one in climb[:rising]]
    assert costs == sorted(costs)
    able = [one for one in known.values() if one.quality >= CAPABLE]
    if able:
        cheapest = min(float("inf") if one.cost is None else one.cost for one in able)
        assert climb[0].quality >= CAPABLE
        assert costs[0] == cheapest


@given(field=fields, size=st.integers(1, 6))
@settings(max_examples=100)
def test_a_panel_has_the_decided_model_first_and_as_many_providers_as_possible(
    field: list[Ranked], size: int
) -> None:
    first = field[0].profile.model
    names = panel(decision(first.name, provider=first.provider), field, size=size)
    assert names[0] == first.name
    assert len(names) == len(set(names)) == min(size, len(field))
    providers = {one.profile.model.name: one.profile.model.provider for one in field}
    used = {providers[name] for name in names}
    assert len(used) == min(size, len(set(providers.values())))


def test_a_chain_is_taken_as_given() -> None:
    chain = ("b", "a", "c")
    field = [ranked(name, cost=1, quality=0.9) for name in "abc"]
    assert ladder(decision("b", chain=chain), field, steps=2) == chain
    assert panel(decision("b", chain=chain), field, size=2) == ("b", "a")


def test_the_strongest_is_an_outsider_if_there_is_one() -> None:
    field = [ranked("a", cost=1, quality=0.9), ranked("b", cost=1, quality=0.5)]
    assert strongest(field) == "a"
    assert strongest(field, without=("a",)) == "b"
    assert strongest(field, without=("a", "b")) == "a"
    assert strongest([]) is None
