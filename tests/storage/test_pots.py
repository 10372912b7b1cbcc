"""Money from a pot counts for the budget of the pot and for no other, at every step of an entry."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.errors import BudgetExceededError
from mcp_router.storage.budgets import BudgetRule
from mcp_router.storage.database import Database
from mcp_router.storage.ledger import Ledger, Purpose, Reservation
from mcp_router.storage.past import KEEP_MS

if TYPE_CHECKING:
    from pathlib import Path

START = 1_790_000_000_000
DAY = BudgetRule("day", "day", 1_000)
TOTAL = BudgetRule("total", "total", None)
SITE = BudgetRule("project=site", "total", None, tag="project=site")
SHADOW = BudgetRule("shadow", "day", 100, tag="shadow")
EVER = BudgetRule("shadow ever", "total", None, tag="shadow")
OURS = (DAY, TOTAL, SITE)
ALL = (*OURS, SHADOW, EVER)


def reserve(ledger: Ledger, nanos: int, *rules: BudgetRule, now: int = START) -> Reservation:
    purpose = Purpose("d", "m", {"project": "site"})
    return ledger.reserve(nanos, rules=rules, purpose=purpose, lease_s=60, now=now)


def spent(ledger: Ledger, *, now: int = START) -> dict[str, int]:
    return {one.name: int(one.spent_usd * 10**9) for one in ledger.status(ALL, now=now)}


def reserved(ledger: Ledger, *, now: int = START) -> dict[str, int]:
    return {one.name: int(one.reserved_usd * 10**9) for one in ledger.status(ALL, now=now)}


def test_a_pot_is_hard_and_neither_stops_nor_is_stopped_by_other_budgets(tmp_path: Path) -> None:
    with Database.open(tmp_path / "a.db") as database:
        own, pot = Ledger(database, zone=UTC), Ledger(database, zone=UTC, pot="shadow")
        own.settle(reserve(own, 1_000, *ALL), 1_000, now=START)
        pot.settle(reserve(pot, 60, SHADOW), 60, now=START)
        with pytest.raises(BudgetExceededError, match="shadow"):
            reserve(pot, 41, SHADOW)
        with pytest.raises(BudgetExceededError, match="day"):
            reserve(own, 1, *ALL)
        assert spent(own) == {
            "day": 1_000,
            "total": 1_000,
            "project=site": 1_000,
            "shadow": 60,
            "shadow ever": 60,
        }


def test_no_tag_of_a_request_leads_to_a_pot(tmp_path: Path) -> None:
    with Database.open(tmp_path / "a.db") as database:
        own = Ledger(database, zone=UTC)
        for key, value in (("shadow", ""), ("", "shadow"), ("shadow", "shadow")):
            purpose = Purpose("d", "m", {key: value})
            held = own.reserve(1, rules=ALL, purpose=purpose, lease_s=60, now=START)
            own.settle(held, 1, now=START)
        assert (spent(own)["day"], spent(own)["shadow"]) == (3, 0)


steps = st.lists(
    st.tuples(
        st.booleans(), st.sampled_from(["settle", "release", "expire", "hold"]), st.integers(0, 9)
    ),
    max_size=15,
)


@settings(max_examples=25, deadline=None)
@given(steps)
def test_every_budget_is_the_sum_of_its_own_entries(
    tmp_path_factory: pytest.TempPathFactory, taken: list[tuple[bool, str, int]]
) -> None:
    with Database.open(tmp_path_factory.mktemp("pots") / "a.db") as database:
        own, pot = Ledger(database, zone=UTC), Ledger(database, zone=UTC, pot="shadow")
        done, held = [0, 0], [0, 0]
        for aside, end, nanos in taken:
            ledger = pot if aside else own
            one = reserve(ledger, nanos, *((SHADOW,) if aside else (DAY,)))
            if end == "settle":
                ledger.settle(one, nanos, now=START)
                done[aside] += nanos
            elif end == "release":
                ledger.release(one)
            elif end == "expire":
                ledger.extend(one, lease_s=-100, now=START)
                held[aside] += nanos
            else:
                held[aside] += nanos
        # Budgets that are new find what was there before them.
        assert spent(own) == dict(zip(spent(own), (*[done[0]] * 3, *[done[1]] * 2), strict=True))
        assert reserved(own) == dict(zip(spent(own), (*[held[0]] * 3, *[held[1]] * 2), strict=True))
        later = START + 61_000
        assert set(reserved(own, now=later).values()) == {0}


def test_long_past_entries_become_sums_of_their_own(tmp_path: Path) -> None:
    with Database.open(tmp_path / "a.db") as database:
        own, pot = Ledger(database, zone=UTC), Ledger(database, zone=UTC, pot="shadow")
        own.settle(reserve(own, 7, DAY), 7, now=START)
        pot.settle(reserve(pot, 5, SHADOW), 5, now=START)
        later = START + KEEP_MS + 86_400_000
        reserve(own, 0, DAY, now=later)
        with database.reading() as connection:
            assert connection.execute("SELECT * FROM ledger_past ORDER BY tag").fetchall() == [
                ("", 7),
                ("project=site", 7),
                ("shadow", 5),
            ]
        found = spent(own, now=later)
        assert (found["total"], found["shadow ever"], found["day"], found["shadow"]) == (7, 5, 0, 0)
