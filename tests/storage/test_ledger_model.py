"""The ledger against a plain reference model: two processes, lost leases, daylight saving."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mcp_router.errors import BudgetExceededError
from mcp_router.storage.budgets import BudgetRule
from mcp_router.storage.database import Database
from mcp_router.storage.ledger import Ledger, Purpose, Reservation
from tests.storage.servers import fresh_schema, needs_server

ZONE = ZoneInfo("Europe/Berlin")
# The evening before the night of the 25-hour day, in the last week of a month.
START = int(datetime(2026, 10, 24, 20, tzinfo=ZONE).timestamp() * 1000)
MINUTE, HOUR = 60_000, 3_600_000
LEASE_S = 600
RULES = (
    BudgetRule("day", "day", 100),
    BudgetRule("month", "month", 350),
    BudgetRule("project=a", "day", 60, tag="project=a"),
    BudgetRule("session=s", "total", 240, tag="session=s"),
)
TAGS = st.fixed_dictionaries(
    {}, optional={"project": st.sampled_from("ab"), "session": st.sampled_from("st")}
)


@dataclass
class Entry:
    """One reservation as the model remembers it."""

    held: Reservation
    made: int
    expires: int
    tags: dict[str, str]
    amount: int
    state: str = "open"
    spent: int = 0


def period(kind: str, now: int) -> object:
    local = datetime.fromtimestamp(now / 1000, tz=ZONE)
    return {"day": local.date(), "month": (local.year, local.month), "total": ""}[kind]


class LedgerMachine(RuleBasedStateMachine):
    """Keeps every entry ever made and adds them up anew for every question."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        place = self.stack.enter_context(self.fresh())
        self.databases = [self.stack.enter_context(Database.open(place)) for _ in range(2)]
        self.ledgers = [Ledger(database, zone=ZONE) for database in self.databases]
        self.entries: list[Entry] = []
        self.now = START
        self.limits = {rule.name: rule.limit_nanos or 0 for rule in RULES}
        self.known = list(RULES[:2])
        # Budgets that were passed truthfully, or were not enforced all the time.
        self.unguarded = {rule.name for rule in RULES[2:]}

    def teardown(self) -> None:
        self.stack.close()

    @contextmanager
    def fresh(self) -> Iterator[Path | str]:
        """Name a database that nobody has used."""
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder) / "router.db"

    def in_force(self) -> list[BudgetRule]:
        return [rule._replace(limit_nanos=self.limits[rule.name]) for rule in self.known]

    def counted(self, budget: BudgetRule) -> list[Entry]:
        key, _, value = budget.tag.partition("=")
        here = period(budget.period, self.now)
        return [
            entry
            for entry in self.entries
            if (not budget.tag or entry.tags.get(key) == value)
            and period(budget.period, entry.made) == here
        ]

    def sums(self, budget: BudgetRule) -> tuple[int, int]:
        entries = self.counted(budget)
        held = [e.amount for e in entries if e.state == "open" and e.expires > self.now]
        return sum(e.spent for e in entries), sum(held)

    def live(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.state == "open"]

    @rule(
        step=st.sampled_from(
            [0, 1, MINUTE, 9 * MINUTE, 10 * MINUTE, HOUR, 5 * HOUR, 24 * HOUR, 46 * 24 * HOUR]
        ),
    )
    def wait(self, step: int) -> None:
        self.now += step

    @rule(who=st.integers(0, 1), amount=st.integers(0, 70), tags=TAGS, back=st.integers(0, HOUR))
    def reserve(self, who: int, amount: int, tags: dict[str, str], back: int) -> None:
        # A clock that stepped back (`back`) counts as standing still.
        for entry in self.live():
            if entry.expires <= self.now:
                entry.state = "lost"
        asked = {f"{key}={value}" for key, value in tags.items()}
        fits = all(
            not amount or sum(self.sums(rule)) + amount <= (rule.limit_nanos or 0)
            for rule in self.in_force()
            if not rule.tag or rule.tag in asked
        )
        ledger, purpose = self.ledgers[who], Purpose("d", "m", tags)
        ledger.reserve(0, rules=(), purpose=Purpose("d", "m"), lease_s=0, now=self.now)
        try:
            held = ledger.reserve(
                amount, rules=self.in_force(), purpose=purpose, lease_s=LEASE_S, now=self.now - back
            )
        except BudgetExceededError:
            assert not fits
        else:
            assert fits
            expires = self.now + LEASE_S * 1000
            self.entries.append(Entry(held, self.now, expires, tags, amount))

    @precondition(lambda self: self.entries)
    @rule(data=st.data(), share=st.sampled_from([0, 1, 50, 100, 130]))
    def settle(self, data: st.DataObject, share: int) -> None:
        entry = data.draw(st.sampled_from(self.entries))
        actual = entry.amount * share // 100
        done = self.ledgers[data.draw(st.integers(0, 1))].settle(entry.held, actual, now=self.now)
        assert done == (entry.state in {"open", "lost"})
        if done:
            late = entry.state == "lost" or entry.expires <= self.now
            if actual > entry.amount or (late and actual):
                self.unguarded.update(self.limits)
            entry.state, entry.spent = "settled", actual

    @precondition(lambda self: self.entries)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.entries))
        done = self.ledgers[data.draw(st.integers(0, 1))].release(entry.held)
        assert done == (entry.state in {"open", "lost"})
        if done:
            entry.state = "released"

    @precondition(lambda self: self.entries)
    @rule(data=st.data())
    def extend(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.entries))
        done = self.ledgers[0].extend(entry.held, lease_s=LEASE_S, now=self.now)
        assert done == (entry.state == "open" and entry.expires > self.now)
        if done:
            entry.expires = self.now + LEASE_S * 1000

    @rule(rule=st.sampled_from(RULES), change=st.integers(-50, 80))
    def change_a_limit(self, rule: BudgetRule, change: int) -> None:
        limit = max(0, self.limits[rule.name] + change)
        if limit < sum(self.sums(rule)):
            self.unguarded.add(rule.name)
        self.limits[rule.name] = limit

    @rule(rule=st.sampled_from(RULES))
    def drop_or_restore_a_budget(self, rule: BudgetRule) -> None:
        if rule in self.known:
            self.known.remove(rule)
        else:
            self.known.append(rule)
        self.unguarded.add(rule.name)

    @invariant()
    def every_budget_is_the_sum_of_its_entries(self) -> None:
        for ledger in self.ledgers:
            rules = self.in_force()
            for budget, status in zip(rules, ledger.status(rules, now=self.now), strict=True):
                spent, reserved = self.sums(budget)
                assert int(status.spent_usd * 10**9) == spent
                assert int(status.reserved_usd * 10**9) == reserved
                assert budget.name in self.unguarded or spent + reserved <= self.limits[budget.name]

    @invariant()
    def the_rows_add_up_to_what_was_spent(self) -> None:
        with self.databases[0].reading() as connection:
            kept = "SELECT coalesce(sum(spent_nanos), 0) FROM ledger_entries"
            past = "SELECT coalesce(sum(spent_nanos), 0) FROM ledger_past WHERE tag = ''"
            sums = [connection.execute(query).fetchone()[0] for query in (kept, past)]
            assert sum(sums) == sum(e.spent for e in self.entries)


LedgerMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=50, deadline=None)
TestLedgerMachine = LedgerMachine.TestCase


class SharedLedgerMachine(LedgerMachine):
    """The same on a server."""

    def fresh(self) -> AbstractContextManager[str]:
        return fresh_schema()


SharedLedgerMachine.TestCase.settings = settings(
    max_examples=6, stateful_step_count=30, deadline=None
)
TestSharedLedgerMachine = needs_server(SharedLedgerMachine.TestCase)
