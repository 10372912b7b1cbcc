"""Alerts reach the command and the address of the settings, once, and never stop anything."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp_router.config.settings import Settings
from mcp_router.execution.alerts import deliver_alerts
from mcp_router.storage.ledger import Purpose
from mcp_router.storage.periods import to_ms
from mcp_router.storage.rules import budget_rules
from mcp_router.storage.sqlite import SqliteStore
from tests.execution.listener import Listener
from tests.stepping import cancelled_everywhere
from tests.storage.servers import ENGINES, fresh_schema

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TOLD = "The day budget is 80 % spent ($0.8 of $1)."
WRITER = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_bytes(sys.stdin.buffer.read())"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore.open(tmp_path / "router.db") as store:
        yield store


@pytest.fixture(params=ENGINES)
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    """A store of each engine."""
    with ExitStack() as stack:
        place: Path | str = tmp_path / "router.db"
        if request.param == "postgres":
            place = stack.enter_context(fresh_schema())
        yield stack.enter_context(SqliteStore.open(place))


def settings_of(**budget: Any) -> Settings:
    return Settings.model_validate({"budget": {"daily": 1, "monthly": 100, **budget}})


def spend(store: SqliteStore, nanos: int, *, settings: Settings) -> None:
    store.rules = budget_rules(settings.budget)
    purpose = Purpose("dec_1", "opus")
    now = to_ms(NOW)
    held = store.ledger.reserve(nanos, rules=store.rules, purpose=purpose, lease_s=60, now=now)
    store.ledger.settle(held, nanos, now=now)


async def deliver(
    store: SqliteStore, settings: Settings, *, seconds: float = 20, now: datetime = NOW
) -> list[str]:
    lines: list[str] = []
    await deliver_alerts(store, settings=settings, now=now, tell=lines.append, seconds=seconds)
    return lines


def is_alert(message: Mapping[str, Any]) -> bool:
    return (
        message["event"] == "budget_alert"
        and message["text"] == TOLD
        and (message["name"], message["period"]) == ("day", "day")
        and (message["spent_usd"], message["limit_usd"]) == ("0.8", "1")
    )


async def test_an_alert_is_told_once_and_again_at_the_limit(store: SqliteStore) -> None:
    settings = settings_of()
    spend(store, 700_000_000, settings=settings)
    assert await deliver(store, settings) == []
    spend(store, 100_000_000, settings=settings)
    assert await deliver(store, settings) == [TOLD]
    assert await deliver(store, settings) == []
    spend(store, 200_000_000, settings=settings)
    assert await deliver(store, settings) == ["The day budget is 100 % spent ($1 of $1)."]


async def test_without_a_limit_nothing_is_due(store: SqliteStore) -> None:
    settings = Settings()
    spend(store, 10**12, settings=settings)
    assert await deliver(store, settings) == []


async def test_command_and_address_get_the_alert_as_json(
    store: SqliteStore, tmp_path: Path
) -> None:
    file = tmp_path / "alert.json"
    async with Listener() as listener:
        settings = settings_of(
            alert_command=(sys.executable, "-c", WRITER, str(file)), alert_webhook=listener.url
        )
        spend(store, 800_000_000, settings=settings)
        assert len(await deliver(store, settings)) == 1
    assert is_alert(json.loads(file.read_bytes()))
    ((head, body),) = listener.requests
    assert head.startswith("POST /hook HTTP/1.1\r\n")
    assert "content-type: application/json" in head.lower()
    assert is_alert(json.loads(body))


async def test_arguments_of_the_command_meet_no_shell(store: SqliteStore, tmp_path: Path) -> None:
    odd = tmp_path / "a b; $(touch owned) & c"
    settings = settings_of(alert_command=(sys.executable, "-c", WRITER, str(odd)))
    spend(store, 800_000_000, settings=settings)
    assert len(await deliver(store, settings)) == 1
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
    alert, *failures = await deliver(store, settings)
    assert alert == TOLD
    assert [told in line for line in failures] == [True] * bool(told)
    assert await deliver(store, settings) == [], "what failed was told, and is not tried again"
    assert capfd.readouterr() == ("", "")


async def test_what_takes_too_long_is_ended(store: SqliteStore) -> None:
    async with Listener(answer=None) as listener:
        settings = settings_of(
            alert_command=(sys.executable, "-c", "import time; time.sleep(60)"),
            alert_webhook=listener.url,
        )
        spend(store, 800_000_000, settings=settings)
        with anyio.fail_after(20):
            _, *failures = await deliver(store, settings, seconds=0.3)
    assert sorted(failures) == [
        "The alert command was ended after 0.3 s.",
        "The alert webhook did not answer within 0.3 s.",
    ]


async def test_an_alert_whose_caller_left_before_it_was_delivered_is_delivered_by_the_next(
    either: SqliteStore,
) -> None:
    async with Listener(answer=None) as silent, Listener() as listener:
        settings = settings_of(alert_webhook=silent.url)
        spend(either, 800_000_000, settings=settings)
        async with anyio.create_task_group() as group:
            group.start_soon(deliver, either, settings)
            with anyio.fail_after(20):
                while not silent.requests:
                    await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        again = settings_of(alert_webhook=listener.url)
        assert await deliver(either, again) == [TOLD]
        assert await deliver(either, again) == []
    assert [is_alert(json.loads(body)) for _, body in listener.requests] == [True]


async def test_cancelled_at_any_await_an_alert_is_told_exactly_once(either: SqliteStore) -> None:
    async with Listener() as listener:
        settings = settings_of(alert_webhook=listener.url)
        spend(either, 800_000_000, settings=settings)
        told: list[str] = []

        async def work() -> None:
            await deliver_alerts(either, settings=settings, now=NOW, tell=told.append, seconds=20)

        async def after() -> None:
            assert told + await deliver(either, settings) == [TOLD]
            told.clear()
            with either.database.transaction() as connection:
                connection.execute("DELETE FROM budget_alerts")

        assert await cancelled_everywhere(work, after=after) >= 3


KILLED = """
import sys
from datetime import datetime
import anyio
from mcp_router.config.settings import Settings
from mcp_router.execution.alerts import deliver_alerts
from mcp_router.storage.rules import budget_rules
from mcp_router.storage.sqlite import SqliteStore

async def main():
    killer = (sys.executable, "-c", "import os, signal; os.kill(os.getppid(), signal.SIGKILL)")
    settings = Settings.model_validate(
        {"budget": {"daily": 1, "monthly": 100, "alert_command": killer}}
    )
    with SqliteStore.open(sys.argv[1]) as store:
        store.rules = budget_rules(settings.budget)
        now = datetime.fromisoformat(sys.argv[2])
        await deliver_alerts(store, settings=settings, now=now, tell=print)

anyio.run(main)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are a POSIX matter")
async def test_an_alert_of_a_process_that_was_killed_is_delivered_after_a_while(
    store: SqliteStore, tmp_path: Path
) -> None:
    settings = settings_of()
    spend(store, 800_000_000, settings=settings)
    line = [sys.executable, "-c", KILLED, str(tmp_path / "router.db"), NOW.isoformat()]
    done = await anyio.to_thread.run_sync(lambda: subprocess.run(line, capture_output=True))
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGKILL, b"", b"")
    soon, later = NOW + timedelta(seconds=59), NOW + timedelta(seconds=60)
    assert await deliver(store, settings, now=soon) == [], "it may still be on its way"
    assert await deliver(store, settings, now=later) == [TOLD]
    assert await deliver(store, settings, now=later) == []
