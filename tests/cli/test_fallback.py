"""`fallback` shows each chain as a ladder, with what keeps a model from being called."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcp_router.execution.routes import fingerprint
from mcp_router.storage.breaker import Breaker, BreakerKey
from mcp_router.storage.periods import to_ms
from mcp_router.storage.sqlite import SqliteStore
from tests.cli.conftest import Invoke

KEY = "sk-test"
MINE = """\
[chains]
mine = ["opus", "haiku"]
[models.home-7b]
provider = "ollama"
context = 8000
price = { input = 0.0, output = 0.0 }
"""


@pytest.fixture(autouse=True)
def keys(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "mcp-router.toml").write_text(MINE, encoding="utf-8")
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


def trip(home: Path, provider: str, model: str, *, secret: str = KEY) -> None:
    now = to_ms(datetime.now(UTC))
    with SqliteStore.open(home / "router.db") as store:
        breaker = Breaker(store.database)
        key = BreakerKey(provider, model, fingerprint(secret))
        for _ in range(3):
            breaker.failure(breaker.override(key, now=now), now=now)


def test_every_chain_is_a_ladder(invoke: Invoke) -> None:
    chains = {one["name"]: one for one in invoke("fallback", "--json").json["chains"]}
    assert {"mine", "fast", "mixed"} <= set(chains)
    titles = [line for line in invoke("fallback").out.splitlines() if line in chains]
    assert titles == list(chains)


def test_a_chain_of_the_settings_has_prices_and_keys(invoke: Invoke) -> None:
    (mine,) = invoke("fallback", "--chain", "mine", "--json").json["chains"]
    assert [one["provider"] for one in mine["models"]] == ["anthropic", "anthropic"]
    for one in mine["models"]:
        assert (one["key"], one["breaker"], one["ready"]) == ("set", "closed", True)
        assert float(one["price"]["output"]) > float(one["price"]["input"]) > 0


def test_models_in_order_are_a_ladder_as_well(invoke: Invoke) -> None:
    (ladder,) = invoke("fallback", "--chain", "home-7b,gpt,opus", "--json").json["chains"]
    keys = [(one["key"], one["ready"]) for one in ladder["models"]]
    assert keys == [("none needed", True), ("no OPENAI_API_KEY", False), ("set", True)]


def test_an_open_breaker_is_shown_with_the_time_left(home: Path, invoke: Invoke) -> None:
    (mine,) = invoke("fallback", "--chain", "mine", "--json").json["chains"]
    first = mine["models"][0]["model"]
    trip(home, "anthropic", first)
    # One of another key says nothing about ours.
    trip(home, "anthropic", mine["models"][1]["model"], secret="sk-other")
    line = next(x for x in invoke("fallback", "--chain", "mine").out.splitlines() if first in x)
    assert "open, " in line
    assert line.endswith(" s left")
    (mine,) = invoke("fallback", "--chain", "mine", "--json").json["chains"]
    assert [one["breaker"] for one in mine["models"]] == ["open", "closed"]
    assert [one["ready"] for one in mine["models"]] == [False, True]
    assert mine["models"][0]["blocked_until"] > datetime.now(UTC).isoformat()


def test_a_reset_closes_the_breakers(home: Path, invoke: Invoke) -> None:
    (mine,) = invoke("fallback", "--chain", "mine", "--json").json["chains"]
    trip(home, "anthropic", mine["models"][0]["model"])
    assert invoke("reset", "cache", "--json").json["breakers"] == 1
    (mine,) = invoke("fallback", "--chain", "mine", "--json").json["chains"]
    assert {one["breaker"] for one in mine["models"]} == {"closed"}


def test_fallback_that_is_off_is_told(home: Path, invoke: Invoke) -> None:
    (home / "mcp-router.toml").write_text("[fallback]\nenabled = false\n", encoding="utf-8")
    assert "Fallback is off" in invoke("fallback", "--chain", "fast").out


def test_an_unknown_chain_is_told_with_the_nearest(invoke: Invoke) -> None:
    result = invoke("fallback", "--chain", "fats")
    assert (result.code, result.out) == (1, "")
    assert "Did you mean the chain fast" in result.err
