"""What must be true of every curated row, whoever edits models.toml next."""

import re
import tomllib
from datetime import date
from itertools import pairwise

import pytest

from mcp_router.catalog.catalog import Catalog
from mcp_router.catalog.compile import SOURCE
from mcp_router.catalog.names import canonical, is_retired
from mcp_router.catalog.pricing import TOKENS_PER_RATE
from mcp_router.types import Capability, Family, ModelInfo, Need

TODAY = date(2026, 11, 21)
CATALOG = Catalog.load(on=TODAY)
ROWS = CATALOG.models
each_row = pytest.mark.parametrize("model", ROWS, ids=lambda model: model.name)

UNPRICED = {"gemini-2.0-pro"}
TIER_BANDS = {
    "frontier": (0.88, 0.95),
    "strong": (0.81, 0.90),
    "standard": (0.60, 0.86),
    "small": (0.40, 0.72),
}
SPEED = ((800, 10), (250, 9), (150, 8), (110, 7), (80, 6), (60, 5), (45, 4), (30, 3), (0, 2))
CONTEXT = (
    *((1_000_000, 10), (400_000, 9), (200_000, 8), (120_000, 7), (64_000, 6)),
    *((32_000, 5), (16_000, 4), (8_000, 3), (0, 2)),
)


def grade(figure: float, steps: tuple[tuple[int, int], ...]) -> int:
    return next(rating for least, rating in steps if figure >= least)


def test_the_catalogue_is_broad_enough_to_choose_from() -> None:
    assert len(ROWS) >= 80
    assert {row.provider for row in ROWS} == {
        *("anthropic", "openai", "google", "deepseek", "together", "fireworks"),
        *("groq", "mistral", "xai", "cerebras", "ollama"),
    }
    assert sum(not is_retired(row, on=TODAY) for row in ROWS) >= 60


def test_every_provider_has_a_wire_and_an_address_without_a_trailing_slash() -> None:
    for provider in CATALOG.providers.values():
        assert provider.base_url.startswith(("https://", "http://127.0.0.1:"))
        assert not provider.base_url.endswith("/")
        is_local = provider.base_url.startswith("http://127.0.0.1")
        assert (provider.api_key_env is None) == is_local, provider.name
    assert {p.name for p in CATALOG.providers.values()} >= {
        *("openrouter", "ollama", "vllm", "llamacpp", "lmstudio"),
    }
    assert CATALOG.providers["anthropic"].api_version == "2023-06-01"


@each_row
def test_all_eight_capabilities_are_rated(model: ModelInfo) -> None:
    assert set(model.capabilities) == set(Capability)


@each_row
def test_ratings_that_follow_figures_follow_them(model: ModelInfo) -> None:
    assert model.capabilities[Capability.SPEED] == grade(model.latency.tokens_per_second, SPEED)
    assert model.capabilities[Capability.CONTEXT] == grade(model.context, CONTEXT)


def test_the_cost_rating_never_calls_a_dearer_model_cheaper() -> None:
    def dollars(row: ModelInfo) -> int:
        rates = row.prices[0].tiers[0].rates
        return 3 * rates.input + rates.output

    # Rows with one price only: a dated price is rated at the one in force in November 2026.
    rows = sorted((row for row in ROWS if len(row.prices) == 1), key=dollars)
    ratings = [row.capabilities[Capability.COST] for row in rows]
    assert ratings == sorted(ratings, reverse=True)
    assert {rating for row, rating in zip(rows, ratings, strict=True) if row.local} == {10}


@each_row
def test_features_agree_with_the_other_columns(model: ModelInfo) -> None:
    assert (Need.LONG_CONTEXT in model.features) == (model.context >= 200_000)
    assert (Need.VISION in model.features) == (model.capabilities[Capability.VISION] > 1)
    if model.thinking_factor:
        assert Need.THINKING in model.features
    assert model.max_output <= model.context


@each_row
def test_a_quality_names_its_basis_and_fits_its_tier(model: ModelInfo) -> None:
    least, most = TIER_BANDS[model.tier]
    assert least <= model.quality.value <= most
    basis = model.quality.basis
    assert basis == "lineage prior" or re.search(r"\d", basis), basis


def test_within_a_line_a_newer_model_is_never_rated_worse() -> None:
    lines: dict[str, list[ModelInfo]] = {}
    for row in ROWS:
        lines.setdefault(row.line, []).append(row)
    for line, rows in lines.items():
        rows.sort(key=lambda row: row.released or date.min)
        for older, newer in pairwise(rows):
            assert older.quality.value <= newer.quality.value, (line, older.name, newer.name)


