"""`models` lists the catalogue, narrows it down and shows one row whole."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from mcp_router.catalog.catalog import Catalog
from mcp_router.catalog.names import is_retired
from tests.cli.conftest import Invoke

TODAY = datetime.now(UTC).date()
CATALOG = Catalog.load(on=TODAY)
CURRENT = [model for model in CATALOG.models if not is_retired(model, on=TODAY)]


def names(invoke: Invoke, *options: str) -> list[str]:
    rows = invoke("models", *options, "--json").json
    return [row["name"] for row in rows]


def test_every_current_model_is_listed_and_no_retired_one(invoke: Invoke) -> None:
    assert names(invoke) == [model.name for model in CURRENT]
    lines = invoke("models").out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == [model.name for model in CURRENT]


def test_retired_ones_are_listed_when_asked_for(invoke: Invoke) -> None:
    assert names(invoke, "--all") == [model.name for model in CATALOG.models]


def test_the_list_can_be_narrowed_down(invoke: Invoke) -> None:
    assert set(names(invoke, "--provider", "anthropic")) == {
        model.name for model in CURRENT if model.provider == "anthropic"
    }
    assert set(names(invoke, "--tier", "small")) == {m.name for m in CURRENT if m.tier == "small"}
    assert set(names(invoke, "--min-context", "1M")) == {
        model.name for model in CURRENT if model.context >= 1_000_000
    }
    assert set(names(invoke, "--requires", "vision,coding")) == {
        model.name
        for model in CURRENT
        if "vision" in model.features and model.capabilities["coding"] >= 7
    }
    cheap = invoke("models", "--max-input-price", "0.2", "--json").json
    assert cheap
    assert all(Decimal(row["price"]["input"]) <= Decimal("0.2") for row in cheap)


def test_a_text_that_is_no_name_filters(invoke: Invoke) -> None:
    found = names(invoke, "gemini")
    assert found
    assert all("gemini" in name for name in found)
    assert names(invoke, "anthropic", "--tier", "frontier")


def test_nothing_left_is_told(invoke: Invoke) -> None:
    assert invoke("models", "--min-context", "900M").out == "No model matches.\n"
    assert names(invoke, "--min-context", "900M") == []


@pytest.mark.parametrize("name", ["opus", "claude-3-opus", "anthropic/claude-haiku-4.5", "cheap"])
def test_a_name_shows_that_row_whole(name: str, invoke: Invoke) -> None:
    model = CATALOG.resolve(name)
    row = invoke("models", name, "--json").json
    assert row["name"] == model.name
    assert row["features"] == sorted(model.features)
    assert len(row["prices"]) == len(model.prices)
    out = invoke("models", name).out
    assert out.startswith(f"{model.label} ({model.name})\n")
    for told in (model.quality.basis, model.latency.basis, f"{model.context:,}"):
        assert told in " ".join(out.split())
    assert out.count("\n") > 20


def test_prices_by_tier_and_date_are_all_shown(invoke: Invoke) -> None:
    for model in (max(CURRENT, key=lambda m: len(m.prices[0].tiers) if m.prices else 0),):
        out = invoke("models", model.name).out
        for tier in model.prices[0].tiers:
            assert f" {tier.above:,} " in out


def test_an_unknown_name_gets_suggestions(invoke: Invoke) -> None:
    result = invoke("models", "sonett")
    assert (result.code, result.out) == (1, "")
    assert "hint: Did you mean" in result.err


def test_an_unknown_provider_is_told(invoke: Invoke) -> None:
    assert "no provider 'opnai'" in invoke("models", "--provider", "opnai").err


def test_a_model_of_your_own_is_listed_with_its_price_unknown(home: Path, invoke: Invoke) -> None:
    (home / "mcp-router.toml").write_text(
        '[models.mine]\nprovider = "ollama"\ncontext = 8000\n', encoding="utf-8"
    )
    row = next(line for line in invoke("models").out.splitlines() if line.startswith("mine "))
    assert row.split()[1:4] == ["ollama", "8k", "unknown"]
    assert invoke("models", "mine", "--json").json["price"] is None
    assert "Its price is unknown" in invoke("models", "mine").out


def test_a_disabled_model_is_hidden(home: Path, invoke: Invoke) -> None:
    hidden = CURRENT[0].name
    (home / "mcp-router.toml").write_text(
        f'[models."{hidden}"]\nenabled = false\n', encoding="utf-8"
    )
    assert hidden not in names(invoke)
    assert hidden in names(invoke, "--all")


def test_neither_list_nor_row_opens_the_database(home: Path, invoke: Invoke) -> None:
    invoke("models")
    invoke("models", "opus")
    invoke("compare", "--input", "1", "--output", "1")
    assert not (home / "router.db").exists()


def test_one_model_shows_what_is_believed_of_it_and_why(invoke: Invoke) -> None:
    page = invoke("models", "gpt-4o").out
    assert "Expected share of good answers" in page
    assert "code_generation: LiveCodeBench easy 0.85 on 528 cases (2025) and 4 more" in page
    cells = invoke("models", "gpt-4o", "--json").json["evidence"]
    assert len(cells) == 22 * 4
    assert all(0 < one["quality"] < 1 and one["basis"] for one in cells)
    assert {one["own_cases"] for one in cells} == {0}


def test_looking_at_a_model_creates_no_database(invoke: Invoke, home: Path) -> None:
    assert invoke("models", "gpt-4o").code == 0
    assert not (home / "router.db").exists()


def test_ones_own_judgements_show_in_what_is_believed(invoke: Invoke) -> None:
    asked = "Fix the login bug in auth.py: TypeError on line 3"
    decision, *more = [invoke("route", asked, "--json").json for _ in range(3)]
    for one in (decision, *more):
        for word in ("--good", "--bad"):
            invoke("feedback", one["decision_id"], word)

    def cell() -> dict[str, object]:
        cells = invoke("models", decision["model"], "--json").json["evidence"]
        kind = (decision["task_type"], decision["complexity"])
        return next(one for one in cells if (one["task_type"], one["complexity"]) == kind)

    assert cell()["own_cases"] == 3
    assert float(str(cell()["quality"])) < float(str(cell()["prior"]))
    assert " 3\n" in invoke("models", decision["model"]).out
    assert invoke("config", "--set", "learning.enabled", "false").code == 0
    assert cell()["own_cases"] == 0
