"""Asks every provider with credentials for one token, and looks for servers on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import urlsplit

import anyio

from mcp_router.catalog.names import is_retired
from mcp_router.config.checks import is_loopback
from mcp_router.errors import BudgetExceededError, ProviderError, UnpricedModelError
from mcp_router.execution.costs import Bill, Ceiling, bill, worst_case
from mcp_router.execution.routes import Routes
from mcp_router.money import to_usd
from mcp_router.providers.client import ProviderClient
from mcp_router.providers.deadlines import Deadlines
from mcp_router.providers.wire import Call
from mcp_router.storage.ledger import Purpose
from mcp_router.storage.periods import to_ms
from mcp_router.types import Complexity, Message, Need, Outcome, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from mcp_router.execution.routes import Route
    from mcp_router.router import Router
    from mcp_router.storage.ledger import Reservation
    from mcp_router.types import ModelInfo, ProviderInfo

Status = Literal["ok", "failed", "no key", "not asked", "listening", "not running"]

TASK = "check"
"""What these calls are booked as in the reports by task."""

SECONDS = 15.0
"""How long one answer may take."""

_KNOCK_SECONDS = 0.5
_DEADLINES = Deadlines(connect=5.0, first_token=SECONDS, idle=SECONDS, total=SECONDS)
_MESSAGES = (Message(role="user", content="Reply with OK."),)
# The prompt, with everything a provider may wrap around it.
_INPUTS = 64
# What thinks before it speaks refuses a limit of one token.
_OUTPUTS, _OUTPUTS_OF_THINKING = 1, 64


class Finding(NamedTuple):
    """What a provider, or a server on this machine, had to say."""

    provider: str
    status: Status
    model: str | None = None
    latency_ms: int | None = None
    cost_usd: Decimal | None = None
    error: str = ""
    hint: str = ""


class Scope(NamedTuple):
    """What to check: providers by name, the models that may be asked, and who has credentials."""

    providers: Sequence[str]
    models: Sequence[ModelInfo]
    usable: frozenset[str]


async def check_up(
    router: Router, *, scope: Scope, environ: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Check providers, all at once, in the order of the scope.

    The cheapest model of each provider with credentials is asked for one token; what that costs
    is reserved and booked like any other call. Without credentials nothing is asked; on servers
    of this machine a connection is opened and closed.

    Raises:
        StorageError: the database failed.
    """
    found: dict[str, Finding] = {}
    routes = Routes(router.catalog, settings=router.settings, environ=environ)
    chosen = {
        name: model
        for name in scope.providers
        if name in scope.usable
        and (model := _cheapest(scope.models, provider=name, now=router.now())) is not None
    }

    async def look(provider: ProviderInfo) -> None:
        model = chosen.get(provider.name)
        if model is not None:
            found[provider.name] = await _ask(router, client=client, route=routes.of(model.name)[0])
        else:
            found[provider.name] = await _unasked(provider, usable=provider.name in scope.usable)

    async with ProviderClient() as client, anyio.create_task_group() as group:
        for name in scope.providers:
            group.start_soon(look, router.catalog.providers[name])
    return tuple(found[name] for name in scope.providers)


def _cheapest(models: Sequence[ModelInfo], *, provider: str, now: datetime) -> ModelInfo | None:
    """Choose whom to ask: rather one that does not think first, then by price."""

    def rank(model: ModelInfo) -> tuple[bool, bool, int, str]:
        cost = worst_case(model, _most(model), now=now)
        return Need.THINKING in model.features, cost is None, cost or 0, model.name

    own = [one for one in models if one.provider == provider]
    return min((one for one in own if not is_retired(one, on=now.date())), key=rank, default=None)


def _most(model: ModelInfo) -> Ceiling:
    thinks = Need.THINKING in model.features
    return Ceiling(_INPUTS, _OUTPUTS_OF_THINKING if thinks else _OUTPUTS)


async def _ask(router: Router, *, client: ProviderClient, route: Route) -> Finding:
    model, ledger = route.model, router.store.ledger
    told = Finding(route.provider, "ok", model.name)
    try:
        reservation = _reserve(router, model)
    except (BudgetExceededError, UnpricedModelError) as error:
        return told._replace(status="not asked", error=error.message, hint=error.hint)
    began = anyio.current_time()
    call = Call(messages=_MESSAGES, max_tokens=_most(model).outputs)
    try:
        reply = await client.complete(route.target, call, deadlines=_DEADLINES)
        paid = bill(model, reply.usage or Usage(), now=router.now())
        _book(router, route, paid, reservation=reservation)
        cost = None if paid.nanos is None else to_usd(paid.nanos)
        return told._replace(latency_ms=_since(began), cost_usd=cost)
    except ProviderError as error:
        return told._replace(
            status="failed", latency_ms=_since(began), error=error.problem, hint=error.hint
        )
    finally:
        # Does nothing once it is settled.
        ledger.release(reservation)


def _book(router: Router, route: Route, paid: Bill, *, reservation: Reservation) -> None:
    now, store = router.now(), router.store
    # Without the time it took: one token says nothing about how fast an answer comes.
    row = Outcome(
        decision_id="",
        created_at=now,
        model=route.model.name,
        provider=route.provider,
        task_type=TASK,
        complexity=Complexity.SIMPLE,
        ok=True,
        usage=paid.usage,
        cost_usd=None if paid.nanos is None else to_usd(paid.nanos),
    )
    with store.database.transaction():
        store.ledger.settle(reservation, paid.nanos or 0, now=to_ms(now))
        store.record_outcome(row)


def _reserve(router: Router, model: ModelInfo) -> Reservation:
    now, store = router.now(), router.store
    amount = worst_case(model, _most(model), now=now)
    limited = any(rule.limit_nanos is not None and not rule.tag for rule in store.rules)
    if amount is None and limited and router.settings.budget.on_unknown_price == "refuse":
        raise UnpricedModelError(model.name)
    return store.ledger.reserve(
        amount or 0,
        rules=store.rules,
        purpose=Purpose("", model.name),
        lease_s=2 * SECONDS,
        now=to_ms(now),
    )


async def _unasked(provider: ProviderInfo, *, usable: bool) -> Finding:
    name = provider.name
    if usable:
        return Finding(name, "not asked", hint=f"No model of {name} is in the catalogue.")
    if provider.api_key_env is not None:
        return Finding(name, "no key", hint=f"Set {provider.api_key_env}.")
    if not is_loopback(provider.base_url):
        return Finding(name, "not asked", hint=f"Add [providers.{name}] to the config.")
    if not await listens(provider.base_url):
        return Finding(name, "not running")
    way = "OLLAMA_HOST" if name == "ollama" else f"[providers.{name}] in the config"
    return Finding(name, "listening", hint=f"To use it, set {way}.")


async def listens(url: str) -> bool:
    """Say whether something on this machine takes connections at the address of a server."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with anyio.fail_after(_KNOCK_SECONDS):
            connection = await anyio.connect_tcp(parts.hostname or "127.0.0.1", port)
    except (OSError, TimeoutError):
        return False
    await connection.aclose()
    return True


def _since(began: float) -> int:
    return round((anyio.current_time() - began) * 1000)