@each_row
def test_every_row_belongs_to_a_line_and_knows_when_it_came_out(model: ModelInfo) -> None:
    assert model.line
    assert model.released is not None
    assert date(2023, 1, 1) <= model.released <= TODAY
    if model.retires_on is not None:
        assert model.retires_on > model.released


@each_row
def test_a_retired_model_leads_to_one_that_answers(model: ModelInfo) -> None:
    if is_retired(model, on=TODAY):
        assert model.successor is not None
        assert not is_retired(CATALOG.resolve(model.successor), on=TODAY)


@each_row
def test_the_price_is_known_but_for_the_few_that_never_had_one(model: ModelInfo) -> None:
    assert bool(model.prices) == (model.name not in UNPRICED)
    for price in model.prices:
        assert [tier.above for tier in price.tiers] == sorted({t.above for t in price.tiers})
        assert price.tiers[0].above == 0
        # A slip of a power of ten in a unit would leave this range: 0.02 to 100 USD per million.
        inputs = [tier.rates.input for tier in price.tiers]
        assert all(0.02e9 <= rate <= 100e9 for rate in inputs) or model.local


@each_row
def test_a_local_model_is_free_and_only_a_local_one(model: ModelInfo) -> None:
    free = all(
        tier.rates.input == tier.rates.output == 0 for price in model.prices for tier in price.tiers
    )
    assert (free and bool(model.prices)) == model.local
    assert model.local == (model.provider == "ollama")


@each_row
def test_claude_of_the_newer_tokenizer_refuses_sampling_parameters(model: ModelInfo) -> None:
    if model.provider != "anthropic":
        return
    refuses = {"temperature", "top_p", "top_k"} <= set(model.rejects)
    assert refuses == (model.family is Family.CLAUDE5)


@each_row
def test_reasoning_models_of_openai_refuse_a_temperature(model: ModelInfo) -> None:
    if model.provider == "openai":
        assert ("temperature" in model.rejects) == (Need.THINKING in model.features)


def test_lines_roles_and_row_names_do_not_claim_the_same_word() -> None:
    lines = {row.line for row in ROWS}
    own = [canonical(name) for row in ROWS for name in (row.name, *row.aliases)]
    assert len(own) == len(set(own))
    assert not lines & {canonical(role) for role in CATALOG.roles}
    # "deepseek-flash" and "o3" would be the only excuse: a line must not shadow another row.
    for line in lines & set(own):
        assert CATALOG.resolve(line).line == line


def test_rows_keep_the_order_of_the_source() -> None:
    source = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
    assert [row.name for row in ROWS] == list(source["models"])


def test_rates_are_nano_dollars_per_million_tokens() -> None:
    rates = CATALOG.resolve("claude-opus-5-5").prices[0].tiers[0].rates
    assert TOKENS_PER_RATE == 1_000_000
    assert (rates.input, rates.output) == (4_000_000_000, 20_000_000_000)
    assert (rates.cache_read, rates.cache_write) == (200_000_000, 5_000_000_000)


def test_what_follows_a_line_is_of_this_year() -> None:
    for name in ("opus", "sonnet", "haiku", "gpt", "gpt-mini", "gemini-pro", "gemini-flash"):
        model = CATALOG.resolve(name)
        assert model.released is not None
        assert model.released.year == 2026
        assert model.retires_on is None


def test_every_chain_falls_back_on_something_different() -> None:
    for name, entries in CATALOG.chains.items():
        models = CATALOG.chain(name)
        assert len(models) == len(entries) >= 3, name
        assert not any(is_retired(model, on=TODAY) for model in models)
    assert len({model.provider for model in CATALOG.chain("mixed")}) == 4
    for vendor in ("anthropic", "openai", "google"):
        models = CATALOG.chain(vendor)
        assert {model.provider for model in models} == {vendor}
        speeds = [model.capabilities[Capability.SPEED] for model in models]
        assert speeds == sorted(speeds)
    assert all(model.local for model in CATALOG.chain("local"))


def test_every_role_leads_to_a_model_fit_for_it() -> None:
    def rating(role: str, capability: Capability) -> int:
        return CATALOG.resolve(role).capabilities[capability]

    assert rating("reasoning", Capability.REASONING) == 10
    assert rating("coding", Capability.CODING) == 10
    assert rating("vision", Capability.VISION) >= 9
    assert rating("long_context", Capability.CONTEXT) == 10
    assert rating("fast", Capability.SPEED) >= 8
    assert rating("cheap", Capability.COST) >= 9
    assert CATALOG.resolve("local").local
