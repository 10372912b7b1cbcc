"""Reports against a plain list of what was recorded, whatever is pruned, moved or summed up."""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mcp_router.storage.sqlite import SqliteStore
from mcp_router.storage.store import Context, Fallback, Range
from tests.storage.conftest import decision, outcome
from tests.storage.servers import fresh_schema, needs_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_router.storage.store import By

# Two days around the night in which clocks in Berlin go back.
START = datetime(2026, 10, 24, 12, tzinfo=UTC)
MOMENTS = st.integers(0, 48 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
MODELS = st.sampled_from(["haiku", "sonnet", "opus"])
PROJECTS = st.sampled_from(["", "site", "shop"])
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Chatham"]).map(ZoneInfo)
GROUPS: tuple[By, ...] = ("model", "provider", "task", "project", "category", "day")


class Line(NamedTuple):
    """One record as the model remembers it; money in nano-dollars."""

    at: datetime
    model: str
    project: str
    kind: str
    cost: int = 0
    ok: bool = False


class RecordsMachine(RuleBasedStateMachine):
    """Keeps every record ever made and adds them up anew for every question."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.place = self.stack.enter_context(self.fresh())
        self.stores = [self.stack.enter_context(SqliteStore.open(self.place)) for _ in range(2)]
        self.lines: list[Line] = []
        self.kept: list[Line] = []
        self.moved = 0

    def teardown(self) -> None:
        self.stack.close()

    @contextmanager
    def fresh(self) -> Iterator[Path | str]:
        """Name a database that nobody has used."""
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder) / "router.db"

    def add(self, line: Line) -> str:
        self.lines.append(line)
        self.kept.append(line)
        return f"decision-{len(self.lines)}"

    @rule(who=st.integers(0, 1), at=MOMENTS, model=MODELS, project=PROJECTS)
    def decide(self, who: int, at: datetime, model: str, project: str) -> None:
        made = self.add(Line(at, model, project, "decision"))
        self.stores[who].record_decision(
            decision(decision_id=made, created_at=at, model=model), context=Context(project)
        )

    @rule(
        who=st.integers(0, 1),
        at=MOMENTS,
        model=MODELS,
        project=PROJECTS,
        cost=st.integers(0, 10**12),
        ok=st.booleans(),
        burst=st.sampled_from([1, 1, 1, 70]),
    )
    def call(
        self, who: int, at: datetime, model: str, project: str, cost: int, ok: bool, burst: int
    ) -> None:
        store = self.stores[who]
        with store.together():
            for _ in range(burst):
                made = self.add(Line(at, model, project, "execution", cost, ok))
                values = {"model": model, "project": project, "ok": ok}
                store.record_outcome(
                    outcome(decision_id=made, created_at=at, cost_usd=usd(cost), **values)
                )

    @rule(who=st.integers(0, 1), at=MOMENTS, model=MODELS, cost=st.integers(0, 10**9))
    def judge(self, who: int, at: datetime, model: str, cost: int) -> None:
        made = self.add(Line(at, model, "", "judge", cost))
        told = {"model": model, "source": "judge", "score": 0.5, "cost_usd": usd(cost)}
        self.stores[who].record_outcome(outcome(decision_id=made, created_at=at, **told))

    @rule(who=st.integers(0, 1), at=MOMENTS, model=MODELS)
    def fall_back(self, who: int, at: datetime, model: str) -> None:
        made = self.add(Line(at, model, "", "fallback"))
        event = Fallback(made, at, "debugging", model, "anthropic", "", "", "timeout")
        self.stores[who].record_fallback(event)

    @rule(before=MOMENTS)
    def prune(self, before: datetime) -> None:
        moved = self.stores[0].prune(before=before)
        self.leave(before, sum(moved))

    def leave(self, before: datetime, count: int) -> None:
        young = [one for one in self.kept if one.at >= before]
        assert count == len(self.kept) - len(young)
        self.kept = young

    @precondition(lambda self: isinstance(self.place, Path))
    @rule(before=MOMENTS)
    def archive(self, before: datetime) -> None:
        target = self.place.with_name("old.db")
        moved = self.stores[1].archive(before=before, to=target)
        self.leave(before, sum(moved))
        self.moved += sum(moved)
        with SqliteStore.open(target) as old:
            assert rows(old) == self.moved
            assert old.integrity() == ()

    @precondition(lambda self: isinstance(self.place, Path))
    @rule()
    def vacuum(self) -> None:
        self.stores[0].vacuum()

    @rule()
    def go_on_in_another_process(self) -> None:
        self.stores[1].close()
        self.stores[1] = self.stack.enter_context(SqliteStore.open(self.place))

    @rule(zone=ZONES)
    def every_day_holds_its_own(self, zone: ZoneInfo) -> None:
        wanted: dict[str, int] = defaultdict(int)
        for one in self.lines:
            wanted[one.at.astimezone(zone).date().isoformat()] += one.cost
        for store in self.stores:
            days = store.stats(by="day", period="all", timezone=zone)
            assert {row.group: nanos(row.cost_usd) for row in days} == dict(wanted)

    @rule(cut=MOMENTS)
    def two_spans_make_the_whole(self, cut: datetime) -> None:
        cut = cut.replace(minute=cut.minute // 15 * 15)
        before = self.stores[0].totals(period=Range(None, cut))
        after = self.stores[0].totals(period=Range(cut, None))
        early = [one for one in self.lines if one.at < cut]
        assert nanos(before.cost_usd) == sum(one.cost for one in early)
        assert before.decisions + after.decisions == self.count("decision")
        assert nanos(before.cost_usd + after.cost_usd) == sum(one.cost for one in self.lines)

    def count(self, kind: str) -> int:
        return sum(one.kind == kind for one in self.lines)

    @invariant()
    def every_report_adds_up_to_what_was_recorded(self) -> None:
        spent = sum(one.cost for one in self.lines)
        good = sum(one.ok for one in self.lines)
        for store in self.stores:
            total = store.totals(period="all")
            counts = (total.decisions, total.calls, total.fallbacks)
            assert counts == tuple(map(self.count, ("decision", "execution", "fallback")))
            assert (nanos(total.cost_usd), total.ok) == (spent, good)
            for by in GROUPS:
                groups = store.stats(by=by, period="all")
                assert sum(nanos(row.cost_usd) for row in groups) == spent

    @invariant()
    def each_model_and_project_has_its_own(self) -> None:
        for by, key in (("model", 1), ("project", 2)):
            wanted = Counter({one[key]: 0 for one in self.lines})
            for one in self.lines:
                wanted[one[key]] += one.cost
            found = self.stores[0].stats(by=by, period="all")  # type: ignore[arg-type]
            assert {row.group: nanos(row.cost_usd) for row in found} == dict(wanted)

    @invariant()
    def the_rows_that_should_be_there_are_there(self) -> None:
        assert rows(self.stores[0]) == len(self.kept)

    @invariant()
    def judgements_outlive_their_rows(self) -> None:
        known = self.stores[1].grades(now=START)
        assert sum(one.cases for cells in known.values() for one in cells) == self.count("judge")

    @invariant()
    def the_sums_agree_with_one_another(self) -> None:
        assert self.stores[0].integrity() == ()


def usd(amount: int) -> Decimal:
    return Decimal(amount) / 10**9


def nanos(amount: Decimal) -> int:
    return int(amount * 10**9)


def rows(store: SqliteStore) -> int:
    with store.database.reading() as connection:
        tables = ("routing_decisions", "routing_outcomes", "fallback_events")
        return sum(
            connection.execute(f"SELECT count(*) FROM {one}").fetchone()[0] for one in tables
        )


RecordsMachine.TestCase.settings = settings(max_examples=6, stateful_step_count=20, deadline=None)
TestRecordsMachine = RecordsMachine.TestCase


class SharedRecordsMachine(RecordsMachine):
    """The same on a server, where nothing is archived."""

    def fresh(self) -> AbstractContextManager[str]:
        return fresh_schema()


SharedRecordsMachine.TestCase.settings = settings(
    max_examples=2, stateful_step_count=12, deadline=None
)
TestSharedRecordsMachine = needs_server(SharedRecordsMachine.TestCase)
