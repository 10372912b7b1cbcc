"""Delivers budget alerts: to the command and the address that the settings name."""

from __future__ import annotations

import json
import logging
from functools import partial
from subprocess import DEVNULL
from typing import TYPE_CHECKING, NamedTuple

import anyio

from mcp_router.errors import LostDatabaseError, StorageError
from mcp_router.execution.off_loop import off_loop
from mcp_router.providers.webhook import post_json
from mcp_router.storage.periods import to_ms

if TYPE_CHECKING:
    from datetime import datetime

    from mcp_router.config.settings import Settings
    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.types import BudgetStatus

_log = logging.getLogger("mcp_router")

SECONDS = 5.0
"""How long a command or an address may take for one alert."""


class Delivered(NamedTuple):
    """What became of the alerts: those that were due, and a sentence for each failed delivery."""

    alerts: tuple[BudgetStatus, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """What a face should tell, one sentence each."""
        return (*(one.alert for one in self.alerts if one.alert), *self.failures)


async def deliver_alerts(
    store: SqliteStore, *, settings: Settings, now: datetime, seconds: float = SECONDS
) -> Delivered:
    """Claim the alerts that are due and hand each to the command and the address, if any is set.

    Call it after money was spent. Of all processes exactly one gets each alert, once. The command
    is started without a shell and reads the alert as one JSON object on its standard input; the
    address gets the same object in a POST. A database that fails is logged: an answer may be at
    hand, which no alert is to take back.
    """
    budget, alerts = settings.budget, await _due(store, now=now)
    failures: list[str] = []

    async def run(message: bytes) -> None:
        problem = await _run(budget.alert_command, message, seconds=seconds)
        failures.extend([f"The alert command {problem}."] if problem else [])

    async def post(message: bytes) -> None:
        problem = await post_json(budget.alert_webhook or "", content=message, seconds=seconds)
        failures.extend([f"The alert webhook {problem}."] if problem else [])

    async with anyio.create_task_group() as group:
        for alert in alerts:
            if budget.alert_command:
                group.start_soon(run, message_of(alert))
            if budget.alert_webhook:
                group.start_soon(post, message_of(alert))
    return Delivered(alerts, tuple(dict.fromkeys(failures)))


def message_of(alert: BudgetStatus) -> bytes:
    """Write an alert as JSON: the fields of a `BudgetStatus`, and `text`, which chats display."""
    fields = alert.model_dump(mode="json", exclude={"alert"})
    return json.dumps({"event": "budget_alert", "text": alert.alert or "", **fields}).encode()


async def _due(store: SqliteStore, *, now: datetime) -> tuple[BudgetStatus, ...]:
    rules = [rule for rule in store.rules if rule.limit_nanos is not None]
    if not rules:
        return ()
    claim = partial(store.ledger.pending_alerts, rules, now=to_ms(now))
    try:
        return await off_loop(store.database, claim)
    except LostDatabaseError:
        # That it is away is told where it matters.
        return ()
    except StorageError as error:
        _log.warning("Budget alerts are not delivered for now: %s", error)
        return ()


async def _run(command: tuple[str, ...], message: bytes, *, seconds: float) -> str:
    """Return what went wrong, or ""."""
    try:
        with anyio.fail_after(seconds):
            # Our own streams may belong to a protocol, or to somebody who reads an answer.
            done = await anyio.run_process(
                command, input=message, stdout=DEVNULL, stderr=DEVNULL, check=False
            )
    except TimeoutError:
        return f"was ended after {seconds:g} s"
    except (BrokenPipeError, ConnectionResetError):
        return "did not read the alert"
    except OSError as error:
        return f"could not be started ({error.strerror or type(error).__name__})"
    return f"ended with exit code {done.returncode}" if done.returncode else ""
