"""The demo shows real decisions on sample prompts and touches nothing of the person's own."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mcp_router.cli.samples import SAMPLES
from mcp_router.cli.text import width
from mcp_router.router import Router
from tests.cli.conftest import Invoke
from tests.cli.process import start


def recommended(invoke: Invoke) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = invoke("demo", "--json").json["recommendations"]
    return rows


def test_every_prompt_gets_its_row_within_80_columns(invoke: Invoke) -> None:
    result = invoke("demo")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert max(map(width, lines)) <= 80
    for number, prompt in enumerate(SAMPLES, start=1):
        assert any(line.startswith(f"{number}. {prompt[:40]}") for line in lines)


def test_it_tells_models_costs_savings_reasons_and_that_nothing_ran(invoke: Invoke) -> None:
    out, found = invoke("demo").out, recommended(invoke)
    running = " ".join(out.split())
    for entry in found:
        decision = entry["decision"]
        assert f" {decision['model']} " in out
        assert decision["reason"].split(", about $")[0] in running
    costs = [Decimal(entry["decision"]["estimated"]["cost_usd"]) for entry in found]
    always = [Decimal(entry["decision"]["baseline"]["cost_usd"]) for entry in found]
    saved = 100 * (sum(always) - sum(costs)) / sum(always)
    assert f"({saved:.1f}%)" in running
    assert "no model was called" in out
    assert "mcp-router route" in out


def test_the_samples_are_of_many_kinds_and_difficulties(invoke: Invoke) -> None:
    decisions = [entry["decision"] for entry in recommended(invoke)]
    assert len({one["task_type"] for one in decisions}) >= 8
    assert len({one["complexity"] for one in decisions}) >= 3
    assert len({one["classification"]["language"] for one in decisions}) >= 4


def test_it_is_what_the_router_says_by_default(invoke: Invoke) -> None:
    shown = recommended(invoke)[0]
    with Router.open() as router:
        decision = router.route(shown["prompt"]).model_dump(mode="json")
    for name in ("model", "candidates", "estimated", "reason"):
        assert decision[name] == shown["decision"][name]


def test_it_leaves_settings_and_database_alone(home: Path, invoke: Invoke) -> None:
    (home / "mcp-router.toml").write_text("this is broken", encoding="utf-8")
    assert invoke("demo").code == 0
    assert [path.name for path in home.iterdir()] == ["mcp-router.toml"]


def test_one_prompt_falls_back_in_front_of_the_reader(invoke: Invoke) -> None:
    told = " ".join(invoke("demo").out.split("And when a model fails?")[1].split())
    shown = invoke("demo", "--json").json["fallback"]
    down, cut, whole = shown["execution"]["attempts"]
    assert [one["outcome"] for one in (down, cut, whole)] == ["overloaded", "cut", "ok"]
    assert len(shown["waits_ms"]) == 3
    assert f"Answer: {shown['execution']['content']}" in told
    for words in (
        "sim-offline HTTP status 503",
        'sim-flaky broke off after "The weather',
        "sim-steady answered whole",
        "$0 still reserved",
        "3 attempts, one answer",
        "simulated by a server on this machine",
        "nothing was spent",
    ):
        assert words in told


def test_what_failed_is_paid_for_as_well(invoke: Invoke) -> None:
    attempts = invoke("demo", "--json").json["fallback"]["execution"]["attempts"]
    paid = [Decimal(one["cost_usd"] or 0) for one in attempts]
    assert paid[0] == 0 < paid[1] < paid[2]


def test_the_real_thing_is_offered_where_there_is_a_key_and_never_done(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "set a key such as ANTHROPIC_API_KEY" in invoke("demo").out
    monkeypatch.setenv("MISTRAL_API_KEY", "test-key")
    assert "--providers mistral --max-cost" in " ".join(invoke("demo").out.split())
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:11434")
    assert "--providers ollama" in " ".join(invoke("demo").out.split())


def test_the_process_ends_without_complaint() -> None:
    done = start("demo")
    assert (done.returncode, done.stderr) == (0, b"")
