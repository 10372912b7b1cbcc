"""The rules of a circuit breaker: pure steps from one state of a circuit to the next.

A circuit is closed (calls pass), open (they do not, until a deadline), or half-open (one
probe may pass and decides). A 429 is no failure: it only sets a cooldown.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

State = Literal["closed", "open", "half_open", "cooldown"]


class Policy(NamedTuple):
    """When a circuit opens, and for how long; times in milliseconds.

    Attributes:
        failures: consecutive failures that open it.
        window_ms: length of the window the failure rate is taken over.
        window_calls: calls a window must hold before its rate counts.
        failure_percent: share of failed calls in the window that opens it.
        open_ms: first open time; it doubles with every failed probe.
        max_open_ms: longest open time.
        cooldown_ms: pause after a 429 that names no time.
        max_cooldown_ms: longest pause a provider may ask for.
        probe_ms: after this a probe that never reported is given up.
    """

    failures: int = 3
    window_ms: int = 60_000
    window_calls: int = 10
    failure_percent: int = 50
    open_ms: int = 30_000
    max_open_ms: int = 600_000
    cooldown_ms: int = 5_000
    max_cooldown_ms: int = 600_000
    probe_ms: int = 120_000


class Circuit(NamedTuple):
    """What is remembered of one circuit; times in UTC milliseconds, 0 for never.

    `trips` counts openings since it was last closed (0 means closed), `probe` numbers the
    probes, `calls` and `failed` belong to the window that began at `window_start`.
    """

    failures: int = 0
    window_start: int = 0
    calls: int = 0
    failed: int = 0
    trips: int = 0
    tripped_at: int = 0
    open_until: int = 0
    cooldown_until: int = 0
    probe: int = 0
    probe_until: int = 0


class Verdict(NamedTuple):
    """Whether a call may pass, in which state, and from when on otherwise (UTC ms, 0 for now)."""

    allowed: bool
    state: State
    until: int = 0


DEFAULT_POLICY = Policy()
CLOSED = Verdict(allowed=True, state="closed")


def judge(circuit: Circuit, *, now: int, policy: Policy) -> Verdict:
    """Say whether a call may pass; a half-open circuit allows one while its probe is free."""
    cooldown = _deadline(circuit.cooldown_until, now=now, longest=policy.max_cooldown_ms)
    opened = 0
    if circuit.trips:
        opened = _deadline(circuit.open_until, now=now, longest=policy.max_open_ms)
    if opened:
        return Verdict(allowed=False, state="open", until=max(opened, cooldown))
    if cooldown:
        return Verdict(allowed=False, state="cooldown", until=cooldown)
    if not circuit.trips:
        return CLOSED
    probing = _deadline(circuit.probe_until, now=now, longest=policy.probe_ms)
    return Verdict(allowed=not probing, state="half_open", until=probing)


def probing(circuit: Circuit, *, now: int, policy: Policy) -> Circuit:
    """Hand out the probe of a half-open circuit; its number is the new `probe`."""
    return circuit._replace(probe=circuit.probe + 1, probe_until=now + policy.probe_ms)


def cancelled(circuit: Circuit, *, probe: int) -> Circuit:
    """Take a probe back that said nothing about the provider."""
    return circuit._replace(probe_until=0) if probe == circuit.probe else circuit


def limited(
    circuit: Circuit, *, probe: int, retry_after_ms: int | None, now: int, policy: Policy
) -> Circuit:
    """Pause after a 429: neither a failure nor a success, so no counter moves."""
    pause = policy.cooldown_ms if retry_after_ms is None else max(0, retry_after_ms)
    until = now + min(pause, policy.max_cooldown_ms)
    old = _deadline(circuit.cooldown_until, now=now, longest=policy.max_cooldown_ms)
    paused = circuit._replace(cooldown_until=max(old, until))
    return cancelled(paused, probe=probe)


def succeeded(circuit: Circuit, *, probe: int, since: int, now: int, policy: Policy) -> Circuit:
    """Close the circuit, unless the call began before it opened and so proves nothing.

    `since` is when the call was allowed, `probe` its number if it was one, else 0.
    """
    if not circuit.trips:
        return _counted(circuit, failed=0, now=now, policy=policy)._replace(failures=0)
    proves = (probe and probe == circuit.probe) or since >= circuit.tripped_at
    if not proves:
        return circuit
    return Circuit(cooldown_until=circuit.cooldown_until, probe=circuit.probe)


def failed(circuit: Circuit, *, probe: int, now: int, policy: Policy) -> Circuit:
    """Count a failure; open where it is one too many, for longer where it was the probe.

    A failure that arrives while the circuit is open moves the deadline later, never sooner,
    and does not lengthen the next open time: many calls may fail of one outage.
    """
    if not circuit.trips:
        counted = _counted(circuit, failed=1, now=now, policy=policy)
        counted = counted._replace(failures=circuit.failures + 1)
        return _opened(counted, now=now, policy=policy) if _sick(counted, policy) else counted
    if probe and probe == circuit.probe:
        return _opened(circuit, now=now, policy=policy)._replace(probe_until=0)
    return circuit._replace(open_until=_later(circuit, now=now, policy=policy))


def _opened(circuit: Circuit, *, now: int, policy: Policy) -> Circuit:
    tripped = circuit._replace(trips=circuit.trips + 1, tripped_at=now)
    return tripped._replace(open_until=_later(tripped, now=now, policy=policy))


def _later(circuit: Circuit, *, now: int, policy: Policy) -> int:
    # The exponent is bounded so that a long outage never computes a huge power.
    doubled = policy.open_ms << min(circuit.trips - 1, 32)
    old = _deadline(circuit.open_until, now=now, longest=policy.max_open_ms)
    return max(old, now + min(doubled, policy.max_open_ms))


def _counted(circuit: Circuit, *, failed: int, now: int, policy: Policy) -> Circuit:
    if 0 <= now - circuit.window_start < policy.window_ms:
        return circuit._replace(calls=circuit.calls + 1, failed=circuit.failed + failed)
    return circuit._replace(window_start=now, calls=1, failed=failed)


def _sick(circuit: Circuit, policy: Policy) -> bool:
    if circuit.failures >= policy.failures:
        return True
    enough = circuit.calls >= policy.window_calls
    return enough and circuit.failed * 100 >= circuit.calls * policy.failure_percent


def _deadline(until: int, *, now: int, longest: int) -> int:
    # A deadline further ahead than any that is ever set was set before the clock stepped
    # back; keeping it would block a healthy model for as long as the step.
    return until if now < until <= now + longest else 0
