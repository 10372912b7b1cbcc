"""The guard rails of an experiment, looked at after every result: bad arms stop, and so may all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.experiments.tally import results
from mcp_router.experiments.telling import sentence
from mcp_router.experiments.treatment import rules_of
from mcp_router.experiments.verdict import stops, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mcp_router.experiments.treatment import Running
    from mcp_router.experiments.verdict import Stop
    from mcp_router.storage.exposures import Exposures


def guard(log: Exposures, running: Running, *, now: datetime) -> tuple[str, ...]:
    """Stop what must stop, and say so; of all processes that look only one does either.

    Raises:
        StorageError: the database failed.
    """
    return tuple(_guard(log, running, now))


def _guard(log: Exposures, running: Running, now: datetime) -> Iterator[str]:
    name, plan = running.name, running.plan
    rules, tallies = rules_of(plan), log.tallies(name)
    for stop in stops(tallies, control=plan.base, rules=rules):
        if stop.arm == plan.base:
            if log.end(name, decided=False, now=now):
                told = f"Experiment {name} has ended: its control, {stop.arm}, had to stop"
                yield f"{told}, as {stop.reason}."
            return
        if stop.arm not in running.stopped:
            yield from _stopped(log, running, stop, now)
    seen = sum(map(results, tallies))
    if plan.max_samples and seen >= plan.max_samples and log.end(name, decided=True, now=now):
        found = verdict(tallies, rules=rules)
        said = sentence(tallies, control=plan.base, found=found, rules=rules)
        yield f"Experiment {name} has ended after {seen:,} results: {said}."


def _stopped(log: Exposures, running: Running, stop: Stop, now: datetime) -> Iterator[str]:
    if log.stop_arm(running.name, arm=stop.arm, reason=stop.reason, now=now):
        told = f"Experiment {running.name}: arm {stop.arm} is stopped, as {stop.reason}."
        yield f"{told} What would be its own goes to {running.plan.base}."
