"""A copy carries what was learnt, tried, compared and kept along, and it goes on from there."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from mcp_router.learning.pairs import Pair
from mcp_router.learning.ridge import Ridge
from mcp_router.routing.corrections import Correction
from mcp_router.routing.sketch import BUCKETS, Sketch, packed
from mcp_router.storage.answers import AnswerCache
from mcp_router.storage.copying import copy_history
from mcp_router.storage.exposures import Exposures, Result
from mcp_router.storage.lessons import judgements, keep_pairs, kept_pairs, undo_pairs
from mcp_router.storage.run_leases import Lease, RunLeases
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.storage.store import Context
from mcp_router.storage.workflows import WorkflowRuns
from mcp_router.types import Completion, Usage
from tests.storage.conftest import NOON, decision, outcome
from tests.storage.servers import fresh_schema, needs_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHOICE = {
    "kind": "explored",
    "usual": "opus",
    "propensity": 0.3,
    "chance": 0.7,
    "quality": 0.8,
    "usual_quality": 0.9,
    "usual_cost_usd": "0.02",
    "ready": "haiku",
    "ready_quality": 0.9,
}
KEY = bytes(range(240, 256)) * 2
WAYS = [
    pytest.param(("file", "file"), id="file to file"),
    pytest.param(("file", "server"), id="file to server", marks=needs_server),
    pytest.param(("server", "file"), id="server to file", marks=needs_server),
]


@pytest.fixture(params=WAYS)
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[SqliteStore]]:
    """Two fresh databases."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                SqliteStore.open(
                    tmp_path / f"{at}.db" if kind == "file" else stack.enter_context(fresh_schema())
                )
            )
            for at, kind in enumerate(request.param)
        ]


def answer() -> Completion:
    return Completion(
        decision_id="d",
        model="sonnet",
        provider="anthropic",
        content="Grüße 🙂",
        finish_reason="stop",
        usage=Usage(output_tokens=3),
        cost_usd=Decimal("0.001"),
        latency_ms=5,
        attempts=(),
    )


def fill(store: SqliteStore) -> None:
    """Leave something in every room of the store."""
    database = store.database
    features = packed(Sketch(3, frozenset({0, 10, 255, BUCKETS - 1})))
    for number in range(3):
        tried = decision(number, model="haiku", learnt=CHOICE)
        assert store.trials.admit(tried, allowance=Decimal(1), now=NOON)
        store.record_decision(tried, context=Context("p", "s", "c", features))
        told = {"source": "feedback", "score": number / 2, "model": "haiku"}
        store.record_outcome(outcome(number, **told))
    store.trials.undo(task="debugging", now=NOON)
    ridge = Ridge({0: 0.5, 10: -0.25, BUCKETS: 0.125}, 2.5)
    keep_pairs(database, [Pair("a", "b", ridge, 120, 0.02, 0.01, helps=True)], now=NOON)
    undo_pairs(database, undone=True)
    store.keep_correction(Correction("planning", frozenset({1, 2, 65_535})), now=NOON)
    AnswerCache(database, ttl=3_600).put(KEY, answer(), now=NOON)
    log = Exposures(database)
    log.define("e", details={"arms": ["a", "b"]}, now=NOON)
    log.expose("e", arm="a", unit="u", decision_id="decision-1", now=NOON)
    log.finish("e", decision_id="decision-1", result=Result(True, True, 0.75), now=NOON)
    log.stop_arm("e", arm="b", reason="it fails", now=NOON)
    runs = WorkflowRuns(database)
    runs.start("r", name="w", definition={"a": "é"}, now=NOON)
    runs.finish_step("r", step="s", result=answer(), ok=True, now=NOON)
    assert isinstance(RunLeases(database).take("r"), Lease)


def told(store: SqliteStore) -> list[object]:
    """Read everything back in its own words, but for what reading changes."""
    database, log = store.database, Exposures(store.database)
    return [
        store.trials.account(now=NOON),
        store.trials.leave(now=NOON, allowance=Decimal(1), revision=0),
        store.learnt,
        kept_pairs(database),
        judgements(database),
        store.corrections(),
        AnswerCache(database, ttl=3_600).statistics(),
        log.all(),
        log.tallies("e"),
        WorkflowRuns(database).run("r"),
        store.grades(now=NOON),
        store.integrity(),
    ]


def test_a_copy_reads_as_its_source_and_life_goes_on_in_it(ends: list[SqliteStore]) -> None:
    source, target = ends
    fill(source)
    before = told(source)
    copy_history(source.database, target.database, advance=lambda *_: None)
    assert told(target) == before
    kept = AnswerCache(target.database, ttl=3_600).get(KEY, now=NOON)
    assert kept is not None
    assert kept.completion == answer()

    allowance = Decimal("0.048")
    assert target.trials.admit(
        decision(7, model="haiku", learnt=CHOICE), allowance=allowance, now=NOON
    )
    assert not target.trials.admit(
        decision(8, model="haiku", learnt=CHOICE), allowance=allowance, now=NOON
    )
    # A person undid it there, so it is not switched here either.
    assert [one.undone for one in target.trials.account(now=NOON).switches] == [True]
    log = Exposures(target.database)
    target.record_outcome(outcome(1, source="feedback", ok=False, score=0.0))
    assert [(one.arm, one.failures, one.score) for one in log.tallies("e")] == [("a", 1, 0.0)]
    assert not log.define("e", details={}, now=NOON)
    later = NOON + timedelta(hours=1)
    assert WorkflowRuns(target.database).start("r2", name="w", definition={}, now=later)
    assert WorkflowRuns(target.database).runs_of("w") == ("r2", "r")
    # Who carries a run out there does not carry it out here.
    assert isinstance(RunLeases(target.database).take("r"), Lease)
