"""Delivers budget alerts: to the command and the address that the settings name."""

from __future__ import annotations

import json
import logging
from functools import partial
from subprocess import DEVNULL
from typing import TYPE_CHECKING

import anyio

from mcp_router.errors import LostDatabaseError, StorageError
from mcp_router.execution.off_loop import off_loop
from mcp_router.providers.webhook import post_json
from mcp_router.storage.alerts import end_claims
from mcp_router.storage.periods import to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from mcp_router.config.settings import BudgetSettings, Settings
    from mcp_router.storage.alerts import Claim
    from mcp_router.storage.database import Database
    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.types import BudgetStatus

_log = logging.getLogger("mcp_router")

SECONDS = 5.0
"""How long a command or an address may take for one alert."""


async def deliver_alerts(
    store: SqliteStore,
    *,
    settings: Settings,
    now: datetime,
    tell: Callable[[str], None],
    seconds: float = SECONDS,
) -> None:
    """Claim the alerts that are due, hand each to the command and the address, and tell it.

    Call it after money was spent. Of all processes exactly one gets each alert, once; what a
    caller who leaves kept from being delivered is given back. The command is started without a
    shell and reads the alert as one JSON object on its standard input; the address gets the same
    object in a POST. A delivery that fails is told, and not tried again. A database that fails is
    logged: an answer may be at hand, which no alert is to take back.
    """
    claims = await _due(store, now=now)
    if not claims:
        return
    done: list[Claim] = []
    failures: list[str] = []

    async def hand_out(claim: Claim) -> None:
        failures.extend(await _hand_out(claim.status, budget=settings.budget, seconds=seconds))
        done.append(claim)

    try:
        async with anyio.create_task_group() as group:
            for claim in claims:
                group.start_soon(hand_out, claim)
    finally:
        try:
            await _end(store, delivered=done, left=[one for one in claims if one not in done])
        finally:
            for line in _lines(done, failures):
                tell(line)


def message_of(alert: BudgetStatus) -> bytes:
    """Write an alert as JSON: the fields of a `BudgetStatus`, and `text`, which chats display."""
    fields = alert.model_dump(mode="json", exclude={"alert"})
    return json.dumps({"event": "budget_alert", "text": alert.alert or "", **fields}).encode()


def _lines(done: Sequence[Claim], failures: Sequence[str]) -> Iterator[str]:
    yield from (one.status.alert for one in done if one.status.alert)
    yield from dict.fromkeys(failures)


async def _due(store: SqliteStore, *, now: datetime) -> tuple[Claim, ...]:
    rules = [rule for rule in store.rules if rule.limit_nanos is not None]
    if not rules:
        return ()
    claim = partial(store.ledger.pending_alerts, rules, now=to_ms(now))
    try:
        return await off_loop(store.database, claim, undo=partial(_give_back, store.database))
    except LostDatabaseError:
        # That it is away is told where it matters.
        return ()
    except StorageError as error:
        _log.warning("Budget alerts are not delivered for now: %s", error)
        return ()


def _give_back(database: Database, claims: Sequence[Claim]) -> None:
    if claims:
        end_claims(database, left=claims)


async def _end(store: SqliteStore, *, delivered: Sequence[Claim], left: Sequence[Claim]) -> None:
    work = partial(end_claims, store.database, delivered=delivered, left=left)
    try:
        await off_loop(store.database, work)
    except StorageError as error:
        _log.warning("Budget alerts may be delivered a second time: %s", error)


async def _hand_out(alert: BudgetStatus, *, budget: BudgetSettings, seconds: float) -> list[str]:
    """Deliver an alert to whom the settings name; return a sentence for each failure."""
    failures: list[str] = []

    async def run(message: bytes) -> None:
        problem = await _run(budget.alert_command, message, seconds=seconds)
        failures.extend([f"The alert command {problem}."] if problem else [])

    async def post(message: bytes) -> None:
        problem = await post_json(budget.alert_webhook or "", content=message, seconds=seconds)
        failures.extend([f"The alert webhook {problem}."] if problem else [])

    async with anyio.create_task_group() as group:
        if budget.alert_command:
            group.start_soon(run, message_of(alert))
        if budget.alert_webhook:
            group.start_soon(post, message_of(alert))
    return failures


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
