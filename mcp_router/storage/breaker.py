"""A circuit breaker per (provider, model, key), shared by all processes through the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.storage import circuit
from mcp_router.storage.circuit import CLOSED, DEFAULT_POLICY, Circuit, Policy, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mcp_router.storage.database import Connection, Database

Step = Callable[[Circuit], Circuit]
"""What a report does to a circuit."""

_COMING_SECONDS = 30.0


class BreakerKey(NamedTuple):
    """What a breaker guards; `fingerprint` tells the keys of one provider apart, "" without."""

    provider: str
    model: str
    fingerprint: str = ""


class Permit(NamedTuple):
    """Leave to make one call, allowed at `since` (UTC ms); `probe` is 0 for an ordinary one."""

    key: BreakerKey
    since: int
    probe: int = 0


_READ = """
SELECT failures, window_start, calls, failed, trips, tripped_at, open_until, cooldown_until,
  probe, probe_until
FROM breakers WHERE provider = ? AND model = ? AND fingerprint = ?
"""
_READ_SICK = """
SELECT provider, model, fingerprint, trips, open_until, cooldown_until, probe_until
FROM breakers WHERE trips > 0 OR cooldown_until > ?
"""
_COUNT_SUCCESS = """
UPDATE breakers SET calls = calls + 1, failures = 0
WHERE provider = ? AND model = ? AND fingerprint = ?
  AND trips = 0 AND window_start <= ? AND window_start > ?
"""
_WRITE = """
INSERT INTO breakers
  (provider, model, fingerprint, failures, window_start, calls, failed, trips, tripped_at,
  open_until, cooldown_until, probe, probe_until)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (provider, model, fingerprint) DO UPDATE SET
  failures = excluded.failures, window_start = excluded.window_start, calls = excluded.calls,
  failed = excluded.failed, trips = excluded.trips, tripped_at = excluded.tripped_at,
  open_until = excluded.open_until, cooldown_until = excluded.cooldown_until,
  probe = excluded.probe, probe_until = excluded.probe_until
