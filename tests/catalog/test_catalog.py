"""The catalogue by name: what resolves, what does not, and what a user may lay over it."""

import subprocess
import sys
from dataclasses import FrozenInstanceError
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mcp_router.catalog.catalog import Catalog
from mcp_router.catalog.names import is_retired
from mcp_router.errors import ConfigError, UnknownModelError
from mcp_router.types import Capability, ModelInfo, ProviderInfo

TODAY = date(2026, 11, 21)
CATALOG = Catalog.load(on=TODAY)
LOCAL = ProviderInfo(name="mine", wire="openai", base_url="http://127.0.0.1:9/v1")


def new_row(name: str = "llama-local", provider: str = "mine") -> ModelInfo:
    like = CATALOG.resolve("llama3.3-local")
    return like.model_copy(
        update={"name": name, "id": "llama", "provider": provider, "line": "", "aliases": ()}
    )


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("claude-opus-5-5", "claude-opus-5-5"),
        ("claude-haiku-4.5", "claude-haiku-4-5"),
        ("  CLAUDE-Haiku-4-5\n", "claude-haiku-4-5"),
        ("Claude Haiku 4.5", "claude-haiku-4-5"),
        ("haiku-4.5", "claude-haiku-4-5"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("claude-opus-5-5-20260924", "claude-opus-5-5"),
        ("claude-3-5-haiku-latest", "claude-3-5-haiku"),
        ("anthropic/claude-haiku-4.5", "claude-haiku-4-5"),
        ("anthropic:claude-opus-5-5", "claude-opus-5-5"),
        ("Opus 3", "claude-3-opus"),
        ("GPT-4 Turbo", "gpt-4-turbo"),
        ("gpt-4-1106-preview", "gpt-4-turbo"),
        ("gpt-4-0613", "gpt-4"),
        ("gpt-5-2025-08-07", "gpt-5"),
        ("gpt_5.4_mini", "gpt-5.4-mini"),
        ("gemini-2.5-pro-preview-06-05", "gemini-2.5-pro"),
        ("gemini-1.5-flash-002", "gemini-1.5-flash"),
        ("deepseek-reasoner", "deepseek-r1"),
        ("openai/gpt-oss-120b", "gpt-oss-120b"),
        ("groq/gpt-oss-120b", "gpt-oss-120b"),
        ("cerebras/gpt-oss-120b", "gpt-oss-120b-cerebras"),
        ("fireworks/kimi-k3.1-pro", "kimi-k3.1-pro-fireworks"),
        ("together/moonshotai/Kimi-K3.1-Pro", "kimi-k3.1-pro"),
        ("ollama/llama3.3", "llama3.3-local"),
        ("sonnet", "claude-sonnet-5-5"),
        ("gemini-pro", "gemini-4-argon"),
        ("google/gemini-pro", "gemini-4-argon"),
        ("gemini-flash-latest", "gemini-3.8-flash"),
        ("Codestral", "codestral-2508"),
        ("long_context", "gemini-4-argon"),
        ("long-context", "gemini-4-argon"),
    ],
)
def test_a_model_is_found_however_it_is_written(written: str, name: str) -> None:
    assert CATALOG.resolve(written).name == name


@pytest.mark.parametrize(
    "written",
    [
        *("Claude Opus 4.5", "Claude Opus 4.1", "Claude Sonnet 4.5", "Claude Sonnet 4"),
        *("Claude Haiku 4.5", "Claude Haiku 3.5", "Claude Opus 3", "Claude Sonnet 3.5"),
        *("Claude Haiku 3", "GPT-5", "GPT-4o", "GPT-4o-mini", "GPT-4 Turbo", "GPT-4"),
        *("GPT-3.5 Turbo", "Gemini 2.5 Pro", "Gemini 2.5 Flash", "Gemini 2.0 Pro"),
        *("Gemini 2.0 Flash", "Gemini 1.5 Pro", "Gemini 1.5 Flash", "Gemini Pro", "DeepSeek R1"),
        *("Llama 3.1 405B", "Llama 3.3 70B", "Mixtral 8x7B", "Mixtral 8x22B", "Codestral"),
        *("Claude Opus 4.6", "Claude Opus 4.7", "Claude Opus 4.8", "Claude Opus 5"),
        *("Claude Opus 5.5", "Claude Sonnet 4.6", "Claude Sonnet 5", "Claude Sonnet 5.5"),
        *("Claude Haiku 5.5", "Claude Fable 5", "Claude Fable 5.1", "Claude Fable 5.2"),
        *("GPT-5.2", "GPT-5.4", "GPT-5.4 mini", "GPT-5.4 nano", "GPT-5.5", "GPT-5.6 Sol"),
        *("GPT-5.6 Terra", "GPT-5.6 Luna", "GPT-6 Sol", "GPT-6 Luna", "GPT-6 Astra"),
        *("GPT-6.1 Sol", "GPT-6.1 Terra", "Gemini 3.1 Pro", "Gemini 3.1 Flash Lite"),
        *("Gemini 3.5 Flash", "Gemini 3.5 Flash-Lite", "Gemini 3.8 Flash", "Gemini 4 Argon"),
        *("DeepSeek V4 Flash", "DeepSeek V4 Pro", "deepseek-flash", "gpt-oss-120b"),
        *("gpt-oss-20b", "qwen3.8-27b"),
    ],
)
def test_the_models_of_2023_to_2026_are_all_here(written: str) -> None:
    model = CATALOG.resolve(written)
    if is_retired(model, on=TODAY):
        assert model.successor


