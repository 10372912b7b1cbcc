"""Which behaviour comes next: scripts per model, random faults, rate limits."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from mcp_router.testing.behaviours import HEALTHY, Answer, Behaviour, Fault, FaultKind, Repeat
from mcp_router.testing.neutral import WireName

Then: TypeAlias = Literal["repeat last", "healthy"]


class Script:
    """Hands out the behaviours of one model, in order; times are monotonic seconds."""

    def __init__(
        self, steps: Sequence[Behaviour | Repeat], *, then: Then, wire: WireName, healthy: Answer
    ) -> None:
        self.wire: WireName = wire
        self._steps = [s if isinstance(s, Repeat) else Repeat(s, times=1) for s in steps]
        self._last = self._steps[-1].behaviour if then == "repeat last" and steps else healthy
        self._used = 0
        self._until: float | None = None

    @property
    def refuses(self) -> bool:
        """Whether the script begins with a refused connection."""
        first = self._steps[0].behaviour if self._steps else self._last
        return isinstance(first, Fault) and first.kind is FaultKind.REFUSED

    def next(self, *, now: float) -> Behaviour:
        """Return the behaviour for a request that arrives now, and move on."""
        while self._steps:
            step = self._steps[0]
            if self._until is None and step.seconds is not None:
                self._until = now + step.seconds
            spent = step.times is not None and self._used >= step.times
            late = self._until is not None and now >= self._until
            if not (spent or late):
                self._used += 1
                return step.behaviour
            self._steps.pop(0)
            self._used, self._until = 0, None
        return self._last


class RandomFaults:
    """Spoils a share of the healthy answers; the same seed gives the same sequence."""

    def __init__(self, *, rate: float, seed: int, pool: Iterable[Behaviour]) -> None:
        self._rate = rate
        self._pool = tuple(pool)
        self._seed = seed
        self._drawn = 0

    def spoil(self, behaviour: Behaviour) -> Behaviour:
        """Return a fault of the pool in place of a healthy answer, as often as the rate says."""
        self._drawn += 1
        # A hash of seed and turn: the sequence is the same on every Python and platform.
        digest = hashlib.blake2b(b"%d:%d" % (self._seed, self._drawn), digest_size=16).digest()
        chance = int.from_bytes(digest[:8]) / 2**64
        if chance >= self._rate or isinstance(behaviour, Fault) or not self._pool:
            return behaviour
        return self._pool[int.from_bytes(digest[8:]) % len(self._pool)]


class RateLimit:
    """Admits so many requests within any span of so many seconds, exactly."""

    def __init__(self, *, requests: int, per_seconds: float) -> None:
        self._requests = requests
        self._span = per_seconds
        self._admitted: deque[float] = deque()

    def wait(self, *, now: float) -> float | None:
        """Admit a request and return None, or return the seconds until the next may come."""
        while self._admitted and now - self._admitted[0] >= self._span:
            self._admitted.popleft()
        if len(self._admitted) < self._requests:
            self._admitted.append(now)
            return None
        return self._span - (now - self._admitted[0]) if self._admitted else self._span


class Director:
    """Knows every model's script and chooses what each request meets."""

    def __init__(self, healthy: Answer = HEALTHY) -> None:
        self._healthy = healthy
        self.scripts: dict[str, Script] = {}
        self.limits: dict[str, RateLimit] = {}
        self.random: RandomFaults | None = None

    def forget(self) -> None:
        """Drop scripts, limits and random faults."""
        self.scripts.clear()
        self.limits.clear()
        self.random = None

    def write(
        self, model: str, steps: Sequence[Behaviour | Repeat], *, then: Then, wire: WireName
    ) -> None:
        """Set a model's script."""
        self.scripts[model] = Script(steps, then=then, wire=wire, healthy=self._healthy)

    def next(self, model: str, *, now: float) -> Behaviour:
        """Choose what a request to a model meets: its rate limit, its script, then chance."""
        limit = self.limits.get(model)
        wait = limit.wait(now=now) if limit else None
        if wait is not None:
            return Fault.http(429, retry_after=f"{max(wait, 0.001):.3f}")
        script = self.scripts.get(model)
        behaviour = script.next(now=now) if script else self._healthy
        return self.random.spoil(behaviour) if self.random else behaviour
