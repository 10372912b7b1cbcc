"""Trials are paid from one allowance, switches follow them, and a person can undo both."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.money import to_usd
from mcp_router.storage.database import Database
from mcp_router.storage.reset import clear_records
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.storage.trials import EVENTS, Trials
from tests.storage.conftest import NOON, decision, emptied, outcome

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_router.types import Decision

CENT = Decimal("0.01")
DAY = timedelta(days=1)


@pytest.fixture
def trials(cleared: Database) -> Trials:
    return Trials(cleared, zone=UTC)


def choice(kind: str = "explored", **changes: Any) -> dict[str, Any]:
    fixed = {"usual": "sonnet", "propensity": 0.3, "chance": 0.7, "usual_cost_usd": "0.02"}
    return {"kind": kind, "quality": 0.8, "usual_quality": 0.9, **fixed, **changes}


def made(number: int, *, cost: Decimal | str | None = "0.004", **learnt: Any) -> Decision:
    """Make a decision in which learning had a say; by default it tries haiku for 0.4 cents."""
    counts = {"input_tokens": 900, "output_tokens": 300, "latency_ms": 2_000}
    model = "sonnet" if learnt.get("kind") == "usual" else "haiku"
    estimated = {"cost_usd": cost, **counts}
    return decision(number, model=model, estimated=estimated, learnt=choice(**learnt))


def ready(number: int, *, model: str = "haiku", quality: float = 0.9) -> Decision:
    """Make a decision that says it is time to switch."""
    told: dict[str, Any] = {"ready": model, "ready_quality": quality, "ready_chance": 0.8}
    return made(number, kind="usual", usual_quality=0.9, propensity=0.7, **told)


def admit(trials: Trials, one: Decision, *, now: datetime = NOON, allowance: Any = CENT) -> bool:
    return trials.admit(one, allowance=Decimal(allowance), now=now)


def left(trials: Trials, *, now: datetime = NOON, allowance: Decimal = CENT) -> Decimal:
    leave = trials.leave(now=now, allowance=allowance, revision=0)
    assert leave is not None
    return leave.left_usd


def switches(trials: Trials) -> dict[str, tuple[str, bool]]:
    found = trials.account(now=NOON).switches
    return {one.task_type: (one.model, one.undone) for one in found}


def kinds(trials: Trials) -> list[str]:
    return [one.kind for one in trials.account(now=NOON).events]


def judge(cleared: Database, number: int, *, model: str, score: float, source: str) -> None:
    told = {"score": score, "source": source, "cost_usd": None, "usage": None}
    SqliteStore(cleared).record_outcome(outcome(number, model=model, **told))


def test_without_an_allowance_there_is_no_leave_and_with_one_all_of_it(trials: Trials) -> None:
    assert trials.leave(now=NOON, allowance=Decimal(0), revision=0) is None
    assert left(trials) == CENT


def test_a_trial_takes_its_price_and_the_last_one_may_take_all_that_is_left(
    trials: Trials,
) -> None:
    assert admit(trials, made(1))
    assert left(trials) == Decimal("0.006")
    assert admit(trials, made(2, cost="0.006"))
    assert left(trials) == 0
    assert not admit(trials, made(3, cost="0.000000001"))
    assert trials.account(now=NOON).tried == 2


def test_an_allowance_lowered_below_what_was_spent_leaves_nothing(trials: Trials) -> None:
    admit(trials, made(1))
    assert left(trials, allowance=Decimal("0.003")) == 0
    assert not admit(trials, made(2, cost="0"), allowance="0.003")
    assert left(trials) == Decimal("0.006")


def test_a_trial_that_is_refused_leaves_no_trace(trials: Trials) -> None:
    before = trials.account(now=NOON)
    assert not admit(trials, made(1, cost="0.010000001", ready="haiku", ready_quality=0.9))
    assert trials.account(now=NOON) == before


def test_what_is_usual_or_switched_takes_nothing_of_the_allowance(trials: Trials) -> None:
    assert admit(trials, made(1, kind="usual", cost="5"))
    assert admit(trials, made(2, kind="switched", cost="5"))
    assert left(trials) == CENT


def test_a_decision_without_a_say_of_learning_is_let_through_and_not_kept(trials: Trials) -> None:
    assert admit(trials, decision(1), allowance=0)
    account = trials.account(now=NOON)
    assert (account.tried, account.switched, account.events) == (0, 0, ())


def test_a_decision_that_is_told_twice_is_paid_once(trials: Trials) -> None:
    for _ in range(3):
        assert admit(trials, made(1, cost="0.003"))
    assert left(trials) == Decimal("0.007")


def test_a_trial_that_cost_more_than_expected_takes_what_it_cost(
    trials: Trials, cleared: Database
) -> None:
    admit(trials, made(1))
    store = SqliteStore(cleared)
    for cost in ("0.004", "0.003"):
        store.record_outcome(outcome(1, model="haiku", cost_usd=cost))
    # Neither another model's call nor a judge's is the price of the trial.
    store.record_outcome(outcome(1, model="opus", cost_usd="0.5"))
    store.record_outcome(outcome(1, model="haiku", cost_usd="0.5", source="judge"))
    assert left(trials) == Decimal("0.003")


def test_a_trial_that_cost_less_than_expected_gives_nothing_back(
    trials: Trials, cleared: Database
) -> None:
    admit(trials, made(1))
    SqliteStore(cleared).record_outcome(outcome(1, model="haiku", cost_usd="0.001"))
    assert left(trials) == Decimal("0.006")


@pytest.mark.parametrize(("zone", "at"), [("UTC", 0), ("Asia/Tokyo", 15), ("America/New_York", 5)])
def test_the_allowance_is_whole_again_at_midnight_where_the_person_is(
    cleared: Database, zone: str, at: int
) -> None:
    trials = Trials(cleared, zone=ZoneInfo(zone))
    midnight = datetime(2026, 11, 20, at, tzinfo=UTC)
    assert admit(trials, made(1), now=midnight - timedelta(milliseconds=1))
    assert left(trials, now=midnight - timedelta(milliseconds=1)) == Decimal("0.006")
    assert left(trials, now=midnight) == CENT
    assert trials.account(now=midnight).tried_usd == Decimal("0.004")


def test_the_draws_of_a_day_and_a_state_are_their_own(trials: Trials) -> None:
    seeds = {
        leave.seed
        for now in (NOON, NOON + DAY)
        for revision in (0, 1)
        if (leave := trials.leave(now=now, allowance=CENT, revision=revision))
    }
    assert len(seeds) == 4
    again = trials.leave(now=NOON + timedelta(hours=1), allowance=CENT, revision=1)
    assert again is not None
    assert again.seed in seeds


def test_a_task_type_is_switched_once_it_is_ready_and_the_revision_moves(
    trials: Trials, cleared: Database
) -> None:
    store = SqliteStore(cleared)
    before = store.learnt.revision
    admit(trials, ready(1))
    admit(trials, ready(2))
    assert store.learnt.switches["debugging"].model == "haiku"
    assert store.learnt.revision == before + 1
    assert (switches(trials), kinds(trials)) == ({"debugging": ("haiku", False)}, ["switched"])


def test_logged_trials_that_speak_against_it_hold_a_switch_back(
    trials: Trials, cleared: Database
) -> None:
    for number in range(20):
        admit(trials, made(number, propensity=0.5), allowance=1)
        judge(cleared, number, model="haiku", score=0.1, source="feedback")
    admit(trials, ready(99))
    assert switches(trials) == {}


def test_logged_trials_of_other_work_say_nothing(trials: Trials, cleared: Database) -> None:
    for number in range(20):
        admit(trials, made(number).model_copy(update={"task_type": "chat"}), allowance=1)
        judge(cleared, number, model="haiku", score=0.0, source="feedback")
    admit(trials, ready(99))
    assert switches(trials) == {"debugging": ("haiku", False)}


def test_of_several_judgements_of_a_trial_the_latest_counts(
    trials: Trials, cleared: Database
) -> None:
    for number in range(20):
        admit(trials, made(number, propensity=0.5), allowance=1)
        for score in (0.0, 0.0, 1.0):
            judge(cleared, number, model="haiku", score=score, source="feedback")
    admit(trials, ready(99))
    assert switches(trials) == {"debugging": ("haiku", False)}


def test_a_switch_that_failed_ends_and_says_so(trials: Trials) -> None:
    admit(trials, ready(1))
    admit(trials, made(2, kind="usual", failed=True))
    assert (switches(trials), kinds(trials)) == ({}, ["back", "switched"])
    admit(trials, made(3, kind="usual", failed=True))
    assert kinds(trials) == ["back", "switched"]


def test_undoing_puts_the_usual_model_back_for_good(trials: Trials) -> None:
    admit(trials, ready(1))
    assert trials.undo(task="debugging", now=NOON) == ("debugging",)
    admit(trials, ready(2, model="tiny"))
    admit(trials, made(3, kind="usual", failed=True))
    assert switches(trials) == {"debugging": ("haiku", True)}
    assert trials.undo(task="debugging", now=NOON) == ()


def test_what_is_restored_is_as_if_it_had_never_been_switched(
    trials: Trials, cleared: Database
) -> None:
    admit(trials, ready(1))
    assert trials.restore(task="", now=NOON) == ()
    trials.undo(task="", now=NOON)
    assert trials.restore(task="", now=NOON) == ("debugging",)
    assert switches(trials) == {}
    admit(trials, ready(2, model="tiny"))
    assert switches(trials) == {"debugging": ("tiny", False)}


def test_one_task_type_is_undone_without_the_others(trials: Trials) -> None:
    admit(trials, ready(1))
    admit(trials, ready(2).model_copy(update={"task_type": "chat"}))
    assert trials.undo(task="chat", now=NOON) == ("chat",)
    assert switches(trials) == {"chat": ("haiku", True), "debugging": ("haiku", False)}
    assert set(trials.undo(task="", now=NOON)) == {"debugging"}


def test_what_a_person_changed_is_told_with_the_latest_first(trials: Trials) -> None:
    for number in range(EVENTS + 5):
        trials.note("off", f"change {number}", now=NOON + timedelta(seconds=number))
    told = trials.account(now=NOON).events
    assert [one.told for one in told] == [f"change {EVENTS + 4 - n}" for n in range(EVENTS)]
    assert told[0].at == NOON + timedelta(seconds=EVENTS + 4)


def test_trying_is_unsafe_once_it_has_lost_more_than_it_may_and_safe_when_that_is_old(
    trials: Trials, cleared: Database
) -> None:
    assert trials.room(now=NOON) == 1
    for number in range(3):
        admit(trials, made(number))
        judge(cleared, number, model="haiku", score=0.0, source="feedback")
    # 3 decisions lost 0.9 each; 43 may lose 0.215 in all.
    assert trials.room(now=NOON) == 1, "it looks once a minute"
    assert trials.room(now=NOON + timedelta(minutes=1)) is None
    assert trials.room(now=NOON + 31 * DAY) == 1


def test_bad_luck_leaves_no_room_for_losses_and_good_luck_more(
    trials: Trials, cleared: Database
) -> None:
    for number in range(60):
        admit(trials, made(number, kind="usual"))
        judge(cleared, number, model="sonnet", score=1.0, source="feedback")
    admit(trials, made(60, quality=0.95))
    judge(cleared, 60, model="haiku", score=1.0, source="feedback")
    # 101 may lose 0.505; 0.1 was gained, and 0.05 expected by 30 answers.
    assert trials.room(now=NOON) == pytest.approx(1 + (0.1 + 30 * 0.05) / 31 / 0.505)
    admit(trials, made(61, kind="switched", quality=0.95))
    judge(cleared, 61, model="haiku", score=0.0, source="feedback")
    # 102 may lose 0.51, of which 0.9 - 0.1 came, though none was expected to.
    assert trials.room(now=NOON + timedelta(minutes=1)) == 0


def test_what_the_usual_model_got_wrong_is_no_loss_of_trying(
    trials: Trials, cleared: Database
) -> None:
    for number in range(20):
        admit(trials, made(number, kind="usual"))
        judge(cleared, number, model="sonnet", score=0.0, source="feedback")
    assert trials.room(now=NOON) == 1


def test_a_task_type_is_as_much_of_the_work_as_was_decided_of_it(
    trials: Trials, cleared: Database
) -> None:
    assert trials.parts(now=NOON) == {"": 0.5}
    for number in range(180):
        task = "chat" if number < 70 else "debugging"
        one = decision(number).model_copy(update={"task_type": task})
        SqliteStore(cleared).record_decision(one)
    assert trials.parts(now=NOON) == {"": 0.5}, "it looks once a minute"
    later = trials.parts(now=NOON + timedelta(minutes=1))
    assert later == {"": 10 / 200, "chat": 80 / 200, "debugging": 120 / 200}


def test_fifty_trials_that_nobody_judged_are_the_last(trials: Trials, cleared: Database) -> None:
    for number in range(50):
        assert trials.room(now=NOON + timedelta(minutes=number)) == 1
        admit(trials, made(number, cost="0"))
    assert trials.room(now=NOON + timedelta(hours=1)) is None
    judge(cleared, 7, model="haiku", score=0.9, source="judge")
    assert trials.room(now=NOON + timedelta(hours=2)) is not None


def test_the_account_says_what_was_saved_beside_the_usual_models(trials: Trials) -> None:
    admit(trials, made(1, cost="0.004"))
    admit(trials, made(2, kind="switched", cost="0.005"))
    admit(trials, made(3, kind="usual", cost="0.9"))
    account = trials.account(now=NOON)
    assert (account.tried, account.tried_usd, account.switched) == (1, Decimal("0.004"), 1)
    assert account.saved_usd == Decimal("0.031")
    assert account.spent_today_usd == Decimal("0.004")
    assert trials.account(now=NOON + DAY).spent_today_usd == 0


def test_old_trials_go_with_the_records_that_are_pruned(trials: Trials, cleared: Database) -> None:
    admit(trials, made(1), now=NOON - 9 * DAY)
    admit(trials, made(2), now=NOON)
    SqliteStore(cleared).prune(before=NOON - DAY)
    assert trials.account(now=NOON).tried == 1
    assert left(trials) == Decimal("0.006")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 4_000_000), min_size=1, max_size=12), st.integers(0, 10_000_000))
def test_no_order_of_trials_spends_more_than_the_allowance_nor_refuses_one_that_fits(
    lasting: Database, costs: list[int], nanos: int
) -> None:
    emptied(lasting)
    trials, allowance, spent = Trials(lasting, zone=UTC), to_usd(nanos), 0
    for number, cost in enumerate(costs):
        let = admit(trials, made(number, cost=to_usd(cost)), allowance=allowance)
        assert let == (spent + cost <= nanos)
        spent += cost * let
    assert trials.account(now=NOON).spent_today_usd == to_usd(spent)


def test_connections_that_try_at_once_share_one_allowance_to_the_nano(
    place: Path | str,
) -> None:
    with ExitStack() as stack:
        databases = [stack.enter_context(Database.open(place)) for _ in range(4)]
        start = Barrier(4)

        def spend(who: int) -> int:
            trials = Trials(databases[who], zone=UTC)
            start.wait()
            return sum(admit(trials, made(10 * who + at, cost="0.001")) for at in range(8))

        with ThreadPoolExecutor(4) as pool:
            let = sum(pool.map(spend, range(4)))
        account = Trials(databases[0], zone=UTC).account(now=NOON)
    assert let == account.tried == 10
    assert account.spent_today_usd == CENT


ZONES = [ZoneInfo(name) for name in ("Pacific/Kiritimati", "Asia/Kathmandu", "America/St_Johns")]


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(-72, 72), min_size=1, max_size=10), st.sampled_from(ZONES))
def test_the_days_of_any_zone_divide_what_was_tried_among_them(
    lasting: Database, hours: list[int], zone: ZoneInfo
) -> None:
    emptied(lasting)
    trials = Trials(lasting, zone=zone)
    # In the order of time: what is spent today knows no later days.
    moments = [NOON + timedelta(hours=one, minutes=7) for one in sorted(hours)]
    for number, moment in enumerate(moments):
        admit(trials, made(number, cost="0.001"), now=moment, allowance=1)
        today = moment.astimezone(zone).date()
        count = sum(one.astimezone(zone).date() == today for one in moments[: number + 1])
        assert trials.account(now=moment).spent_today_usd == count * Decimal("0.001")


def test_what_was_tried_today_counts_whatever_is_pruned(trials: Trials, cleared: Database) -> None:
    admit(trials, made(1), now=NOON - 2 * DAY)
    admit(trials, made(2), now=NOON - timedelta(hours=1))
    SqliteStore(cleared).prune(before=NOON + DAY)
    assert left(trials) == Decimal("0.006")
    assert trials.account(now=NOON).tried == 1


def test_what_was_tried_today_counts_after_a_reset_with_what_it_cost(
    trials: Trials, cleared: Database
) -> None:
    store = SqliteStore(cleared)
    admit(trials, made(1), now=NOON - 2 * DAY)
    for number in (2, 3):
        admit(trials, made(number, cost="0.002"))
    store.record_outcome(outcome(2, model="haiku", cost_usd="0.005"))
    assert left(trials) == Decimal("0.003")
    for _ in range(2):
        clear_records(cleared)
        assert left(trials) == Decimal("0.003")
        assert trials.account(now=NOON).spent_today_usd == Decimal("0.007")
    assert admit(trials, made(4, cost="0.003"))
    assert not admit(trials, made(5, cost="0.000000001"))
    assert left(trials, now=NOON + DAY) == CENT


def test_a_reset_forgets_what_the_trials_of_today_taught(trials: Trials, cleared: Database) -> None:
    for number in range(60):
        admit(trials, made(number, cost="0"))
    admit(trials, made(60, kind="usual"))
    clear_records(cleared)
    account = trials.account(now=NOON)
    assert (account.tried, account.tried_usd, account.saved_usd) == (0, 0, 0)
    assert Trials(cleared, zone=UTC).room(now=NOON) == 1, "they do not count as never judged"
    judge(cleared, 7, model="haiku", score=0.0, source="judge")
    assert kinds_kept(cleared) == {"explored": 60}


def test_a_call_that_ends_after_a_reset_counts_with_what_it_cost(
    trials: Trials, cleared: Database
) -> None:
    admit(trials, made(1, cost="0.002"))
    clear_records(cleared)
    SqliteStore(cleared).record_outcome(outcome(1, model="haiku", cost_usd="0.009"))
    assert left(trials) == Decimal("0.001")


@pytest.mark.parametrize("way", ["pruned", "archived"])
def test_what_a_trial_cost_counts_where_its_calls_are_gone(
    trials: Trials, cleared: Database, tmp_path: Path, way: str
) -> None:
    store = SqliteStore(cleared)
    admit(trials, made(1, cost="0.002"))
    store.record_outcome(outcome(1, model="haiku", cost_usd="0.009"))
    if way == "pruned":
        store.prune(before=NOON + DAY)
    elif not cleared.remote:
        store.archive(before=NOON + DAY, to=tmp_path / "old.db")
    assert left(trials) == Decimal("0.001")
    clear_records(cleared)
    assert left(trials) == Decimal("0.001")


def kinds_kept(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        found = connection.execute("SELECT kind, count(*) FROM learning_trials GROUP BY kind")
        return dict(found.fetchall())
