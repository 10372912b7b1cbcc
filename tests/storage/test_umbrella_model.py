"""Money set aside for several calls, against exact integers: none is lost, none is made."""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mcp_router.errors import BudgetExceededError
from mcp_router.storage.budgets import BudgetRule
from mcp_router.storage.database import Database
from mcp_router.storage.ledger import Ledger, Purpose, Reservation
from tests.storage.servers import fresh_schema, needs_server

if TYPE_CHECKING:
    from collections.abc import Iterator

# A minute before midnight, which most leases cross.
START = 1_790_035_140_000
DAY_MS, LEASE_S = 86_400_000, 28_800
RULES = (BudgetRule("day", "day", 200), BudgetRule("all", "total", 700))


@dataclass
class Entry:
    """One reservation as the model remembers it; `holds` is what is still set aside by it."""

    held: Reservation
    at: int
    expires: int
    holds: int
    whole: Entry | None = None
    drawn: int = 0
    state: str = "open"
    spent: int = 0


class UmbrellaMachine(RuleBasedStateMachine):
    """Wholes and the parts drawn from them, by two processes, over days and lost leases."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        place = self.stack.enter_context(self.fresh())
        databases = [self.stack.enter_context(Database.open(place)) for _ in range(2)]
        self.ledgers = [Ledger(database, zone=UTC) for database in databases]
        self.entries: list[Entry] = []
        self.now = START
        self.guarded = True

    def teardown(self) -> None:
        self.stack.close()

    @contextmanager
    def fresh(self) -> Iterator[Path | str]:
        """Name a database that nobody has used."""
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder) / "router.db"

    def sums(self, budget: BudgetRule, at: int) -> tuple[int, int]:
        mine = [
            one
            for one in self.entries
            if budget.period == "total" or one.at // DAY_MS == at // DAY_MS
        ]
        return sum(one.spent for one in mine), sum(one.holds for one in mine)

    def fits(self, more: int, at: int) -> bool:
        return not more or all(
            sum(self.sums(budget, at)) + more <= (budget.limit_nanos or 0) for budget in RULES
        )

    @rule(step=st.sampled_from([0, 60_000, 10_800_000, 28_799_999, 28_800_000, DAY_MS]))
    def wait(self, step: int) -> None:
        self.now += step
        for one in self.entries:
            if one.state == "open" and one.expires <= self.now:
                one.state, one.holds = "expired", 0

    @rule(who=st.integers(0, 1), amount=st.integers(0, 150))
    def reserve(self, who: int, amount: int) -> None:
        self.ask(who, amount, None)

    @precondition(lambda self: self.entries)
    @rule(who=st.integers(0, 1), amount=st.integers(0, 120), data=st.data())
    def draw(self, who: int, amount: int, data: st.DataObject) -> None:
        wholes = [one for one in self.entries if one.whole is None]
        alive = [one for one in wholes if one.holds]
        self.ask(who, amount, data.draw(st.sampled_from(alive or wholes)))

    def ask(self, who: int, amount: int, whole: Entry | None) -> None:
        drawn = min(amount, whole.holds) if whole is not None else 0
        at = whole.at if whole is not None and drawn else self.now
        fits = self.fits(amount - drawn, at)
        purpose = Purpose("d", "m", {}, None if whole is None else whole.held)
        try:
            held = self.ledgers[who].reserve(
                amount, rules=RULES, purpose=purpose, lease_s=LEASE_S, now=self.now
            )
        except BudgetExceededError:
            assert not fits
            return
        assert fits
        assert held.drawn_nanos == drawn
        if whole is not None:
            whole.holds -= drawn
        expires = self.now + LEASE_S * 1000
        self.entries.append(Entry(held, at, expires, amount, whole, drawn))

    def some(self, data: st.DataObject) -> Entry:
        """Draw one of the latest reservations, ended or not."""
        return data.draw(st.sampled_from(self.entries[-5:]))

    @precondition(lambda self: self.entries)
    @rule(who=st.integers(0, 1), share=st.sampled_from([0, 1, 40, 100, 150]), data=st.data())
    def settle(self, who: int, share: int, data: st.DataObject) -> None:
        entry = self.some(data)
        actual = entry.held.amount_nanos * share // 100
        done = self.ledgers[who].settle(entry.held, actual, now=self.now)
        assert done == (entry.state in ("open", "expired"))
        if done:
            # Truth goes before limits.
            self.guarded &= actual <= entry.holds
            self.end(entry, "settled", actual)

    @precondition(lambda self: self.entries)
    @rule(who=st.integers(0, 1), data=st.data())
    def release(self, who: int, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.entries))
        done = self.ledgers[who].release(entry.held)
        assert done == (entry.state in ("open", "expired"))
        if done:
            self.end(entry, "released", 0)

    def end(self, entry: Entry, state: str, spent: int) -> None:
        back = min(entry.drawn, max(0, entry.holds - spent))
        if back and entry.whole is not None and entry.whole.state == "open":
            entry.whole.holds += back
        entry.state, entry.holds, entry.spent = state, 0, spent

    @precondition(lambda self: self.entries)
    @rule(who=st.integers(0, 1), data=st.data())
    def extend(self, who: int, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.entries))
        done = self.ledgers[who].extend(entry.held, lease_s=LEASE_S, now=self.now)
        assert done == (entry.state == "open")
        if done:
            entry.expires = max(entry.expires, self.now + LEASE_S * 1000)

    @invariant()
    def every_budget_is_the_sum_of_its_entries(self) -> None:
        for ledger in self.ledgers:
            for budget, status in zip(RULES, ledger.status(RULES, now=self.now), strict=True):
                told = int(status.spent_usd * 10**9), int(status.reserved_usd * 10**9)
                assert told == self.sums(budget, self.now)
                assert not self.guarded or sum(told) <= (budget.limit_nanos or 0)


UmbrellaMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)
TestUmbrellaMachine = UmbrellaMachine.TestCase


class SharedUmbrellaMachine(UmbrellaMachine):
    """The same on a server."""

    def fresh(self) -> AbstractContextManager[str]:
        return fresh_schema()


SharedUmbrellaMachine.TestCase.settings = settings(
    max_examples=3, stateful_step_count=25, deadline=None
)
TestSharedUmbrellaMachine = needs_server(SharedUmbrellaMachine.TestCase)
