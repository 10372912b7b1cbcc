"""A load balancer over the routes of one model, from what this process sees of each."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_router.execution.policy import Random
    from mcp_router.execution.routes import Route
    from mcp_router.storage.breaker import BreakerKey
    from mcp_router.storage.circuit import Verdict

Balance = Literal["weighted", "best", "round_robin", "least_busy"]
"""How the routes of one model share its calls.

weighted draws by weight times health, best takes the healthiest, round_robin takes turns, and
least_busy takes the one with the fewest running calls for its weight.
"""

_MEMORY = 0.9
_STATE_HEALTH = {"closed": 1.0, "half_open": 0.1, "cooldown": 0.01, "open": 0.001}


class Balancer:
    """Orders the routes of a model, the one to take first in front."""

    def __init__(self, *, rng: Random) -> None:
        self._rng = rng
        self._busy: dict[BreakerKey, int] = {}
        self._health: dict[BreakerKey, float] = {}
        self._turns: dict[str, int] = {}

    def began(self, route: Route) -> None:
        """Count a call that starts."""
        self._busy[route.key] = self._busy.get(route.key, 0) + 1

    def ended(self, route: Route, *, ok: bool | None) -> None:
        """Count a call that is over; None says nothing about the route."""
        left = self._busy.get(route.key, 1) - 1
        if left:
            self._busy[route.key] = left
        else:
            self._busy.pop(route.key, None)
        if ok is not None:
            old = self._health.get(route.key, 1.0)
            self._health[route.key] = _MEMORY * old + (1.0 - _MEMORY) * ok

    def order(
        self,
        routes: Sequence[Route],
        *,
        balance: Balance,
        verdicts: Mapping[BreakerKey, Verdict],
    ) -> list[Route]:
        """Order the routes of one model; those that may not be called now come last."""
        if balance == "round_robin":
            ordered = self._in_turn(routes)
        else:
            ordered = sorted(routes, key=lambda one: self._rank(one, balance, verdicts))
        return sorted(ordered, key=lambda one: not verdicts[one.key].allowed)

    def _rank(
        self, route: Route, balance: Balance, verdicts: Mapping[BreakerKey, Verdict]
    ) -> float:
        health = self._health.get(route.key, 1.0) * _STATE_HEALTH[verdicts[route.key].state]
        if balance == "best":
            return -health
        if balance == "least_busy":
            return self._busy.get(route.key, 0) / route.weight
        # The smallest of exponential draws falls on each in proportion to its rate
        # (Efraimidis and Spirakis, 2006, in their logarithmic form).
        share = max(route.weight * health, 1e-12)
        return -log(1.0 - self._rng()) / share

    def _in_turn(self, routes: Sequence[Route]) -> list[Route]:
        name = routes[0].model.name
        turn = self._turns.get(name, 0)
        self._turns[name] = (turn + 1) % len(routes)
        start = turn % len(routes)
        return [*routes[start:], *routes[:start]]
