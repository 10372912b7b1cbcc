"""Of all processes one holds a run, until it lets go of it or has not renewed its lease in time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_router.storage.run_leases import TERM_MS, Lease, RunLeases, Taken
from mcp_router.storage.workflows import WorkflowRuns
from tests.storage.conftest import NOON
from tests.storage.crew import crew

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_router.storage.database import Database

TAKER = """
import sys
from mcp_router.storage.database import Database
from mcp_router.storage.run_leases import RunLeases
with Database.open(sys.argv[1]) as database:
    print("ready", flush=True)
    sys.stdin.readline()
    print(type(RunLeases(database).take("r")).__name__)
"""


@pytest.fixture
def leases(database: Database) -> RunLeases:
    WorkflowRuns(database).start("r", name="w", definition={}, now=NOON)
    return RunLeases(database)


@pytest.fixture
def pass_time(database: Database) -> Callable[[int], None]:
    """Let leases be some milliseconds older; a negative number stands for a clock set back."""

    def move(milliseconds: int) -> None:
        database.write("UPDATE workflow_leases SET until_ms = until_ms - ?", (milliseconds,))

    return move


def taken(leases: RunLeases) -> Lease:
    found = leases.take("r")
    assert isinstance(found, Lease)
    return found


def test_a_run_that_is_held_is_refused_with_the_time_that_is_left(
    leases: RunLeases, pass_time: Callable[[int], None]
) -> None:
    taken(leases)
    pass_time(TERM_MS // 2)
    found = leases.take("r")
    assert isinstance(found, Taken)
    assert 0 < found.left_ms <= TERM_MS // 2


def test_whoever_renews_in_time_keeps_the_run(
    leases: RunLeases, pass_time: Callable[[int], None]
) -> None:
    mine = taken(leases)
    for _ in range(3):
        pass_time(TERM_MS - 5_000)
        assert leases.renew(mine)
        assert isinstance(leases.take("r"), Taken)


def test_whoever_did_not_renew_in_time_loses_it_only_to_another_one(
    leases: RunLeases, pass_time: Callable[[int], None]
) -> None:
    mine = taken(leases)
    pass_time(TERM_MS)
    assert leases.renew(mine)
    pass_time(TERM_MS)
    theirs = taken(leases)
    assert not leases.renew(mine)
    leases.release(mine)
    assert isinstance(leases.take("r"), Taken)
    assert leases.renew(theirs)


def test_a_run_that_was_let_go_of_is_there_for_others_at_once(leases: RunLeases) -> None:
    first = taken(leases)
    leases.release(first)
    assert not leases.renew(first)
    assert leases.renew(taken(leases))


def test_a_clock_that_was_set_back_or_began_anew_keeps_a_dead_holders_run_for_one_term(
    leases: RunLeases, pass_time: Callable[[int], None]
) -> None:
    taken(leases)
    pass_time(-1_000 * TERM_MS)
    assert leases.take("r") == Taken(TERM_MS)
    pass_time(TERM_MS)
    taken(leases)


def test_a_living_holder_keeps_its_run_when_a_clock_is_set_back(
    leases: RunLeases, pass_time: Callable[[int], None]
) -> None:
    mine = taken(leases)
    pass_time(-1_000 * TERM_MS)
    assert isinstance(leases.take("r"), Taken)
    assert leases.renew(mine)
    assert isinstance(leases.take("r"), Taken)


def test_a_lease_goes_with_its_run(leases: RunLeases, database: Database) -> None:
    mine, runs = taken(leases), WorkflowRuns(database)
    runs.forget("r")
    assert not leases.renew(mine)
    runs.start("r", name="w", definition={}, now=NOON)
    taken(leases)


# Far more than a step of the test takes, so that it is sure what has run out.
STEP_MS = TERM_MS // 3
DOINGS = st.sampled_from(["take", "take", "renew", "release", "wait", "wait", "set back"])


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(doings=st.lists(st.tuples(DOINGS, st.integers(0, 2)), max_size=30))
def test_whatever_happens_one_process_holds_a_run_and_none_for_longer_than_it_may(
    doings: list[tuple[str, int]], lasting: Database
) -> None:
    runs, leases = WorkflowRuns(lasting), RunLeases(lasting)
    runs.forget("r")
    runs.start("r", name="w", definition={}, now=NOON)
    held: dict[int, Lease] = {}
    holder, left = None, 0
    for doing, who in doings:
        if doing in ("wait", "set back"):
            gone = STEP_MS if doing == "wait" else -5 * TERM_MS
            lasting.write("UPDATE workflow_leases SET until_ms = until_ms - ?", (gone,))
            left -= gone
        elif doing == "take":
            found = leases.take("r")
            assert isinstance(found, Lease) == (holder is None or left <= 0)
            if isinstance(found, Lease):
                held[who], holder, left = found, who, TERM_MS
            else:
                left = min(left, TERM_MS)
        elif who in held and doing == "renew":
            assert leases.renew(held[who]) == (who == holder)
            left = TERM_MS if who == holder else left
        elif who in held:
            leases.release(held.pop(who))
            holder = None if who == holder else holder


def test_of_many_processes_that_ask_at_once_one_gets_the_run(
    leases: RunLeases, place: Path | str, pass_time: Callable[[int], None]
) -> None:
    # Also where a lease has run out, which all of them see.
    taken(leases)
    pass_time(TERM_MS)
    with crew("-c", TAKER, str(place), size=6) as members:
        said = [member.communicate(timeout=60)[0].strip() for member in members]
    assert sorted(said) == ["Lease", *["Taken"] * 5]
