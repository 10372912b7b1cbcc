"""The breaker against a plain reference model, driven through two connections at random."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mcp_router.storage.breaker import Breaker, BreakerKey, Permit
from mcp_router.storage.circuit import Policy
from mcp_router.storage.database import Database
from tests.storage.servers import fresh_schema, needs_server

KEY = BreakerKey("acme", "large")
POLICY = Policy(
    failures=3,
    window_ms=1_000,
    window_calls=4,
    failure_percent=60,
    open_ms=100,
    max_open_ms=400,
    cooldown_ms=50,
    max_cooldown_ms=300,
    probe_ms=80,
)


@dataclass
class Reference:
    """The same rules, told with lists and words instead of a row of numbers."""

    in_a_row: int = 0
    window: list[str] = field(default_factory=list)
    window_began: int = -POLICY.window_ms
    trips: list[int] = field(default_factory=list)
    open_until: int = 0
    cooldown_until: int = 0
    last_probe: int = 0
    probe_ends: int = 0

    def phase(self, now: int) -> str:
        if self.trips and now < self.open_until:
            return "open"
        if now < self.cooldown_until:
            return "cooldown"
        return "half_open" if self.trips else "closed"

    def allows(self, now: int) -> bool:
        phase = self.phase(now)
        return phase == "closed" or (phase == "half_open" and now >= self.probe_ends)

    def is_the_probe(self, permit: Permit) -> bool:
        return permit.probe == self.last_probe > 0

    def succeed(self, permit: Permit, now: int) -> None:
        if not self.trips:
            self._note("ok", now)
            self.in_a_row = 0
        elif self.is_the_probe(permit) or permit.since >= self.trips[-1]:
            self.trips, self.window, self.window_began = [], [], -POLICY.window_ms
            self.in_a_row = self.open_until = self.probe_ends = 0

    def fail(self, permit: Permit, now: int) -> None:
        if self.trips and not self.is_the_probe(permit):
            self._stay_open(now)
        elif self.trips:
            self.probe_ends = 0
            self._open(now)
        else:
            self._note("bad", now)
            self.in_a_row += 1
            share = self.window.count("bad") / len(self.window)
            often = len(self.window) >= POLICY.window_calls and share >= 0.6
            if self.in_a_row >= POLICY.failures or often:
                self._open(now)

    def limit(self, permit: Permit, now: int, pause: int | None) -> None:
        length = min(POLICY.cooldown_ms if pause is None else pause, POLICY.max_cooldown_ms)
        self.cooldown_until = max(self.cooldown_until, now + length)
        self.cancel(permit)

    def cancel(self, permit: Permit) -> None:
        if self.is_the_probe(permit):
            self.probe_ends = 0

    def _note(self, word: str, now: int) -> None:
        if now >= self.window_began + POLICY.window_ms:
            self.window, self.window_began = [], now
        self.window.append(word)

    def _open(self, now: int) -> None:
        self.trips.append(now)
        self._stay_open(now)

    def _stay_open(self, now: int) -> None:
        length = min(POLICY.max_open_ms, POLICY.open_ms * 2 ** (len(self.trips) - 1))
        self.open_until = max(self.open_until, now + length)


class BreakerMachine(RuleBasedStateMachine):
    """Two processes' breakers on one file, and calls that end in any order and at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        place = self.stack.enter_context(self.fresh())
        self.databases = [self.stack.enter_context(Database.open(place)) for _ in range(2)]
        self.breakers = [Breaker(database, policy=POLICY) for database in self.databases]
        self.model = Reference()
        self.permits: list[Permit] = []
        self.now = 1_000_000

    def teardown(self) -> None:
        self.stack.close()

    @contextmanager
    def fresh(self) -> Iterator[Path | str]:
        """Name a database that nobody has used."""
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder) / "router.db"

    def end_one(self, data: st.DataObject) -> tuple[Breaker, Permit]:
        permit = self.permits.pop(data.draw(st.integers(0, len(self.permits) - 1)))
        return self.breakers[data.draw(st.integers(0, 1))], permit

    @rule(step=st.sampled_from([0, 1, 30, 50, 80, 100, 200, 400, 1_000]))
    def wait(self, step: int) -> None:
        self.now += step

    @rule(who=st.integers(0, 1))
    def acquire(self, who: int) -> None:
        allowed, phase = self.model.allows(self.now), self.model.phase(self.now)
        permit = self.breakers[who].acquire(KEY, now=self.now)
        assert (permit is not None) == allowed
        if permit is None:
            return
        assert bool(permit.probe) == (phase == "half_open")
        if permit.probe:
            self.model.last_probe = permit.probe
            self.model.probe_ends = self.now + POLICY.probe_ms
        self.permits.append(permit)

    @precondition(lambda self: self.model.phase(self.now) in {"open", "cooldown"})
    @rule()
    def call_the_least_bad(self) -> None:
        self.permits.append(self.breakers[0].override(KEY, now=self.now))

    @precondition(lambda self: self.permits)
    @rule(data=st.data())
    def succeed(self, data: st.DataObject) -> None:
        breaker, permit = self.end_one(data)
        breaker.success(permit, now=self.now)
        self.model.succeed(permit, self.now)

    @precondition(lambda self: self.permits)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        breaker, permit = self.end_one(data)
        breaker.failure(permit, now=self.now)
        self.model.fail(permit, self.now)

    @precondition(lambda self: self.permits)
    @rule(data=st.data(), pause=st.none() | st.integers(0, 500))
    def meet_a_limit(self, data: st.DataObject, pause: int | None) -> None:
        breaker, permit = self.end_one(data)
        breaker.limited(permit, now=self.now, retry_after_ms=pause)
        self.model.limit(permit, self.now, pause)

    @precondition(lambda self: self.permits)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        breaker, permit = self.end_one(data)
        breaker.cancel(permit)
        self.model.cancel(permit)

    @invariant()
    def both_say_what_the_model_says(self) -> None:
        for breaker in self.breakers:
            verdict = breaker.check([KEY], now=self.now)[KEY]
            assert verdict.state == self.model.phase(self.now)
            assert verdict.allowed == self.model.allows(self.now)


BreakerMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=40, deadline=None)
TestBreakerMachine = BreakerMachine.TestCase


class SharedBreakerMachine(BreakerMachine):
    """The same on a server."""

    def fresh(self) -> AbstractContextManager[str]:
        return fresh_schema()


SharedBreakerMachine.TestCase.settings = settings(
    max_examples=4, stateful_step_count=40, deadline=None
)
TestSharedBreakerMachine = needs_server(SharedBreakerMachine.TestCase)
