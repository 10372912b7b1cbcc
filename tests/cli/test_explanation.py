"""`explain` shows recorded decisions whole, lists them, and makes them again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mcp_router.catalog.catalog import Catalog
from mcp_router.cli.explanation import LISTED
from tests.builders import NOW
from tests.cli.conftest import Invoke


@pytest.fixture
def decision(invoke: Invoke) -> dict[str, Any]:
    answered: dict[str, Any] = invoke("route", "Fix the login bug", "--json").json
    return answered


def test_the_latest_decision_is_shown_without_an_id(
    decision: dict[str, Any], invoke: Invoke
) -> None:
    assert invoke("explain", "--json").json == decision
    assert invoke("explain", decision["decision_id"], "--json").json == decision


def test_every_candidate_rejection_and_reason_is_shown(
    decision: dict[str, Any], invoke: Invoke
) -> None:
    out = invoke("explain").out
    running = " ".join(out.split())
    for one in decision["candidates"]:
        assert f"\n{one['model']} " in out
    for name, score in decision["others"].items():
        assert f"{name} {score:.3f}" in running
    for one in decision["rejected"]:
        assert one["reason"] in running
        assert one["model"] in out
    for line in (*decision["reasons"], *decision["counterfactuals"]):
        assert line in running
    filters = [one["filter"] for one in decision["rejected"]]
    for name in set(filters):
        how = "as" if name == "retired" else "by"
        assert f"Ruled out {how} {name}: {filters.count(name)}\n" in out


def test_recorded_decisions_are_listed_latest_first(invoke: Invoke) -> None:
    ids = [invoke("route", f"Fix bug {n}", "--json").json["decision_id"] for n in range(3)]
    lines = invoke("explain", "--list").out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == ids[::-1]
    assert [one["decision_id"] for one in invoke("explain", "--list", "--json").json] == ids[::-1]
    assert len(lines) <= LISTED


def test_nothing_recorded_is_told(invoke: Invoke) -> None:
    assert invoke("explain", "--list").out == "No decision is recorded yet.\n"
    result = invoke("explain")
    assert (result.code, result.out) == (1, "")


def test_a_replay_sets_both_side_by_side(
    decision: dict[str, Any], home: Path, invoke: Invoke
) -> None:
    other = home / "other.toml"
    denied = f'deny_providers = ["{decision["provider"]}"]'
    other.write_text(f"[constraints]\n{denied}\n", encoding="utf-8")
    line = ("explain", decision["decision_id"], "--replay", "--config", str(other))
    both = invoke(*line, "--json").json
    assert both["recorded"] == decision
    assert both["replayed"]["provider"] != decision["provider"]
    out = invoke(*line).out
    chosen = both["replayed"]["model"]
    assert out.startswith(f"The choice becomes {chosen} under")
    row = next(line for line in out.splitlines() if line.startswith("Model "))
    assert row.split() == ["Model", decision["model"], chosen]


def test_a_replay_without_a_file_is_made_under_the_settings_now(
    decision: dict[str, Any], invoke: Invoke
) -> None:
    assert invoke("explain", "--replay").out.startswith("The choice stays the same")
    assert invoke("explain", "--list", "--json").json == [decision]


def test_a_replay_under_settings_that_fit_no_model_is_explained(
    decision: dict[str, Any], home: Path, invoke: Invoke
) -> None:
    every = json.dumps(list(Catalog.load(on=NOW.date()).providers))
    (home / "other.toml").write_text(f"[constraints]\ndeny_providers = {every}\n", encoding="utf-8")
    result = invoke("explain", decision["decision_id"], "--replay", "--config", "other.toml")
    assert (result.code, result.out) == (1, "")
    assert "No model fits" in result.err


def test_config_without_replay_is_the_settings_file(home: Path, invoke: Invoke) -> None:
    other = home / "other.toml"
    other.write_text(f'db = "{(home / "second.db").as_posix()}"\n', encoding="utf-8")
    invoke("route", "Fix the login bug")
    assert invoke("explain", "--config", str(home / "none.toml")).code == 1
    assert invoke("explain", "--list", "--config", str(other)).code == 0


def test_a_list_takes_no_id(invoke: Invoke) -> None:
    assert invoke("explain", "dec_1", "--list").code == 2
    assert invoke("explain", "--list", "--replay").code == 2