@pytest.mark.parametrize("model", CATALOG.models, ids=lambda model: model.name)
def test_every_row_is_found_by_each_of_its_own_names(model: ModelInfo) -> None:
    for name in (model.name, *model.aliases, f"{model.provider}/{model.name}"):
        assert CATALOG.resolve(name) is model
        assert CATALOG.resolve(name.upper()) is model
    at_provider = CATALOG.resolve(f"{model.provider}/{model.id}")
    # "gemini-pro" was an id once and is a line today.
    assert at_provider is model or at_provider.line == model.id


def test_a_dated_name_of_a_model_that_is_not_listed_is_not_taken_for_the_newest() -> None:
    with pytest.raises(UnknownModelError):
        CATALOG.resolve("mistral-large-2411")
    assert CATALOG.resolve("mistral-large").name == "mistral-large-4"


def test_a_provider_that_does_not_serve_a_model_does_not_answer_for_it() -> None:
    for name in ("openai/claude-opus-5-5", "openrouter/claude-opus-5-5", "nowhere/gpt-5"):
        with pytest.raises(UnknownModelError):
            CATALOG.resolve(name)


def test_a_line_follows_the_newest_model_that_still_answers_on_the_day() -> None:
    def flash(on: date) -> str:
        return Catalog.load(on=on).resolve("gemini-flash").name

    assert flash(date(2026, 11, 21)) == "gemini-3.8-flash"
    newest = CATALOG.resolve("claude-opus-5-5")
    ending = newest.model_copy(update={"retires_on": TODAY + timedelta(days=1)})
    assert CATALOG.extended(models=[ending]).resolve("opus").name == "claude-opus-5-5"
    ended = newest.model_copy(update={"retires_on": TODAY})
    assert CATALOG.extended(models=[ended]).resolve("opus").name == "claude-opus-5"


def test_a_line_of_which_nothing_is_left_still_names_its_last_model() -> None:
    model = CATALOG.resolve("mixtral")
    assert model.name == "mixtral-8x22b"
    assert is_retired(model, on=TODAY)


def test_a_model_is_retired_from_the_very_day_on() -> None:
    model = CATALOG.resolve("claude-sonnet-4-5")
    assert not is_retired(model, on=date(2026, 11, 29))
    assert is_retired(model, on=date(2026, 11, 30))
    assert not is_retired(CATALOG.resolve("opus"), on=date.max)


def test_an_unknown_name_comes_with_the_three_nearest() -> None:
    with pytest.raises(UnknownModelError) as caught:
        CATALOG.resolve("claude-opus-5.6")
    assert caught.value.name == "claude-opus-5.6"
    assert caught.value.nearest[0] == "claude-opus-5-5"
    assert len(caught.value.nearest) == 3
    assert "claude-opus-5-5" in str(caught.value)


@pytest.mark.parametrize(
    "hostile", ["", " ", "/", ":", "-", "x" * 10_000, "a-" * 5_000, "\0\n\x1b"]
)
def test_garbage_is_answered_shortly_and_with_real_names(hostile: str) -> None:
    with pytest.raises(UnknownModelError) as caught:
        CATALOG.resolve(hostile)
    assert len(str(caught.value)) < 600
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len({CATALOG.resolve(name).name for name in caught.value.nearest}) == 3


