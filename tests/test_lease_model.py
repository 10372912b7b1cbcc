"""The model of budget leases that docs/teams.md rests on: no order of events passes the limit."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.benchmarks.lease_model import Pool, Replica

LIMIT = 1_000
TERM = 10
CREW = 3
WHICH = st.integers(0, CREW - 1)


class Leases(RuleBasedStateMachine):
    """Replicas spend, fall silent, come back, or go on after their lease has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.pool = Pool(LIMIT, TERM)
        self.crew = [Replica(self.pool, first=number, step=CREW) for number in range(CREW)]

    @rule(which=WHICH, amount=st.integers(1, 60), size=st.integers(1, 400), part=st.integers(1, 90))
    def spend(self, which: int, amount: int, size: int, part: int) -> None:
        self.crew[which].spend(amount, slice_size=size, tranche=part, now=self.now)

    @rule(which=WHICH, wanted=st.integers(0, 200))
    def report(self, which: int, wanted: int) -> None:
        self.crew[which].report(wanted=wanted, now=self.now)

    @rule(which=WHICH)
    def end_or_recover(self, which: int) -> None:
        self.crew[which].give_back()

    @rule(steps=st.integers(1, 2 * TERM))
    def time_passes(self, steps: int) -> None:
        self.now += steps
        self.pool.expire(now=self.now)

    @invariant()
    def nothing_is_promised_twice(self) -> None:
        assert self.pool.held <= LIMIT
        assert all(0 <= one.opened <= one.held for one in self.pool.leases.values())

    @invariant()
    def what_was_really_spent_is_held(self) -> None:
        assert sum(one.spent for one in self.crew) <= self.pool.held

    def teardown(self) -> None:
        for replica in self.crew:
            replica.give_back()
        self.pool.expire(now=self.now + 2 * TERM)
        assert self.pool.spent == sum(one.spent for one in self.crew)
        assert self.pool.held == self.pool.spent


TestLeases = Leases.TestCase


def test_the_closed_part_of_a_dead_replicas_slice_comes_back_when_its_lease_ends() -> None:
    pool = Pool(LIMIT, TERM)
    dead, other = Replica(pool, first=0, step=2), Replica(pool, first=1, step=2)
    assert dead.spend(30, slice_size=LIMIT, tranche=100, now=0)
    assert not other.spend(1, slice_size=LIMIT, tranche=100, now=TERM - 1)
    pool.expire(now=TERM)
    assert pool.held == 100
    assert other.spend(1, slice_size=LIMIT, tranche=100, now=TERM)


def test_the_opened_part_comes_back_once_its_journal_is_found() -> None:
    pool = Pool(LIMIT, TERM)
    dead = Replica(pool, first=0, step=1)
    assert dead.spend(30, slice_size=LIMIT, tranche=100, now=0)
    pool.expire(now=TERM)
    dead.give_back()
    assert (pool.held, pool.spent) == (30, 30)


def test_a_replica_that_goes_on_after_its_lease_has_ended_spends_what_is_held_for_it() -> None:
    pool = Pool(LIMIT, TERM)
    late, other = Replica(pool, first=0, step=2), Replica(pool, first=1, step=2)
    assert late.spend(30, slice_size=LIMIT, tranche=100, now=0)
    pool.expire(now=TERM)
    while other.spend(50, slice_size=LIMIT, tranche=50, now=TERM):
        pass
    assert late.spend(70, slice_size=LIMIT, tranche=100, now=TERM)
    assert late.spent + other.spent <= pool.held <= LIMIT


def test_slices_are_asked_for_once_in_many_calls() -> None:
    pool = Pool(1_000_000, TERM)
    replica = Replica(pool, first=0, step=1)
    for _ in range(1_000):
        assert replica.spend(10, slice_size=100_000, tranche=1_000, now=0)
    assert replica.asked <= 11
