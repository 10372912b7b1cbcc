"""Constraints of several layers made one, and names resolved."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.config.settings import Settings, TaskSettings
from mcp_router.errors import InvalidRequestError, UnknownModelError
from mcp_router.routing.constraints import merged, resolved
from mcp_router.types import Constraints
from tests.builders import ask, catalog, classified, model, situation

ROWS = catalog(model("one"), model("two", provider="anthropic")).extended(aliases={"first": "one"})
SUMMED = ("requires", "prefers", "deny_models", "deny_providers")
LAYERS = st.fixed_dictionaries(
    {},
    optional={
        "max_cost_usd": st.sampled_from(["0.1", "2"]),
        "max_latency_ms": st.integers(1, 9),
        "min_quality": st.sampled_from([0.0, 0.5, 0.9]),
        "min_context": st.integers(1, 9),
        "requires": st.lists(st.sampled_from(["vision", "json", "coding"]), max_size=2),
        "prefers": st.lists(st.sampled_from(["creativity", "coding"]), max_size=2),
        "models": st.lists(st.sampled_from(["one", "two"]), max_size=2),
        "providers": st.lists(st.sampled_from(["openai", "google"]), max_size=2),
        "deny_models": st.lists(st.sampled_from(["one", "two"]), max_size=2),
        "deny_providers": st.lists(st.sampled_from(["openai", "google"]), max_size=2),
        "min_capabilities": st.just({"coding": 3}),
    },
).map(Constraints.model_validate)


def limits(**fields: Any) -> Constraints:
    return Constraints.model_validate(fields)


@given(st.lists(LAYERS, min_size=1, max_size=3))
def test_a_later_limit_replaces_and_what_is_denied_or_required_adds_up(
    layers: list[Constraints],
) -> None:
    together = merged(*layers)

    for name in Constraints.model_fields:
        said = [getattr(one, name) for one in layers if name in one.model_fields_set]
        found = getattr(together, name)
        if name in SUMMED:
            assert list(found) == list(dict.fromkeys(item for items in said for item in items))
        elif said:
            assert found == said[-1]
        else:
            assert found == getattr(Constraints(), name)


@given(LAYERS)
def test_a_layer_that_says_nothing_changes_nothing(layer: Constraints) -> None:
    alone = merged(layer)

    assert merged(Constraints(), layer) == merged(layer, Constraints()) == alone


def test_a_limit_set_to_nothing_lifts_an_earlier_one() -> None:
    assert merged(limits(min_quality=0.9), limits(min_quality=None)).min_quality is None


def test_aliases_stand_for_their_models_in_both_lists() -> None:
    found = resolved(limits(models=("first", "two"), deny_models=("first",)), catalog=ROWS)

    assert (found.models, found.deny_models) == (("one", "two"), ("one",))
    assert resolved(limits(deny_models=("first",)), catalog=ROWS).deny_models == ("one",)
    assert resolved(limits(models=("first",)), catalog=ROWS).models == ("one",)


@pytest.mark.parametrize("field", ["models", "deny_models"])
def test_a_model_that_is_none_is_told_with_what_is_near(field: str) -> None:
    with pytest.raises(UnknownModelError, match="two"):
        resolved(limits(**{field: ("twoo",)}), catalog=ROWS)


@pytest.mark.parametrize("field", ["providers", "deny_providers"])
def test_a_provider_that_is_none_is_told_with_those_there_are(field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        resolved(limits(**{field: ("openia" + "x" * 60,)}), catalog=ROWS)

    assert caught.value.field == field
    said = str(caught.value)
    assert "openiaxxx" in said
    assert "x" * 40 not in said
    assert "anthropic" in caught.value.hint


def test_known_names_pass_as_they_are() -> None:
    known = limits(models=("one",), providers=("openai",), deny_providers=("google",))

    assert resolved(known, catalog=ROWS) == known
    assert resolved(limits(), catalog=ROWS) == limits()


def layered(settings: Settings, **asked: Any) -> Constraints:
    request = ask("Fix it", constraints=limits(**asked))
    return situation(ROWS, request=request, settings=settings, kind=classified()).constraints


def test_settings_come_before_the_task_and_the_task_before_the_request() -> None:
    task = TaskSettings(constraints=limits(max_latency_ms=2, min_context=2), min_quality=0.2)
    settings = Settings(
        constraints=limits(max_latency_ms=1, min_context=1, min_quality=0.1, max_cost_usd="1"),
        tasks={"debugging": task, "creative": TaskSettings(min_quality=0.9)},
    )

    found = layered(settings, max_latency_ms=3)
    assert (found.max_latency_ms, found.min_context, found.min_quality) == (3, 2, 0.2)
    assert found.max_cost_usd == 1
    assert layered(settings, min_quality=0.3).min_quality == 0.3


def test_the_minimum_quality_of_a_task_goes_before_that_of_its_constraints() -> None:
    task = TaskSettings(constraints=limits(min_quality=0.5), min_quality=0.6)

    assert layered(Settings(tasks={"debugging": task})).min_quality == 0.6


def test_what_is_denied_anywhere_is_denied() -> None:
    task = TaskSettings(constraints=limits(deny_providers=("google",)))
    settings = Settings(constraints=limits(deny_providers=("openai",)), tasks={"debugging": task})

    assert layered(settings, deny_providers=("groq",)).deny_providers == (
        *("openai", "google", "groq"),
    )