@given(st.text(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_text_either_resolves_or_names_three_that_do(name: str) -> None:
    suggested: tuple[str, ...] = ()
    try:
        CATALOG.resolve(name)
    except UnknownModelError as error:
        suggested = error.nearest
    assert len(set(suggested)) in {0, 3}
    assert all(CATALOG.resolve(suggestion) in CATALOG.models for suggestion in suggested)


def test_every_alias_leads_where_resolving_it_leads() -> None:
    assert {"sonnet", "gpt-mini", "reasoning", "claude-opus-3"} <= set(CATALOG.aliases)
    for alias, name in CATALOG.aliases.items():
        assert CATALOG.resolve(alias).name == name
    assert not set(CATALOG.aliases) & {model.name for model in CATALOG.models}


@pytest.mark.parametrize(
    ("hurried", "name"),
    [
        ("gpt5", "gpt-5"),
        ("gpt4o", "gpt-4o"),
        ("GPT5.4", "gpt-5.4"),
        ("gpt 5.4mini", "gpt-5.4-mini"),
        ("sonnet4.5", "claude-sonnet-4-5"),
        ("claude sonnet 4.5", "claude-sonnet-4-5"),
        ("sonnet45", "claude-sonnet-4-5"),
        ("gemini25flash", "gemini-2.5-flash"),
        ("o3mini", "o3-mini"),
    ],
)
def test_separators_may_be_left_out(hurried: str, name: str) -> None:
    assert CATALOG.resolve(hurried).name == name


def test_a_name_that_could_mean_two_models_without_separators_means_none() -> None:
    rows = [new_row(name) for name in ("home-1-11", "home-11-1")]
    mine = CATALOG.extended(models=rows, providers={"mine": LOCAL})
    assert mine.resolve("home 1.11").name == "home-1-11"
    with pytest.raises(UnknownModelError):
        mine.resolve("home111")


def test_a_name_with_its_separators_is_meant_before_one_without() -> None:
    rows = [new_row(name) for name in ("home-1", "home1")]
    mine = CATALOG.extended(models=rows, providers={"mine": LOCAL})
    assert [mine.resolve(name).name for name in ("home1", "home-1")] == ["home1", "home-1"]


def test_a_chain_is_a_name_a_model_or_a_list_without_repeats() -> None:
    mixed = [model.name for model in CATALOG.chain("mixed")]
    assert mixed == ["claude-sonnet-5-5", "gpt-6.1-sol", "gemini-4-argon", "deepseek-flash"]
    assert CATALOG.chain(" MIXED ") == CATALOG.chain("mixed")
    assert CATALOG.chain("opus") == (CATALOG.resolve("opus"),)
    listed = CATALOG.chain(["sonnet", "gpt-4o", "claude-sonnet-5-5"])
    assert [model.name for model in listed] == ["claude-sonnet-5-5", "gpt-4o"]
    assert CATALOG.chain(()) == ()


def test_a_mistyped_chain_is_told_the_nearest_chains_and_models() -> None:
    with pytest.raises(UnknownModelError) as caught:
        CATALOG.chain("mixedd")
    error = caught.value
    assert error.message == "'mixedd' is neither a chain nor a model."
    assert error.chains is not None
    assert error.chains[0] == "mixed"
    assert all(CATALOG.resolve(name) for name in error.nearest)
    assert error.hint.startswith("Did you mean the chain mixed or the models ")


def test_a_chain_that_resembles_none_is_told_some_that_there_are() -> None:
    with pytest.raises(UnknownModelError) as caught:
        CATALOG.chain("zzz")
    assert len(caught.value.chains or ()) == 3


def test_an_entry_of_a_chain_is_a_model_and_no_chain() -> None:
    with pytest.raises(UnknownModelError, match="opsu"):
        CATALOG.chain(["sonnet", "opsu"])


def test_the_user_adds_a_provider_a_model_an_alias_and_a_chain() -> None:
    mine = CATALOG.extended(
        models=[new_row()],
        providers={"mine": LOCAL},
        aliases={"Home Model": "llama-local", "second": "home-model"},
        chains={"own": ["second", "sonnet"]},
    )
    assert mine.resolve("mine/llama").name == "llama-local"
    assert mine.resolve("home.model") is mine.resolve("second") is mine.resolve("llama-local")
    assert [model.name for model in mine.chain("own")] == ["llama-local", "claude-sonnet-5-5"]
    assert mine.models[:-1] == CATALOG.models
    assert "mine" not in CATALOG.providers
    with pytest.raises(UnknownModelError):
        CATALOG.resolve("llama-local")


def test_an_alias_of_the_user_beats_every_built_in_name() -> None:
    mine = CATALOG.extended(aliases={"sonnet": "gpt-5", "gpt-4o": "haiku", "fast": "gpt-oss"})
    assert mine.resolve("Sonnet").name == "gpt-5"
    assert mine.resolve("gpt-4o").name == "claude-haiku-5-5"
    assert mine.aliases["sonnet"] == "gpt-5"
    assert mine.chain("mixed")[0].name == "gpt-5"
    assert CATALOG.resolve("sonnet").name == "claude-sonnet-5-5"


def test_a_row_of_the_user_beats_a_line_or_role_of_its_name() -> None:
    mine = CATALOG.extended(models=[new_row("sonnet", "ollama"), new_row("fast", "ollama")])
    assert mine.resolve("sonnet").provider == mine.resolve("fast").provider == "ollama"
    assert mine.resolve("claude-sonnet-5-5").line == "sonnet"


def test_an_alias_that_names_itself_means_the_model_behind_it() -> None:
    mine = CATALOG.extended(aliases={"opus": "opus", "a": "b", "b": "a"} | {"b": "sonnet"})
    assert mine.resolve("opus").name == "claude-opus-5-5"
    assert mine.resolve("a").name == "claude-sonnet-5-5"


def test_an_alias_without_a_model_behind_it_is_refused() -> None:
    for aliases in ({"mine": "no-such-model"}, {"a": "b", "b": "a"}):
        with pytest.raises(UnknownModelError):
            CATALOG.extended(aliases=aliases)


def test_a_chain_or_a_disabled_model_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownModelError, match="nothing-like-it"):
        CATALOG.extended(chains={"own": ["sonnet", "nothing-like-it"]})
    with pytest.raises(UnknownModelError, match="nothing-like-it"):
        CATALOG.extended(disabled=["nothing-like-it"])


def test_a_row_of_an_unknown_provider_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError) as caught:
        CATALOG.extended(models=[new_row(provider="elsewhere")])
    assert caught.value.key == "models.llama-local.provider"
    assert "anthropic" in caught.value.allowed


