"""The settings change the catalogue, and only as far as they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.catalog.catalog import Catalog
from mcp_router.catalog.names import canonical, newest_of_lines
from mcp_router.catalog.pricing import cost_of
from mcp_router.config.apply import configured_catalog
from mcp_router.config.load import Loaded
from mcp_router.config.settings import Settings
from mcp_router.errors import ConfigError
from mcp_router.types import Capability, ModelInfo, Need, Strategy, Usage

NOW = datetime(2026, 11, 20, tzinfo=UTC)
BASE = Catalog.load(on=date(2026, 11, 20))
SONNET = BASE.resolve("sonnet")
LOCAL: Mapping[str, object] = {
    "provider": "ollama",
    "id": "llama3.3",
    "context": 128_000,
    "price": {"input": 0.0, "output": 0.0},
    "capabilities": {"coding": 7, "reasoning": 7},
    "quality": 0.70,
}


def applied(**tables: object) -> Catalog:
    return configured_catalog(Settings.model_validate(tables), base=BASE)


def own_row(**changes: object) -> ModelInfo:
    return applied(models={"mine": {**LOCAL, **changes}}).resolve("mine")


def refused(**tables: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        applied(**tables)
    return caught.value


def test_without_settings_the_catalogue_stays_the_same() -> None:
    assert applied() is BASE


def test_a_model_of_one_s_own_joins_the_catalogue() -> None:
    row = own_row()
    assert (row.name, row.id, row.provider, row.context) == ("mine", "llama3.3", "ollama", 128_000)
    assert row.quality.value == 0.70
    assert row.capabilities[Capability.CODING] == 7
    assert row.capabilities[Capability.CREATIVITY] == 5
    assert set(row.capabilities) == set(Capability)
    assert not row.local


def test_prices_become_nano_dollars_per_million_tokens() -> None:
    row = own_row(price={"input": 0.075, "output": "1.25", "cache_read": 0.0075})
    rates = row.prices[0].tiers[0].rates
    assert (rates.input, rates.output) == (75_000_000, 1_250_000_000)
    assert (rates.cache_read, rates.cache_write) == (7_500_000, None)
    cost = cost_of(row, Usage(input_tokens=1_000_000, output_tokens=2), now=NOW)
    assert cost is not None
    assert sum(cost) == 75_000_000 + 2_500


def test_an_absent_price_is_unknown_and_a_stated_zero_is_free() -> None:
    table = {key: value for key, value in LOCAL.items() if key != "price"}
    unpriced = applied(models={"mine": table}).resolve("mine")
    assert unpriced.prices == ()
    assert cost_of(unpriced, Usage(input_tokens=5), now=NOW) is None
    free = cost_of(own_row(), Usage(input_tokens=5), now=NOW)
    assert free is not None
    assert sum(free) == 0


def test_what_is_left_out_of_a_new_model_is_assumed_and_says_so() -> None:
    row = applied(models={"bare": {"provider": "openai", "context": 8_000}}).resolve("bare")
    assert (row.id, row.label, row.max_output) == ("bare", "bare", 2_000)
    assert row.features == {Need.TOOLS, Need.JSON, Need.CODE}
    assert row.quality.value == 0.5
    assert "assumed" in row.quality.basis
    assert "assumed" in row.latency.basis
    assert row.capabilities[Capability.VISION] == 1


@pytest.mark.parametrize(
    ("context", "limit"), [(1, 1), (8_000, 2_000), (128_000, 32_000), (10**6, 32_000)]
)
def test_an_answer_takes_a_quarter_of_the_window_at_most(context: int, limit: int) -> None:
    assert own_row(context=context).max_output == limit


def test_features_follow_ratings_and_window_unless_stated() -> None:
    assert Need.VISION in own_row(capabilities={"vision": 5}).features
    assert Need.VISION not in own_row(capabilities={"vision": 4}).features
    assert Need.LONG_CONTEXT in own_row(context=200_000).features
    assert Need.LONG_CONTEXT not in own_row(context=199_999).features
    stated = own_row(features=["vision", "tools"])
    assert stated.features == {Need.VISION, Need.TOOLS}
    assert stated.capabilities[Capability.VISION] == stated.capabilities[Capability.TOOLS] == 7
    assert own_row(features=[]).features == frozenset()


@pytest.mark.parametrize(
    ("field", "value", "capability", "rating"),
    [
        ("context", 7_999, Capability.CONTEXT, 2),
        ("context", 8_000, Capability.CONTEXT, 3),
        ("context", 200_000, Capability.CONTEXT, 8),
        ("context", 1_000_000, Capability.CONTEXT, 10),
        ("price", {"input": 0, "output": 0}, Capability.COST, 10),
        ("price", {"input": "0.3", "output": "0.3"}, Capability.COST, 9),
        ("price", {"input": "0.31", "output": "0.31"}, Capability.COST, 8),
        ("price", {"input": 3, "output": 15}, Capability.COST, 4),
        ("price", {"input": 25, "output": 25}, Capability.COST, 2),
        ("price", {"input": 30, "output": 60}, Capability.COST, 1),
        ("latency", {"first_token_ms": 1, "tokens_per_second": 29}, Capability.SPEED, 2),
        ("latency", {"first_token_ms": 1, "tokens_per_second": 60}, Capability.SPEED, 5),
        ("latency", {"first_token_ms": 1, "tokens_per_second": 900}, Capability.SPEED, 10),
    ],
)
def test_ratings_that_follow_figures_are_worked_out(
    field: str, value: object, capability: Capability, rating: int
) -> None:
    assert own_row(**{field: value}).capabilities[capability] == rating
    stated = own_row(**{field: value, "capabilities": {capability: 6}})
    assert stated.capabilities[capability] == 6


@pytest.mark.parametrize("model", BASE.models, ids=lambda model: model.name)
def test_worked_out_ratings_of_the_window_agree_with_the_built_in_ones(model: ModelInfo) -> None:
    assert (
        own_row(context=model.context).capabilities[Capability.CONTEXT]
        == (model.capabilities[Capability.CONTEXT])
    )


@pytest.mark.parametrize("name", [SONNET.name, "sonnet", SONNET.id, SONNET.label])
def test_a_partial_table_changes_the_model_its_name_means(name: str) -> None:
    catalog = applied(models={name: {"quality": 0.5, "aliases": ["mine"]}})
    row = catalog.resolve(SONNET.name)
    assert row.quality.value == 0.5
    assert catalog.resolve("mine") == row
    assert set(SONNET.aliases) <= set(row.aliases)
    kept = {"quality", "aliases"}
    assert row.model_dump(exclude=kept) == SONNET.model_dump(exclude=kept)
    assert len(catalog.models) == len(BASE.models)


def test_a_smaller_window_cuts_the_longest_answer() -> None:
    row = applied(models={"sonnet": {"context": 4_096}}).resolve("sonnet")
    assert (row.context, row.max_output) == (4_096, 4_096)
    assert row.capabilities[Capability.CONTEXT] == 2


def test_a_complete_table_under_a_name_that_leads_elsewhere_is_a_new_model() -> None:
    catalog = applied(models={"sonnet": LOCAL})
    assert catalog.resolve("sonnet").id == "llama3.3"
    assert catalog.resolve(SONNET.name) == SONNET


def test_a_disabled_model_is_known_and_not_chosen() -> None:
    catalog = applied(models={"sonnet": {"enabled": False}})
    assert SONNET.name not in {model.name for model in catalog.models}
    assert catalog.resolve(SONNET.name).name == SONNET.name


def test_a_provider_of_one_s_own_joins() -> None:
    catalog = applied(
        providers={"lab": {"wire": "openai", "base_url": "http://127.0.0.1:9/v1"}},
        models={"mine": {**LOCAL, "provider": "lab"}},
    )
    assert catalog.providers["lab"].base_url == "http://127.0.0.1:9/v1"
    assert catalog.providers["lab"].api_key_env is None
    assert catalog.resolve("mine").provider == "lab"


def test_a_built_in_provider_is_changed_in_part() -> None:
    before = BASE.providers["anthropic"]
    moved = applied(providers={"anthropic": {"base_url": "https://proxy.example"}})
    assert moved.providers["anthropic"] == before.model_copy(
        update={"base_url": "https://proxy.example"}
    )
    keyless = applied(providers={"anthropic": {"api_key_env": ""}})
    assert keyless.providers["anthropic"].api_key_env is None


def test_deployments_name_the_provider_where_the_model_does_not() -> None:
    table = {key: value for key, value in LOCAL.items() if key != "provider"}
    table["deployments"] = [{"provider": "groq", "weight": 2}, {"provider": "together"}]
    assert applied(models={"mine": table}).resolve("mine").provider == "groq"


def test_aliases_and_chains_lead_to_models_old_and_new() -> None:
    catalog = applied(
        models={"mine": LOCAL},
        aliases={"quick": "mine", "best": "opus", "top": "best"},
        chains={"own": ["quick", "top", "sonnet"]},
    )
    names = [model.name for model in catalog.chain("own")]
    assert names == ["mine", BASE.resolve("opus").name, SONNET.name]


def test_an_alias_may_take_over_a_built_in_name() -> None:
    assert applied(aliases={"sonnet": "haiku"}).resolve("sonnet") == BASE.resolve("haiku")


def test_the_version_follows_the_content() -> None:
    assert applied(models={"mine": LOCAL}).version == applied(models={"mine": LOCAL}).version
    assert applied(models={"mine": LOCAL}).version != BASE.version
    assert applied(aliases={"a": "opus"}).version != applied(aliases={"a": "haiku"}).version


@pytest.mark.parametrize(
    ("tables", "key"),
    [
        ({"default_model": "sonet"}, "default_model"),
        ({"baseline": "sonet"}, "baseline"),
        ({"aliases": {"a": "sonet"}}, "aliases.a"),
        ({"aliases": {"a": "b", "b": "a"}}, "aliases.a"),
        ({"chains": {"c": ["opus", "sonet"]}}, "chains.c[1]"),
        ({"tasks": {"t": {"primary": "sonet"}}}, "tasks.t.primary"),
        ({"tasks": {"t": {"fallbacks": ["sonet"]}}}, "tasks.t.fallbacks[0]"),
        ({"constraints": {"models": ["sonet"]}}, "constraints.models[0]"),
        ({"constraints": {"deny_models": ["sonet"]}}, "constraints.deny_models[0]"),
        (
            {"tasks": {"t": {"constraints": {"models": ["sonet"]}}}},
            "tasks.t.constraints.models[0]",
        ),
    ],
)
def test_an_unknown_model_is_refused_with_three_nearest_names(
    tables: dict[str, object], key: str
) -> None:
    error = refused(**tables)
    assert error.key == key
    assert error.problem.startswith("no model is called ")
    assert len(error.allowed.split(", ")) == 3


def test_the_nearest_name_is_the_one_meant() -> None:
    assert refused(default_model="sonet").allowed.startswith("a model such as sonnet, ")


@pytest.mark.parametrize(
    ("tables", "key"),
    [
        ({"models": {"m.1": {**LOCAL, "provider": "olama"}}}, 'models."m.1".provider'),
        (
            {"models": {"sonnet": {"deployments": [{"provider": "olama"}]}}},
            "models.sonnet.deployments[0].provider",
        ),
        ({"constraints": {"deny_providers": ["olama"]}}, "constraints.deny_providers[0]"),
        ({"constraints": {"providers": ["openai", "olama"]}}, "constraints.providers[1]"),
    ],
)
def test_an_unknown_provider_is_refused_with_the_nearest_names(
    tables: dict[str, object], key: str
) -> None:
    error = refused(**tables)
    assert (error.key, error.problem) == (key, "there is no provider 'olama'")
    assert error.allowed.startswith("a provider such as ollama, ")


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({}, "provider"),
        ({"context": 5}, "provider"),
        ({"provider": "openai"}, "context"),
    ],
)
def test_a_new_model_states_its_provider_and_its_window(
    table: Mapping[str, object], key: str
) -> None:
    error = refused(models={"zzz": table})
    assert error.key == f"models.zzz.{key}"
    assert error.problem == "this is required for a model of your own"


@pytest.mark.parametrize(
    ("table", "key"),
    [({}, "wire"), ({"base_url": "http://h"}, "wire"), ({"wire": "openai"}, "base_url")],
)
def test_a_new_provider_states_its_wire_and_its_address(
    table: Mapping[str, object], key: str
) -> None:
    error = refused(providers={"anthropc": table})
    assert error.key == f"providers.anthropc.{key}"
    assert "anthropic" in error.allowed


@pytest.mark.parametrize("other", [SONNET.name, SONNET.name.replace("-", "_")])
def test_two_tables_for_one_model_are_refused(other: str) -> None:
    error = refused(models={"sonnet": {"quality": 0.5}, other: {"quality": 0.6}})
    assert error.problem == "this is the same model as models.sonnet"


def test_errors_name_the_file_the_setting_stands_in(
    load: Callable[..., Loaded], project: Path
) -> None:
    (project / "mcp-router.toml").write_text('[chains]\nmine = ["opus", "sonet"]')
    loaded = load({"ROUTING_DEFAULT_MODEL": "opuss"})
    with pytest.raises(ConfigError) as caught:
        configured_catalog(loaded.settings, base=BASE, sources=loaded.sources)
    assert caught.value.place == "mcp-router.toml"
    (project / "mcp-router.toml").unlink()
    loaded = load({"ROUTING_DEFAULT_MODEL": "opuss"})
    with pytest.raises(ConfigError) as caught:
        configured_catalog(loaded.settings, base=BASE, sources=loaded.sources)
    assert caught.value.place == "ROUTING_DEFAULT_MODEL"


NAMES = st.sampled_from(["sonnet", "opus", "gpt-4o", "mine", "MINE", "openai/gpt-4o", "?", "local"])


@given(
    aliases=st.dictionaries(NAMES, NAMES, max_size=3),
    chains=st.dictionaries(NAMES, st.lists(NAMES, min_size=1, max_size=2), max_size=2),
    models=st.dictionaries(
        NAMES, st.sampled_from([{}, LOCAL, {"quality": 0.5}, {"enabled": False}]), max_size=3
    ),
)
def test_any_mix_of_names_gives_a_catalogue_or_is_refused(
    aliases: dict[str, str], chains: dict[str, list[str]], models: dict[str, object]
) -> None:
    try:
        catalog = applied(aliases=aliases, chains=chains, models=models)
    except ConfigError:
        return
    for alias in aliases:
        assert catalog.resolve(alias)
    for chain in chains:
        catalog.chain(chain)


ROW_NAMES = {canonical(row.name) for row in BASE.models}


@pytest.mark.parametrize("name", sorted(BASE.chains))
def test_a_name_of_one_s_own_beats_the_built_in_chain_of_it(name: str) -> None:
    own = applied(models={name: LOCAL})
    assert [row.name for row in own.chain(name)] == [name]
    second = applied(models={"mine": {**LOCAL, "aliases": [name.upper()]}})
    assert [row.name for row in second.chain(name)] == ["mine"]
    alias = applied(aliases={name: "opus"})
    assert alias.chain(name) == (BASE.resolve("opus"),)
    for catalog in (own, second, alias):
        assert name not in catalog.chains, "no list shows a chain that nobody can name"
        assert {*catalog.chains} == {*BASE.chains} - {name}


def test_a_chain_of_one_s_own_is_meant_where_a_chain_may_be_named() -> None:
    catalog = applied(models={"Fast": LOCAL}, aliases={"top": "opus"}, chains={"FAST": ["top"]})
    assert catalog.chain("fast") == (BASE.resolve("opus"),)
    assert catalog.resolve("fast").name == "Fast"
    assert list(catalog.chains) == [*(name for name in BASE.chains if name != "fast"), "FAST"]


@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name in {
            *BASE.aliases,
            *BASE.roles,
            *(alias for m in BASE.models for alias in m.aliases),
        }
        if canonical(name) not in ROW_NAMES
    ),
)
def test_a_name_of_one_s_own_beats_every_built_in_name_but_that_of_a_row(name: str) -> None:
    own = applied(models={name: LOCAL})
    assert own.resolve(name).name == name
    assert [row.name for row in own.chain(name)] == [name]
    assert name not in own.aliases
    second = applied(models={"mine": {**LOCAL, "aliases": [name]}})
    assert second.resolve(name).name == second.aliases[name] == "mine"


def test_with_its_provider_in_front_a_line_stays_what_it_was() -> None:
    for name, newest in newest_of_lines(BASE.models, on=BASE.on).items():
        if name in ROW_NAMES or newest.provider == LOCAL["provider"]:
            continue
        for own in ({name: LOCAL}, {"mine": {**LOCAL, "aliases": [name]}}):
            catalog = applied(models=own)
            assert catalog.resolve(f"{newest.provider}/{name}") == newest
            assert catalog.resolve(name).provider == LOCAL["provider"]


def test_a_further_name_does_not_take_the_name_of_a_row() -> None:
    catalog = applied(models={"mine": {**LOCAL, "aliases": [SONNET.name]}})
    assert catalog.resolve(SONNET.name) == SONNET


def test_changing_a_built_in_model_takes_no_name_from_another() -> None:
    for row in BASE.models:
        catalog = applied(models={row.name: {"quality": 0.5}})
        assert {**catalog.aliases} == {**BASE.aliases}
        assert catalog.chains == BASE.chains


@pytest.mark.parametrize("word", ["auto", "Auto:cheap", *Strategy, "Cost First"])
def test_words_that_ask_for_a_choice_name_nothing(word: str) -> None:
    for tables, key in (
        ({"models": {word: LOCAL}}, f"models.{word}"),
        ({"models": {"mine": {**LOCAL, "aliases": ["a", word]}}}, "models.mine.aliases[1]"),
        ({"aliases": {word: "opus"}}, f"aliases.{word}"),
        ({"chains": {word: ["opus"]}}, f"chains.{word}"),
    ):
        error = refused(**tables)
        assert error.key.replace('"', "") == key
        assert (
            error.problem
            == f"over HTTP {str(word)!r} asks the router to choose, so it names nothing"
        )
        assert error.allowed == "another name"
