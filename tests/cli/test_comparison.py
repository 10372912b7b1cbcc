"""`compare` prices one request on every model, exactly."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_router.catalog.catalog import Catalog
from mcp_router.catalog.pricing import cost_of
from mcp_router.money import to_usd
from mcp_router.types import Usage
from tests.cli.conftest import Invoke

COUNTS = st.integers(0, 10**7)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_costs_are_those_of_the_price_list_cheapest_first(
    invoke: Invoke, inputs: int, cached: int, written: int, reasoning: int, outputs: int
) -> None:
    usage = Usage(
        input_tokens=inputs,
        cache_read_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
        output_tokens=outputs,
    )
    options = ["--input", inputs, "--cached", cached, "--cache-write", written]
    options += ["--reasoning", reasoning, "--output", outputs]
    now = datetime.now(UTC)
    found = invoke("compare", *map(str, options), "--json").json
    catalog = Catalog.load(on=now.date())
    known = [row for row in found["models"] if row["cost_usd"] is not None]
    for row in known:
        cost = cost_of(catalog.resolve(row["model"]), usage, now=now)
        assert cost is not None
        assert Decimal(row["cost_usd"]) == to_usd(sum(cost))
        assert sum(map(Decimal, row["parts_usd"].values())) == to_usd(sum(cost))
    costs = [Decimal(row["cost_usd"]) for row in known]
    assert costs == sorted(costs)
    fits = [row["model"] for row in known if row["fits"]]
    assert found["cheapest_that_fits"] == (fits[0] if fits else None)
    for row in known:
        if row["fits"]:
            assert row["context"] >= sum(usage.model_dump().values())


def test_the_cheapest_that_fits_is_marked(invoke: Invoke) -> None:
    result = invoke("compare", "--input", "20k", "--output", "2k", "--context", "900k")
    best = invoke(
        "compare", "--input", "20k", "--output", "2k", "--context", "900k", "--json"
    ).json["cheapest_that_fits"]
    marked = [line for line in result.out.splitlines() if line.endswith("  cheapest")]
    assert [line.split()[0] for line in marked] == [best]
    assert "too small" in result.out


def test_unknown_prices_come_last_and_are_not_free(home: Path, invoke: Invoke) -> None:
    (home / "mcp-router.toml").write_text(
        '[models.mine]\nprovider = "openai"\ncontext = 800000\n', encoding="utf-8"
    )
    rows = invoke("compare", "--input", "1k", "--output", "1k", "--json").json["models"]
    assert rows[-1]["model"] == "mine"
    assert rows[-1]["cost_usd"] is None
    last = invoke("compare", "--input", "1k", "--output", "1k").out.splitlines()[-1]
    assert last.split()[:3] == ["mine", "openai", "unknown"]


def test_only_the_models_asked_for_are_compared(invoke: Invoke) -> None:
    line = [
        "compare",
        "--input",
        "1k",
        "--output",
        "1k",
        "--models",
        "opus,gpt",
        "--models",
        "opus",
    ]
    names = [row["model"] for row in invoke(*line, "--json").json["models"]]
    assert len(names) == 2


def test_models_may_be_named_by_themselves_and_a_middling_request_is_priced(
    invoke: Invoke,
) -> None:
    found = invoke("compare", "opus", "gpt,haiku", "--json").json
    assert len(found["models"]) == 3
    assert (found["usage"]["input_tokens"], found["usage"]["output_tokens"]) == (2_000, 500)
    assert "2,000 in, 500 out tokens" in invoke("compare").out
    assert invoke("compare", "nosuch").code == 1


def test_a_retired_model_is_compared_only_by_name_and_never_fits(invoke: Invoke) -> None:
    line = ["compare", "--input", "1k", "--output", "1k"]
    rows = invoke(*line, "--json").json["models"]
    assert not any(row["model"] == "claude-3-opus" for row in rows)
    found = invoke(*line, "--models", "claude-3-opus", "--json").json
    assert found["models"][0]["obstacle"] == "retired"
    assert found["cheapest_that_fits"] is None


def test_a_local_model_fits_once_its_server_is_set_up(home: Path, invoke: Invoke) -> None:
    line = ["compare", "--input", "1k", "--output", "1k", "--json"]
    assert "-local" not in invoke(*line).json["cheapest_that_fits"]
    (home / "mcp-router.toml").write_text("[providers.ollama]\n", encoding="utf-8")
    assert "-local" in invoke(*line).json["cheapest_that_fits"]


def test_nothing_that_fits_is_a_warning(invoke: Invoke) -> None:
    result = invoke("compare", "--input", "1k", "--output", "1k", "--context", "900M")
    assert result.code == 0
    assert result.err == "warning: None of these can take the request.\n"