def test_a_partial_row_changes_only_what_it_states() -> None:
    before = CATALOG.resolve("sonnet")
    change = {"name": before.name, "context": 500_000, "capabilities": {"coding": 7}}
    after = CATALOG.extended(models=[change]).resolve("sonnet")
    assert (after.context, after.capabilities[Capability.CODING]) == (500_000, 7)
    assert after.capabilities[Capability.REASONING] == before.capabilities[Capability.REASONING]
    assert (after.prices, after.quality, after.line) == (before.prices, before.quality, before.line)


def test_a_new_row_that_is_not_whole_or_not_sane_is_refused() -> None:
    for row in ({"name": "half"}, {"name": "gpt-5", "context": -1}, {"name": "gpt-5", "nope": 1}):
        with pytest.raises(ValidationError):
            CATALOG.extended(models=[row])


def test_a_replaced_row_keeps_its_place() -> None:
    row = CATALOG.models[3].model_copy(update={"label": "Changed"})
    mine = CATALOG.extended(models=[row])
    assert mine.models[3] is row
    assert len(mine.models) == len(CATALOG.models)


def test_a_disabled_model_is_never_chosen_and_still_explained() -> None:
    mine = CATALOG.extended(disabled=["sonnet", "gpt-6.1-sol"])
    chosen = {model.name for model in mine.models}
    assert not chosen & {"claude-sonnet-5-5", "gpt-6.1-sol"}
    assert mine.resolve("sonnet").name == "claude-sonnet-5"
    assert mine.resolve("claude-sonnet-5-5").name == "claude-sonnet-5-5"
    assert mine.chain(["claude-sonnet-5-5"]) == ()
    assert "gpt-6.1-sol" not in {model.name for model in mine.chain("mixed")}
    again = mine.extended(aliases={"x": "opus"})
    assert again.disabled == mine.disabled


def test_a_catalogue_limited_to_some_models_still_explains_the_others() -> None:
    limited = CATALOG.limited(["sonnet", "gpt"])
    assert {one.name for one in limited.models} == {
        CATALOG.resolve("sonnet").name,
        CATALOG.resolve("gpt").name,
    }
    assert limited.resolve("opus") == CATALOG.resolve("opus")
    with pytest.raises(UnknownModelError):
        CATALOG.limited(["unheard-of"])


def test_the_version_changes_with_the_content_and_with_nothing_else() -> None:
    assert Catalog.load(on=date(2020, 1, 1)).version == CATALOG.version
    changes = [
        CATALOG.extended(models=[new_row("a", "ollama")]),
        CATALOG.extended(models=[new_row("b", "ollama")]),
        CATALOG.extended(providers={"mine": LOCAL}),
        CATALOG.extended(aliases={"x": "opus"}),
        CATALOG.extended(chains={"x": ["opus"]}),
        CATALOG.extended(disabled=["opus"]),
        CATALOG,
    ]
    assert len({catalog.version for catalog in changes}) == len(changes)


def test_the_version_is_the_same_in_another_process() -> None:
    code = (
        "from datetime import date; from mcp_router.catalog.catalog import Catalog;"
        "c = Catalog.load(on=date(2026, 11, 21)); row = c.models[0];"
        "print(c.extended(models=[row], disabled=['opus'], aliases={'x': 'gpt'}).version)"
    )
    seeds = ("1", "2")
    run = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in seeds
    ]
    assert run[0] == run[1] != ""


def test_a_catalogue_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        CATALOG.version = "another"
    for mapping in (CATALOG.providers, CATALOG.chains, CATALOG.roles, CATALOG.aliases):
        assert not hasattr(mapping, "__setitem__")
