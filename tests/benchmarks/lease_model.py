"""A budget that replicas lease slices of, in exact whole numbers: what no machine may break.

A replica spends from its slice without asking anybody, within the part of it that it has opened;
to open more it reports what it spent so far. All that is held (spent, leased, opened by those who
fell silent) never exceeds the limit. Where a replica falls silent, the closed part of its slice
comes back when its lease ends. The opened part stays held until its journal is found and says what
was spent of it. So nothing here leans on clocks: a replica that goes on after its lease has ended
spends what is held for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Slice:
    """What one lease holds of a budget: all of it, the part that may be spent, and its end."""

    held: int
    opened: int
    ends: int


@dataclass
class Pool:
    """The shared side: one row for the budget, one for each lease."""

    limit: int
    term: int
    spent: int = 0
    leases: dict[int, Slice] = field(default_factory=dict[int, Slice])
    doubtful: dict[int, int] = field(default_factory=dict[int, int])

    @property
    def held(self) -> int:
        """What nobody else can have."""
        leased = sum(one.held for one in self.leases.values())
        return self.spent + leased + sum(self.doubtful.values())

    def lease(self, number: int, *, amount: int, now: int) -> int:
        """Give a new lease as much of an amount as is free; returns how much."""
        given = max(0, min(amount, self.limit - self.held))
        if given:
            self.leases[number] = Slice(given, 0, now + self.term)
        return given

    def report(self, number: int, *, spent: int, wanted: int, now: int) -> int | None:
        """Book what was spent, and open up to `wanted` in all; None if the lease has ended."""
        lease = self.leases.get(number)
        if lease is None:
            return None
        self.spent += spent
        lease.held -= spent
        lease.opened = max(lease.opened - spent, min(wanted, lease.held))
        lease.ends = now + self.term
        return lease.opened

    def give_back(self, number: int, *, spent: int) -> None:
        """End a lease: book what was spent of what it held last, and free the rest."""
        if self.leases.pop(number, None) or self.doubtful.pop(number, None) is not None:
            self.spent += spent

    def expire(self, *, now: int) -> None:
        """End the leases of the silent; what they had opened stays held."""
        for number in [key for key, one in self.leases.items() if one.ends <= now]:
            self.doubtful[number] = self.leases.pop(number).opened


@dataclass
class Journal:
    """What a replica knows for certain, also after it was killed."""

    lease: int
    opened: int
    unreported: int = 0


class Replica:
    """Spends from slices of a pool; a lease number is never used twice."""

    def __init__(self, pool: Pool, *, first: int, step: int) -> None:
        """Prepare; its leases are numbered from `first` in steps that no other replica meets."""
        self._pool = pool
        self._next = first
        self._step = step
        self.journal: Journal | None = None
        self.asked = 0
        """How often the shared side was asked."""
        self.spent = 0

    def spend(self, amount: int, *, slice_size: int, tranche: int, now: int) -> bool:
        """Spend an amount if the budget allows it."""
        journal = self.journal or self._leased(slice_size, now=now)
        if journal is None:
            return False
        if journal.opened - journal.unreported < amount:
            self.report(wanted=max(tranche, amount), now=now)
        journal = self.journal
        if journal is None or journal.opened - journal.unreported < amount:
            # Too little is left of this slice; the next call may get another.
            self.give_back()
            return False
        journal.unreported += amount
        self.spent += amount
        return True

    def report(self, *, wanted: int, now: int) -> None:
        """Tell the pool what was spent, and have more opened."""
        journal = self.journal
        if journal is None:
            return
        self.asked += 1
        opened = self._pool.report(journal.lease, spent=journal.unreported, wanted=wanted, now=now)
        if opened is None:
            self.give_back()
        else:
            self.journal = Journal(journal.lease, opened)

    def give_back(self) -> None:
        """End the lease; also what is done first after a crash, from the journal."""
        if self.journal is not None:
            self.asked += 1
            self._pool.give_back(self.journal.lease, spent=self.journal.unreported)
        self.journal = None

    def _leased(self, size: int, *, now: int) -> Journal | None:
        self.asked += 1
        number, self._next = self._next, self._next + self._step
        if not self._pool.lease(number, amount=size, now=now):
            return None
        self.journal = Journal(number, 0)
        return self.journal
