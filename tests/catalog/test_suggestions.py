"""Who mistypes a name is told the nearest ones, and their own names before the built-in ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.catalog.catalog import Catalog
from mcp_router.catalog.names import canonical, nearest
from mcp_router.config.apply import configured_catalog
from mcp_router.config.settings import Settings
from mcp_router.errors import ConfigError, UnknownModelError

BASE = Catalog.load(on=date(2026, 11, 21))
LOCAL: Mapping[str, object] = {"provider": "ollama", "context": 32_000}
OFFICE = ("gemini-office", "zz-coder", "llama-basement", "home-flash")


def with_models(*names: str, **tables: object) -> Catalog:
    models = dict.fromkeys(names, LOCAL)
    return configured_catalog(Settings.model_validate({"models": models, **tables}), base=BASE)


def suggested(catalog: Catalog, name: str) -> tuple[str, ...]:
    with pytest.raises(UnknownModelError) as caught:
        catalog.resolve(name)
    return caught.value.nearest


@pytest.mark.parametrize("part", ["gemini", "coder", "flash"])
def test_part_of_a_name_suggests_one_s_own_model_before_the_built_in_ones(part: str) -> None:
    own = next(name for name in OFFICE if part in name)
    built_in = suggested(BASE, part)
    # Three built-in names have this part, so there was no room for a fourth.
    assert own not in built_in
    assert suggested(with_models(*OFFICE), part)[0] == own


@pytest.mark.parametrize(
    ("typed", "own"),
    [("gemin", "gemini-office"), ("gemini-ofice-pro", "gemini-office"), ("zzcodr", "zz-coder")],
)
def test_one_s_own_model_that_resembles_a_typo_is_always_among_the_three(
    typed: str, own: str
) -> None:
    assert own in suggested(with_models(*OFFICE), typed)


def test_a_nearer_built_in_name_still_comes_first() -> None:
    found = suggested(with_models("gemini-office"), "gemini-prp")
    assert found[0] == "gemini-pro"
    assert "gemini-office" in found


def test_what_resembles_nothing_of_one_s_own_suggests_what_it_did_before() -> None:
    assert suggested(with_models("zz-coder"), "claude-opus-5.6") == suggested(
        BASE, "claude-opus-5.6"
    )


def test_other_names_of_one_s_own_model_and_one_s_own_aliases_are_suggested() -> None:
    models = {"basement": {**LOCAL, "aliases": ["rack-sonnet"]}}
    tables = {"models": models, "aliases": {"night-opus": "basement"}}
    catalog = configured_catalog(Settings.model_validate(tables), base=BASE)
    assert "rack-sonnet" in suggested(catalog, "rak-sonet")
    assert "night-opus" in suggested(catalog, "nigt-opus")


def test_a_model_whose_settings_were_changed_counts_as_one_s_own() -> None:
    tables = {"models": {"mistral-large": {"quality": 0.9}}}
    catalog = configured_catalog(Settings.model_validate(tables), base=BASE)
    changed = catalog.resolve("mistral-large").name
    assert changed in suggested(catalog, "mistrl-lage")


def test_a_catalogue_limited_to_some_models_still_knows_whose_they_are() -> None:
    few = with_models(*OFFICE).limited(["gemini-office", "opus"])
    assert suggested(few, "gemini")[0] == "gemini-office"


def test_one_s_own_chains_are_suggested_before_the_built_in_ones() -> None:
    catalog = with_models("zz-coder", chains={"house": ["zz-coder"], "mixture": ["opus"]})
    with pytest.raises(UnknownModelError) as nothing_like_it:
        catalog.chain("qqqq")
    assert nothing_like_it.value.chains is not None
    assert nothing_like_it.value.chains[:2] == ("house", "mixture")
    with pytest.raises(UnknownModelError) as close:
        catalog.chain("hous")
    assert close.value.hint.startswith("Did you mean the chain house or ")


@pytest.mark.parametrize(
    ("tables", "key", "own"),
    [
        ({"default_model": "lama-basment"}, "default_model", "llama-basement"),
        ({"chains": {"c": ["gemini-offic"]}}, "chains.c[0]", "gemini-office"),
        (
            {"models": {"gemini-offise": {"quality": 0.5}}},
            "models.gemini-offise.provider",
            OFFICE[0],
        ),
    ],
)
def test_a_typo_in_the_settings_is_told_the_model_of_the_settings(
    tables: dict[str, dict[str, object]], key: str, own: str
) -> None:
    models = {**dict.fromkeys(OFFICE, LOCAL), **tables.get("models", {})}
    with pytest.raises(ConfigError) as caught:
        configured_catalog(Settings.model_validate({**tables, "models": models}), base=BASE)
    assert caught.value.key == key
    assert own in caught.value.allowed


def test_a_provider_s_typo_is_told_the_provider_of_the_settings() -> None:
    mine = {"wire": "openai", "base_url": "http://localhost:1/v1"}
    tables = {"providers": {"basement": mine, "basemnt": {"api_key_env": "KEY"}}}
    with pytest.raises(ConfigError) as caught:
        configured_catalog(Settings.model_validate(tables), base=BASE)
    assert caught.value.key == "providers.basemnt.wire"
    assert "such as basement" in caught.value.allowed


NAMES = st.text(alphabet="abcdeg-. ", min_size=1, max_size=12).filter(lambda name: canonical(name))


@given(NAMES, st.lists(NAMES, max_size=6), st.lists(NAMES, max_size=3))
@settings(deadline=None)
def test_suggestions_are_three_different_names_that_exist(
    typed: str, known: list[str], given_: list[str]
) -> None:
    found = nearest(typed, known=known, given=given_)
    assert len({*found}) == 3
    assert {*found} <= {*known, *given_, "sonnet", "gpt", "gemini-pro"}


@given(NAMES, st.lists(NAMES, max_size=6, unique_by=canonical))
@settings(deadline=None)
def test_a_name_of_one_s_own_never_hides_the_nearest_name_of_all(
    typed: str, known: list[str]
) -> None:
    like: Callable[..., tuple[str, str, str]] = nearest
    before = like(typed, known=known)
    after = like(typed, known=known, given=["zzzzzz"])
    assert after == before
