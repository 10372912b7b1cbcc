"""The sums of an experiment against a plain list of who met what, and what was said of it."""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mcp_router.experiments.tally import Tally, added
from mcp_router.storage.exposures import Exposures, Result
from mcp_router.storage.sqlite import SqliteStore
from tests.storage.conftest import NOON, outcome
from tests.storage.servers import fresh_schema, needs_server

if TYPE_CHECKING:
    from collections.abc import Iterator

DECISIONS = st.integers(0, 3)
EXPERIMENTS = st.sampled_from(["e", "f"])
ARMS = st.sampled_from(["a", "b"])
SCORES = st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0])


@dataclass
class Met:
    """One exposure as the model remembers it."""

    arm: str
    finished: bool = False
    judged: bool = False
    ok: bool | None = None
    score: float | None = None
    nanos: int | None = None
    latency: int | None = None


class ExposuresMachine(RuleBasedStateMachine):
    """Calls of two experiments that end, and are judged by people, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        place = self.stack.enter_context(self.fresh())
        self.stores = [self.stack.enter_context(SqliteStore.open(place)) for _ in range(2)]
        self.logs = [Exposures(store.database) for store in self.stores]
        self.met: dict[tuple[str, int], Met] = {}
        self.defined: set[str] = set()
        self.stopped: dict[str, dict[str, str]] = {"e": {}, "f": {}}
        self.ended: dict[str, str] = {}

    def teardown(self) -> None:
        self.stack.close()

    @contextmanager
    def fresh(self) -> Iterator[Path | str]:
        """Name a database that nobody has used."""
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder) / "router.db"

    @rule(who=st.integers(0, 1), name=EXPERIMENTS)
    def define(self, who: int, name: str) -> None:
        new = self.logs[who].define(name, details={"arms": ["a", "b"]}, now=NOON)
        assert new == (name not in self.defined)
        self.defined.add(name)

    @rule(who=st.integers(0, 1), name=EXPERIMENTS, arm=ARMS, number=DECISIONS)
    def meet(self, who: int, name: str, arm: str, number: int) -> None:
        self.logs[who].expose(name, arm=arm, unit="u", decision_id=f"d{number}", now=NOON)
        self.met.setdefault((name, number), Met(arm))

    @precondition(lambda self: self.met)
    @rule(
        who=st.integers(0, 1),
        data=st.data(),
        good=st.none() | st.booleans(),
        score=SCORES,
        nanos=st.none() | st.integers(0, 10**9),
        latency=st.none() | st.integers(1, 10_000),
    )
    def finish(
        self,
        who: int,
        data: st.DataObject,
        good: bool | None,
        score: float | None,
        nanos: int | None,
        latency: int | None,
    ) -> None:
        name, number = data.draw(st.sampled_from(sorted(self.met)))
        usd = None if nanos is None else Decimal(nanos) / 10**9
        result = Result(good is not None, bool(good), score, usd, latency)
        self.logs[who].finish(name, decision_id=f"d{number}", result=result, now=NOON)
        known = self.met[name, number]
        if known.finished:
            return
        known.finished, known.nanos, known.latency = True, nanos, latency
        # Nobody can have judged an answer that there was not.
        if not known.judged or good is None:
            known.ok = bool(good)
            known.score = float(known.ok) if score is None else score

    @rule(who=st.integers(0, 1), number=DECISIONS, ok=st.booleans(), score=SCORES)
    def judge(self, who: int, number: int, ok: bool, score: float | None) -> None:
        told = {"source": "feedback", "ok": ok, "score": score}
        self.stores[who].record_outcome(outcome(decision_id=f"d{number}", **told))
        for (_, decision), known in self.met.items():
            if decision == number:
                known.judged, known.ok = True, ok
                known.score = float(ok) if score is None else score

    @rule(who=st.integers(0, 1), number=DECISIONS, source=st.sampled_from(["judge", "execution"]))
    def hear_others(self, who: int, number: int, source: str) -> None:
        self.stores[who].record_outcome(outcome(decision_id=f"d{number}", source=source, ok=False))

    @rule(who=st.integers(0, 1), name=EXPERIMENTS, arm=ARMS, reason=st.sampled_from(["x", "y"]))
    def stop_an_arm(self, who: int, name: str, arm: str, reason: str) -> None:
        first = self.logs[who].stop_arm(name, arm=arm, reason=reason, now=NOON)
        assert first == (arm not in self.stopped[name])
        self.stopped[name].setdefault(arm, reason)

    @rule(who=st.integers(0, 1), name=EXPERIMENTS, decided=st.booleans())
    def end(self, who: int, name: str, decided: bool) -> None:
        ended = self.logs[who].end(name, decided=decided, now=NOON + timedelta(days=1))
        assert ended == (name in self.defined and name not in self.ended)
        if ended:
            self.ended[name] = "decided" if decided else "stopped"

    @precondition(lambda self: len(self.met) > 5)
    @rule(who=st.integers(0, 1), name=EXPERIMENTS)
    def forget(self, who: int, name: str) -> None:
        gone = [key for key in self.met if key[0] == name]
        assert self.logs[who].forget(name) == len(gone)
        for key in gone:
            del self.met[key]
        self.defined.discard(name)
        self.ended.pop(name, None)
        self.stopped[name] = {}

    @invariant()
    def the_sums_are_those_of_what_was_met(self) -> None:
        for name in ("e", "f"):
            wanted: dict[str, Tally] = {}
            for (experiment, _), one in self.met.items():
                if experiment != name:
                    continue
                tally = wanted.setdefault(one.arm, Tally(one.arm))
                if one.finished:
                    usd = None if one.nanos is None else one.nanos / 1e9
                    wanted[one.arm] = added(tally, ok=bool(one.ok), cost_usd=usd, score=one.score)
            for log in self.logs:
                found = {tally.arm: tally for tally in log.tallies(name)}
                assert found.keys() == wanted.keys()
                for arm, tally in wanted.items():
                    assert found[arm][1:4] == tally[1:4]
                    assert found[arm][4:] == pytest.approx(tally[4:], abs=1e-9)

    @invariant()
    def the_median_is_one_that_was_measured(self) -> None:
        for name in ("e", "f"):
            medians = self.logs[0].latencies(name, arms=["a", "b"])
            for arm, median in medians.items():
                took = sorted(
                    one.latency
                    for (experiment, _), one in self.met.items()
                    if (experiment, one.arm) == (name, arm) and one.latency is not None
                )
                assert median == (took[len(took) // 2] if took else None)

    @invariant()
    def every_process_sees_the_same_state(self) -> None:
        for log in self.logs:
            found = {one.name: one for one in log.all()}
            assert found.keys() == self.defined
            for name, one in found.items():
                assert one.state == self.ended.get(name, "running")
                assert dict(one.stopped) == self.stopped[name]
            assert set(log.running()) == self.defined - self.ended.keys()


ExposuresMachine.TestCase.settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None
)
TestExposuresMachine = ExposuresMachine.TestCase


class SharedExposuresMachine(ExposuresMachine):
    """The same on a server."""

    def fresh(self) -> AbstractContextManager[str]:
        return fresh_schema()


SharedExposuresMachine.TestCase.settings = settings(
    max_examples=3, stateful_step_count=25, deadline=None
)
TestSharedExposuresMachine = needs_server(SharedExposuresMachine.TestCase)
