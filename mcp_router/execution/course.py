"""The course of one request over its routes: which comes next, and how long to wait for it.

Pure: times are seconds on any one clock, and nothing here waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from mcp_router.execution.policy import TINY_WAIT, Failure, Random, Step, pause, stays
from mcp_router.execution.routes import Route


class Leg(NamedTuple):
    """The next try: a route, the seconds to wait first, and whether its breaker is overruled."""

    route: Route
    wait: float = 0.0
    forced: bool = False


class _Standing:
    """Where one route stands in this request."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.tries = 0
        self.over = False
        self.ready_at = 0.0
        # A breaker that is open may be overruled at any time; a pause that a provider asked for
        # only once nothing else is left.
        self.open = False
        self.paused = False


class Course:
    """Hands out the tries of one request, best first.

    No route is tried more than `max_tries` times, none again after silence, and no more than
    `max_attempts` tries are made in all.
    """

    def __init__(self, routes: Sequence[Route], *, max_attempts: int, max_tries: int) -> None:
        self._standings = {route.key: _Standing(route) for route in routes}
        self._max_tries = max_tries
        self._left = max_attempts
        self._here: _Standing | None = None

    def next(self, *, now: float, until: float) -> Leg | None:
        """Choose the next try that can begin before `until`; None once nothing is left.

        The same route where its failure calls for it, then fresh ones in order, then whoever may
        be waited for a moment, then the least bad of those whose breaker is open, then long waits.
        """
        here, self._here = self._here, None
        if self._left <= 0:
            return None
        if here is not None and not here.over and here.ready_at < until:
            return Leg(here.route, max(0.0, here.ready_at - now), forced=here.tries > 0)
        open_ = self._open()
        fresh = next((one for one in open_ if self._is_fresh(one, now=now)), None)
        if fresh is not None:
            return Leg(fresh.route)
        return self._second_best(open_, now=now, until=until)

    def others(self, route: Route) -> bool:
        """Say whether any other route, or another try of this one, may still follow a try of it."""
        if self._left <= 1:
            return False
        return any(one.route.key != route.key for one in self._open())

    def started(self, route: Route) -> None:
        """Count a try that begins."""
        self._left -= 1
        standing = self._standings[route.key]
        standing.tries += 1
        standing.open = standing.paused = False

    def failed(self, route: Route, failure: Failure, *, now: float, rng: Random) -> None:
        """Take in how a try ended."""
        standing = self._standings[route.key]
        if failure.step is Step.STOP:
            self._left = 0
        if failure.step is Step.LARGER:
            self.need_larger(route.model.context)
        if not failure.repeatable or standing.tries >= self._max_tries:
            standing.over = True
            return
        wait = pause(failure, tries=standing.tries, rng=rng)
        standing.ready_at = now + wait
        if stays(failure, wait=wait):
            self._here = standing

    def blocked(self, route: Route, *, ready_at: float, paused: bool) -> None:
        """Note that the breaker lets no call pass: for a pause, or because the route is broken."""
        standing = self._standings[route.key]
        standing.ready_at = ready_at
        standing.open, standing.paused = not paused, paused

    def limited(self, route: Route, *, ready_at: float, now: float) -> None:
        """Note that our own rate limit asks to wait; a moment is waited at once, the first time."""
        standing = self._standings[route.key]
        first, standing.ready_at = not standing.ready_at, ready_at
        if first and ready_at - now <= TINY_WAIT:
            self._here = standing

    def drop(self, route: Route) -> None:
        """Leave a route out for good."""
        self._standings[route.key].over = True

    def leave(self, model: str) -> None:
        """Leave a model out for good, wherever it is served."""
        for standing in self._standings.values():
            if standing.route.model.name == model:
                standing.over = True

    def defer_smaller(self, route: Route, *, now: float) -> None:
        """Put a route that found the request too long, and all no larger, behind larger ones."""
        standing = self._standings[route.key]
        standing.over = standing.tries >= self._max_tries
        for one in self._standings.values():
            if one.route.model.context <= route.model.context and not one.open:
                one.paused, one.ready_at = True, max(one.ready_at, now)

    def need_larger(self, window: int) -> None:
        """Leave out every route whose model holds no more than `window` tokens."""
        for standing in self._standings.values():
            if standing.route.model.context <= window:
                standing.over = True

    def _open(self) -> list[_Standing]:
        return [one for one in self._standings.values() if not one.over]

    def _is_fresh(self, one: _Standing, *, now: float) -> bool:
        return not (one.tries or one.open or one.paused) and one.ready_at <= now

    def _second_best(self, open_: list[_Standing], *, now: float, until: float) -> Leg | None:
        waiting = [one for one in open_ if not one.open]
        soonest = min(waiting, key=lambda one: one.ready_at, default=None)
        ready_at = soonest.ready_at if soonest else inf
        broken = [one for one in open_ if one.open]
        if broken and ready_at > now + TINY_WAIT:
            least_bad = min(broken, key=lambda one: one.ready_at)
            return Leg(least_bad.route, forced=True)
        if soonest is None:
            return None
        if ready_at < until:
            return Leg(soonest.route, max(0.0, ready_at - now), forced=soonest.tries > 0)
        # A pause that outlasts this request is not believed once: the alternative is an error.
        paused = [one for one in waiting if one.paused]
        return Leg(paused[0].route, forced=True) if paused else None
