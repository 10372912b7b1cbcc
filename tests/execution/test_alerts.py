"""Alerts reach the command and the address of the settings, once, and never stop anything."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp_router.config.settings import Settings
from mcp_router.execution.alerts import Delivered, deliver_alerts
from mcp_router.storage.ledger import Purpose
from mcp_router.storage.periods import to_ms
from mcp_router.storage.rules import budget_rules
from mcp_router.storage.sqlite import SqliteStore
from tests.execution.listener import Listener

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WRITER = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_bytes(sys.stdin.buffer.read())"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore.open(tmp_path / "router.db") as store:
        yield store


def settings_of(**budget: Any) -> Settings:
    return Settings.model_validate({"budget": {"daily": 1, "monthly": 100, **budget}})


def spend(store: SqliteStore, nanos: int, *, settings: Settings) -> None:
    store.rules = budget_rules(settings.budget)
    purpose = Purpose("dec_1", "opus")
    now = to_ms(NOW)
    held = store.ledger.reserve(nanos, rules=store.rules, purpose=purpose, lease_s=60, now=now)
    store.ledger.settle(held, nanos, now=now)


async def deliver(store: SqliteStore, settings: Settings, *, seconds: float = 20) -> Delivered:
    return await deliver_alerts(store, settings=settings, now=NOW, seconds=seconds)


def is_alert(message: Mapping[str, Any]) -> bool:
    return (
        message["event"] == "budget_alert"
        and message["text"] == "The day budget is 80 % spent ($0.8 of $1)."
        and (message["name"], message["period"]) == ("day", "day")
        and (message["spent_usd"], message["limit_usd"]) == ("0.8", "1")
    )


async def test_an_alert_is_told_once_and_again_at_the_limit(store: SqliteStore) -> None:
    settings = settings_of()
    spend(store, 700_000_000, settings=settings)
    assert await deliver(store, settings) == Delivered()
    spend(store, 100_000_000, settings=settings)
    assert (await deliver(store, settings)).lines == ("The day budget is 80 % spent ($0.8 of $1).",)
    assert await deliver(store, settings) == Delivered()
    spend(store, 200_000_000, settings=settings)
    assert (await deliver(store, settings)).lines == ("The day budget is 100 % spent ($1 of $1).",)


async def test_without_a_limit_nothing_is_due(store: SqliteStore) -> None:
    settings = Settings()
    spend(store, 10**12, settings=settings)
    assert await deliver(store, settings) == Delivered()


async def test_command_and_address_get_the_alert_as_json(
    store: SqliteStore, tmp_path: Path
) -> None:
    file = tmp_path / "alert.json"
    async with Listener() as listener:
        settings = settings_of(
            alert_command=(sys.executable, "-c", WRITER, str(file)), alert_webhook=listener.url
        )
        spend(store, 800_000_000, settings=settings)
        assert (await deliver(store, settings)).failures == ()
    assert is_alert(json.loads(file.read_bytes()))
    ((head, body),) = listener.requests
    assert head.startswith("POST /hook HTTP/1.1\r\n")
    assert "content-type: application/json" in head.lower()
    assert is_alert(json.loads(body))


async def test_arguments_of_the_command_meet_no_shell(store: SqliteStore, tmp_path: Path) -> None:
    odd = tmp_path / "a b; $(touch owned) & c"
    settings = settings_of(alert_command=(sys.executable, "-c", WRITER, str(odd)))
    spend(store, 800_000_000, settings=settings)
    assert (await deliver(store, settings)).failures == ()
    assert odd.exists()
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("/nosuch/program",), "could not be started"),
        ((sys.executable, "-c", "raise SystemExit(3)"), "ended with exit code 3"),
        ((sys.executable, "-c", "print('x' * 10**6)"), ""),
    ],
)
async def test_a_command_that_fails_is_one_sentence(
    command: tuple[str, ...], told: str, store: SqliteStore, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = settings_of(alert_command=command)
    spend(store, 800_000_000, settings=settings)
    found = await deliver(store, settings)
    assert len(found.alerts) == 1
    assert [told in line for line in found.failures] == [True] * bool(told)
    assert capfd.readouterr() == ("", "")


async def test_what_takes_too_long_is_ended(store: SqliteStore) -> None:
    async with Listener(answer=None) as listener:
        settings = settings_of(
            alert_command=(sys.executable, "-c", "import time; time.sleep(60)"),
            alert_webhook=listener.url,
        )
        spend(store, 800_000_000, settings=settings)
        with anyio.fail_after(20):
            found = await deliver(store, settings, seconds=0.3)
    assert sorted(found.failures) == [
        "The alert command was ended after 0.3 s.",
        "The alert webhook did not answer within 0.3 s.",
    ]
