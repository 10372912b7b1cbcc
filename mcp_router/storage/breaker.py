"""A circuit breaker per (provider, model, key), shared by all processes through the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.storage import circuit
from mcp_router.storage.circuit import CLOSED, DEFAULT_POLICY, Circuit, Policy, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mcp_router.storage.database import Connection, Database


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

    def check(self, keys: Iterable[BreakerKey], *, now: int) -> Mapping[BreakerKey, Verdict]:
        """Say for each key whether a call may pass, with one query for all of them."""
        verdicts = dict.fromkeys(keys, CLOSED)
        verdicts |= {key: one for key, one in self._sick(now) if key in verdicts}
        return verdicts

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
        # A report of a moment ago may be on its way still, as those of other machines may be.
        with self._database.glance(own=False) as connection:
            found = _read(connection, key)
        verdict = circuit.judge(found, now=now, policy=self._policy)
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
        """Report a call that failed for the provider's fault, with the pause it asked for."""

        def step(old: Circuit) -> Circuit:
            new = circuit.failed(old, probe=permit.probe, now=now, policy=self._policy)
            if retry_after_ms is None:
                return new
            return circuit.limited(
                new, probe=0, retry_after_ms=retry_after_ms, now=now, policy=self._policy
            )

        self._change(permit.key, step)

    def limited(self, permit: Permit, *, now: int, retry_after_ms: int | None = None) -> None:
        """Report a 429: a pause, which counts neither as a failure nor as a success."""
        self._change(
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

    def _change(self, key: BreakerKey, step: Callable[[Circuit], Circuit]) -> None:
        with self._database.shared_transaction() as connection:
            self._database.lock(connection, "breaker", *key)
            old = _read(connection, key)
            new = step(old)
            if new != old:
                connection.execute(_WRITE, (*key, *new))


def _read(connection: Connection, key: BreakerKey) -> Circuit:
    row = connection.execute(_READ, key).fetchone()
    return Circuit(*row) if row else Circuit()
