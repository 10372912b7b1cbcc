from __future__ import annotations

from pathlib import Path

import pytest

from mcp_router.catalog.catalog import Catalog
from mcp_router.catalog.pricing import cost_of
from mcp_router.errors import InvalidRequestError
from mcp_router.evaluation.prices import catalogue_rates, read_prices
from mcp_router.money import to_usd
from mcp_router.types import Usage
from tests.builders import NOW

CATALOG = Catalog.load(on=NOW.date())


def test_prices_are_read_by_model(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text('{"mine": {"input": 0.5, "output": 2}}', encoding="utf-8")
    assert read_prices(file) == {"mine": (0.5, 2.0)}


@pytest.mark.parametrize("text", ["3", "{", '{"m": {"input": 1}}', '{"m": {"input": NaN}}'])
def test_what_is_no_price_is_refused_with_an_example(text: str, tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidRequestError, match="cannot be read as prices") as caught:
        read_prices(file)
    assert '"input"' in str(caught.value)


def test_the_catalogue_prices_what_it_knows_by_any_of_its_names() -> None:
    found = catalogue_rates(["haiku", "nobody-7b"], catalog=CATALOG, now=NOW)
    usage = Usage(input_tokens=1_000, output_tokens=1_000)
    cost = cost_of(CATALOG.resolve("haiku"), usage, now=NOW)
    assert cost is not None
    assert set(found) == {"haiku"}
    assert sum(found["haiku"]) == pytest.approx(1000 * float(to_usd(sum(cost))))
