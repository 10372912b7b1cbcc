"""The compiled file: fresh, the same on every run, and equal to genai-prices to the nano-dollar."""

import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices import Usage as PricedUsage
from genai_prices import calc_price

from mcp_router.catalog.catalog import Catalog
from mcp_router.catalog.compile import SOURCE, compiled, main
from mcp_router.catalog.document import FILE, read
from mcp_router.catalog.pricing import cost_of
from mcp_router.errors import UnknownModelError
from mcp_router.types import ModelInfo, Usage

CATALOG = Catalog.load(on=date(2026, 11, 21))
SOURCES = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
PRICED = [model for model in CATALOG.models if model.prices and not model.local]

PROMPTS = (1, 99_999, 100_000, 100_001, 128_000, 128_001, 199_999)
PROMPTS += (200_000, 200_001, 271_999, 272_000, 272_001, 900_000)
MOMENTS = (
    datetime(2025, 6, 1, 12, tzinfo=UTC),
    datetime(2026, 3, 12, 23, 59, tzinfo=UTC),
    datetime(2026, 11, 21, 0, 59, tzinfo=UTC),
    datetime(2026, 11, 21, 1, 0, tzinfo=UTC),
    datetime(2026, 11, 21, 9, 59, tzinfo=UTC),
    datetime(2026, 11, 21, 16, 30, tzinfo=UTC),
    datetime(2026, 12, 1, 0, 0, tzinfo=UTC),
    datetime(2027, 1, 1, 0, 0, tzinfo=UTC),
)


def published(model: ModelInfo, usage: Usage, *, now: datetime) -> Decimal:
    """Ask genai-prices itself, by the id and provider of the row, in nano-dollars."""
    prompt = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    result = calc_price(
        PricedUsage(
            input_tokens=prompt,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            output_tokens=usage.output_tokens + usage.reasoning_tokens,
        ),
        SOURCES["models"][model.name].get("price_from", model.id),
        provider_id={"xai": "x-ai"}.get(model.provider, model.provider),
        genai_request_timestamp=now,
    )
    return result.total_price.scaleb(9)


def test_the_compiled_file_is_what_the_sources_say() -> None:
    assert main(["--check"]) == 0


def test_a_stale_file_fails_the_check_and_says_what_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = tmp_path / "catalog.json"
    stale.write_text(FILE.read_text(encoding="utf-8").replace("Claude", "Clod", 1))
    for file in (stale, tmp_path / "absent.json"):
        assert main(["--check", "--file", str(file)]) == 1
        assert "python -m mcp_router.catalog.compile" in capsys.readouterr().err
    assert main(["--file", str(stale)]) == 0
    assert stale.read_bytes() == FILE.read_bytes()
    assert main(["--check", "--file", str(stale)]) == 0


def test_what_is_read_back_is_what_was_written(tmp_path: Path) -> None:
    copy = tmp_path / "catalog.json"
    copy.write_text(compiled(), encoding="utf-8")
    assert read(copy) == read()
    assert read(copy).document.models == CATALOG.models


def test_the_file_holds_no_fraction_where_money_is() -> None:
    for model in CATALOG.models:
        for price in model.prices:
            for tier in price.tiers:
                amounts = tier.rates.model_dump().values()
                assert all(type(amount) is int for amount in amounts if amount is not None)


@pytest.mark.parametrize("model", PRICED, ids=lambda model: model.name)
def test_a_row_costs_what_genai_prices_says_it_costs(model: ModelInfo) -> None:
    for now in MOMENTS:
        for prompt in PROMPTS:
            cached = prompt // 3
            for usage in (
                Usage(input_tokens=prompt, output_tokens=1_234, reasoning_tokens=766),
                Usage(
                    input_tokens=prompt - 2 * cached,
                    cache_read_tokens=cached,
                    cache_write_tokens=cached,
                    output_tokens=2_000,
                ),
            ):
                ours = cost_of(model, usage, now=now)
                assert ours is not None
                # At most half a nano-dollar of rounding in each of the five buckets.
                assert abs(sum(ours) - published(model, usage, now=now)) <= Decimal("2.5")


@pytest.mark.parametrize("model", PRICED, ids=lambda model: model.name)
def test_a_window_that_is_not_stated_comes_from_genai_prices(model: ModelInfo) -> None:
    stated = SOURCES["models"][model.name].get("context")
    reference = SOURCES["models"][model.name].get("price_from", model.id)
    known = calc_price(
        PricedUsage(input_tokens=1),
        reference,
        provider_id={"xai": "x-ai"}.get(model.provider, model.provider),
    ).model.context_window
    assert model.context == (stated or known)


def source_with(tmp_path: Path, change: tuple[str, str]) -> Path:
    text = SOURCE.read_text(encoding="utf-8")
    assert change[0] in text
    source = tmp_path / "models.toml"
    source.write_text(text.replace(change[0], change[1], 1), encoding="utf-8")
    return source


def test_a_row_nobody_prices_must_say_so(tmp_path: Path) -> None:
    source = source_with(tmp_path, ('[models."gpt-4o"]', '[models."gpt-4o-typo"]'))
    with pytest.raises(LookupError, match="gpt-4o-typo: genai-prices has no openai/gpt-4o-typo"):
        compiled(source)
    source = source_with(tmp_path, ('price = "unknown"', 'price = "free"'))
    with pytest.raises(ValueError, match="'free'"):
        compiled(source)


def test_a_row_without_a_window_must_state_it(tmp_path: Path) -> None:
    source = source_with(tmp_path, ("context = 1048576\n", ""))
    with pytest.raises(LookupError, match="state `context`"):
        compiled(source)


@pytest.mark.parametrize(
    "change",
    [
        ('successor = "claude-opus-5-5"', 'successor = "claude-opus-9"'),
        ('mixed = ["sonnet"', 'mixed = ["sonett-x"'),
        ('reasoning = "opus"', 'reasoning = "opuz-x"'),
    ],
)
def test_a_name_that_leads_nowhere_does_not_compile(
    tmp_path: Path, change: tuple[str, str]
) -> None:
    with pytest.raises(UnknownModelError):
        compiled(source_with(tmp_path, change))