"""


class Breaker:
    """Decides which models may be called now; every call reports back with its permit.

    Nothing here reads a clock: `now` is UTC milliseconds everywhere.
    """

    def __init__(self, database: Database, *, policy: Policy = DEFAULT_POLICY) -> None:
        self._database = database
        self._policy = policy
        self._coming = _Coming()

    def check(self, keys: Iterable[BreakerKey], *, now: int) -> Mapping[BreakerKey, Verdict]:
        """Say for each key whether a call may pass, with one query for all of them."""
        verdicts = dict.fromkeys(keys, CLOSED)
        verdicts |= {key: one for key, one in self._sick(now) if key in verdicts}
        return verdicts

    def verdict(self, key: BreakerKey, *, now: int) -> Verdict:
        """Say whether a call may pass."""
        # Reports of this process may be on their way still, and are not waited for.
        coming = self._coming.steps(key)
        with self._database.glance(own=False) as connection:
            found = _read(connection, key)
        for step in coming:
            found = step(found)
        return circuit.judge(found, now=now, policy=self._policy)

    def blocked(self, *, now: int) -> Mapping[BreakerKey, Verdict]:
        """Give the keys that may not be called now: their circuit is open or they are to cool."""
        return {key: one for key, one in self._sick(now) if one.state in ("open", "cooldown")}

    def least_bad(self, keys: Iterable[BreakerKey], *, now: int) -> BreakerKey | None:
        """Name the key that may be called soonest, the first of equals; None without keys."""
        verdicts = self.check(keys, now=now)
        waits = {key: 0 if found.allowed else found.until for key, found in verdicts.items()}
        return min(waits, key=lambda key: waits[key], default=None)

    def acquire(self, key: BreakerKey, *, now: int) -> Permit | None:
        """Allow one call, or None; of all processes one gets the probe of a half-open circuit."""
        verdict = self.verdict(key, now=now)
        if verdict.state == "closed":
            return Permit(key, since=now)
        return self._acquire_probe(key, now=now) if verdict.allowed else None

    def override(self, key: BreakerKey, *, now: int) -> Permit:
        """Allow a call in any state, for the least bad of keys that are all blocked."""
        return self.acquire(key, now=now) or Permit(key, since=now)

    def success(self, permit: Permit, *, now: int) -> None:
        """Report a usable answer: the circuit closes and its failures are forgotten."""
        key, since, probe = permit
        with self._database.shared_transaction() as connection:
            # The usual case in one statement: a closed circuit whose window goes on.
            row = (*key, now, now - self._policy.window_ms)
            if connection.execute(_COUNT_SUCCESS, row).rowcount:
                return
        self._change(
            key,
            lambda old: circuit.succeeded(
                old, probe=probe, since=since, now=now, policy=self._policy
            ),
        )

    def failure(self, permit: Permit, *, now: int, retry_after_ms: int | None = None) -> None:
        """Report a call that failed for the provider's fault, with the pause it asked for.

        Where the database is far away that is done in the background, and known here at once.
        """

        def step(old: Circuit) -> Circuit:
            new = circuit.failed(old, probe=permit.probe, now=now, policy=self._policy)
            if retry_after_ms is None:
                return new
            return circuit.limited(
                new, probe=0, retry_after_ms=retry_after_ms, now=now, policy=self._policy
            )

        self._soon(permit.key, step)

    def limited(self, permit: Permit, *, now: int, retry_after_ms: int | None = None) -> None:
        """Report a 429, as a failure is: a pause, which counts as no failure and no success."""
        self._soon(
            permit.key,
            lambda old: circuit.limited(
                old,
                probe=permit.probe,
                retry_after_ms=retry_after_ms,
                now=now,
                policy=self._policy,
            ),
        )

    def cancel(self, permit: Permit) -> None:
        """Give a permit back whose call was abandoned or failed for the caller's own fault."""
        if permit.probe:
            self._change(permit.key, lambda old: circuit.cancelled(old, probe=permit.probe))

    def reset(self, key: BreakerKey) -> None:
        """Forget everything about a key, for a person who knows that it works again.

        A probe that is still running then says nothing about the circuit.
        """

        def step(old: Circuit) -> Circuit:
            untouched = old == Circuit(probe=old.probe)
            return old if untouched else Circuit(probe=old.probe + 1)

        self._change(key, step)

    def _sick(self, now: int) -> Iterator[tuple[BreakerKey, Verdict]]:
        with self._database.reading() as connection:
            rows = connection.execute(_READ_SICK, (now,)).fetchall()
        for provider, model, fingerprint, trips, opened, cooldown, probe in rows:
            found = Circuit(
                trips=trips, open_until=opened, cooldown_until=cooldown, probe_until=probe
            )
            verdict = circuit.judge(found, now=now, policy=self._policy)
            yield BreakerKey(provider, model, fingerprint), verdict

    def _acquire_probe(self, key: BreakerKey, *, now: int) -> Permit | None:
        with self._database.shared_transaction() as connection:
            self._database.lock(connection, "breaker", *key)
            old = _read(connection, key)
            verdict = circuit.judge(old, now=now, policy=self._policy)
            if verdict.state != "half_open":
                return Permit(key, since=now) if verdict.allowed else None
            if not verdict.allowed:
                return None
            new = circuit.probing(old, now=now, policy=self._policy)
            connection.execute(_WRITE, (*key, *new))
            return Permit(key, since=now, probe=new.probe)

    def _soon(self, key: BreakerKey, step: Step) -> None:
        outbox = self._database.outbox
        if outbox is None:
            self._change(key, step)
            return
        self._coming.add(key, step)

        def arrive() -> None:
            try:
                self._change(key, step)
            finally:
                self._coming.remove(key, step)

        outbox.later(arrive)

    def _change(self, key: BreakerKey, step: Step) -> None:
        with self._database.shared_transaction() as connection:
            self._database.lock(connection, "breaker", *key)
            old = _read(connection, key)
            new = step(old)
            if new != old:
                connection.execute(_WRITE, (*key, *new))


class _Coming:
    """What was reported here and is not in the database yet; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._steps: dict[BreakerKey, list[tuple[float, Step]]] = {}

    def add(self, key: BreakerKey, step: Step) -> None:
        now = time.monotonic()
        with self._lock:
            # One that a lost database never took counts for a while only.
            known = [one for one in self._steps.get(key, ()) if now - one[0] < _COMING_SECONDS]
            self._steps[key] = [*known, (now, step)]

    def remove(self, key: BreakerKey, step: Step) -> None:
        with self._lock:
            left = [one for one in self._steps.pop(key, ()) if one[1] is not step]
            if left:
                self._steps[key] = left

    def steps(self, key: BreakerKey) -> list[Step]:
        now = time.monotonic()
        with self._lock:
            known = self._steps.get(key, ())
            return [step for since, step in known if now - since < _COMING_SECONDS]


def _read(connection: Connection, key: BreakerKey) -> Circuit:
    row = connection.execute(_READ, key).fetchone()
    return Circuit(*row) if row else Circuit()
