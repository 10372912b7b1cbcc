"""What the doctor says about settings, keys, models and prices."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mcp_router.catalog.catalog import Catalog
from mcp_router.config.apply import configured_catalog
from mcp_router.config.load import Loaded, load_settings
from mcp_router.config.settings import Settings
from mcp_router.doctor.finding import Finding
from mcp_router.doctor.settings import check_catalog, check_keys, check_settings

TODAY = date(2026, 11, 21)
LOCAL = """
[providers.local]
wire = "openai"
base_url = "http://127.0.0.1:11434/v1"
"""


def load(text: str, folder: Path) -> Loaded:
    file = folder / "mcp-router.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(config=file, environ={"HOME": str(folder)}, cwd=folder)


def catalog_of(settings: Settings, *, on: date = TODAY) -> Catalog:
    return configured_catalog(settings, base=Catalog.load(on=on), sources={})


def keys(text: str, folder: Path, **environ: str) -> Finding:
    settings = load(text, folder).settings
    return check_keys(catalog_of(settings), settings=settings, environ=environ)


def models(text: str, folder: Path, *, today: date = TODAY) -> list[Finding]:
    settings = load(text, folder).settings
    return [*check_catalog(catalog_of(settings, on=today), settings=settings, today=today)]


def test_settings_that_load_are_named(tmp_path: Path) -> None:
    loaded, (finding,) = check_settings(lambda: load('strategy = "balanced"', tmp_path))
    assert loaded is not None
    assert finding.status == "ok"
    assert str(tmp_path / "mcp-router.toml") in finding.text


def test_settings_that_do_not_load_say_where_and_what_is_allowed(tmp_path: Path) -> None:
    loaded, (finding,) = check_settings(lambda: load('strategy = "fastest"', tmp_path))
    assert loaded is None
    assert finding.status == "fail"
    assert "strategy" in finding.text
    assert finding.mend.startswith("Allowed: ")


def test_warnings_of_the_settings_are_passed_on(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "ROUTING_STRATEGIE": "balanced"}
    _, findings = check_settings(lambda: load_settings(environ=environ, cwd=tmp_path))
    assert [f.status for f in findings] == ["ok", "warn"]
    assert "ROUTING_STRATEGIE" in findings[1].text


def test_keys_are_told_by_the_name_of_their_provider_only(tmp_path: Path) -> None:
    finding = keys("", tmp_path, ANTHROPIC_API_KEY="sk-secret")
    assert finding.status == "ok"
    assert finding.text == "set for anthropic"
    assert "sk-secret" not in str(finding)


@pytest.mark.parametrize("value", ["", "  "])
def test_a_blank_key_is_no_key(value: str, tmp_path: Path) -> None:
    finding = keys("", tmp_path, ANTHROPIC_API_KEY=value)
    assert finding.status == "warn"
    assert "ANTHROPIC_API_KEY" in finding.mend


def test_a_local_server_needs_no_key(tmp_path: Path) -> None:
    assert keys(LOCAL, tmp_path).text == "set for local"


def test_a_provider_in_the_settings_without_its_key_is_named(tmp_path: Path) -> None:
    finding = keys(LOCAL + 'api_key_env = "LOCAL_KEY"\n', tmp_path, OPENAI_API_KEY="x")
    assert finding.status == "warn"
    assert "local (LOCAL_KEY)" in finding.text


def test_the_built_in_catalogue_is_young_and_priced(tmp_path: Path) -> None:
    assert [f.status for f in models("", tmp_path)] == ["ok", "ok"]


def test_a_catalogue_of_long_ago_asks_for_an_update(tmp_path: Path) -> None:
    first, *_ = models("", tmp_path, today=date(2027, 12, 1))
    assert first.status == "warn"
    assert "days ago" in first.text


def test_a_retired_default_is_named_with_its_successor(tmp_path: Path) -> None:
    gone = next(m for m in Catalog.load(on=TODAY).models if m.retires_on and m.retires_on <= TODAY)
    text = f'default_model = "{gone.name}"\n[chains]\nmine = ["{gone.name}"]\n'
    found = [f for f in models(text, tmp_path) if f.subject == "Models"]
    assert [f.text.split(":")[0] for f in found] == ["default_model", "chains.mine"]
    assert all(f"{gone.name} retired on" in f.text for f in found)
    assert gone.successor is None or gone.successor in found[0].mend


def test_a_model_without_a_price_is_named(tmp_path: Path) -> None:
    text = LOCAL + '[models."llama-x"]\nprovider = "local"\nid = "x"\ncontext = 8000\n'
    (price,) = [f for f in models(text, tmp_path) if f.subject == "Prices"]
    assert price.status == "warn"
    assert "llama-x" in price.text
