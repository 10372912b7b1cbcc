"""Decisions are written quickly, whole and the same, whatever was written before them."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router import Router
from mcp_router.errors import StorageError
from mcp_router.storage.analysis import decision_log
from mcp_router.storage.details import (
    DetailsWriter,
    compressed,
    decision_fields,
    decision_json,
    read_decision,
)
from mcp_router.storage.dump import batches, plan, readable, write_sqlite
from mcp_router.storage.judged import judged_decisions
from mcp_router.storage.runs import recent_runs
from mcp_router.types import Rejection
from tests.storage.conftest import NOON, decision, outcome
from tests.storage.servers import only_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.types import Decision

# Few of them, so that lists share items, lengths and beginnings.
KNOWN = tuple(
    Rejection(model=name, filter="retired", reason=f'retired; "{name}" → é') for name in "abcd"
)
ruled_out = st.lists(st.sampled_from(KNOWN), max_size=4).map(tuple)


def ruling_out(rejected: tuple[Rejection, ...]) -> Decision:
    return decision().model_copy(update={"rejected": rejected})


@given(st.lists(ruled_out, max_size=12))
def test_every_decision_comes_back_whatever_was_written_before(
    lists: list[tuple[Rejection, ...]],
) -> None:
    writer = DetailsWriter()
    for rejected in lists:
        made = ruling_out(rejected)
        written = writer.write(made).decode()
        assert read_decision(written, place="x") == made
        assert json.loads(written) == made.model_dump(mode="json")


def test_equal_values_that_are_other_objects_are_written_as_well() -> None:
    writer = DetailsWriter()
    once, again = ruling_out(KNOWN), ruling_out(tuple(one.model_copy() for one in KNOWN))
    assert writer.write(once) == writer.write(again)


def test_a_change_of_one_reason_is_noticed() -> None:
    writer = DetailsWriter()
    writer.write(ruling_out(KNOWN))
    changed = (*KNOWN[:3], KNOWN[3].model_copy(update={"reason": "retired yesterday"}))
    assert read_decision(writer.write(ruling_out(changed)).decode(), place="x").rejected == changed


def test_threads_that_write_different_decisions_do_not_mix_them_up() -> None:
    writer, wrong = DetailsWriter(), list[str]()

    def work(rejected: tuple[Rejection, ...]) -> None:
        made = ruling_out(rejected)
        for _ in range(200):
            if read_decision(writer.write(made).decode(), place="x") != made:
                wrong.append(rejected[0].model)

    threads = [threading.Thread(target=work, args=((one, one),)) for one in KNOWN]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_texts_of_messages_are_left_out() -> None:
    asked = {"messages": [{"role": "user", "content": "the launch code is 0000"}]}
    written = DetailsWriter().write(decision(request=asked, rejected=()))
    assert b"launch" not in written
    assert read_decision(written.decode(), place="x").request.messages == ()


def test_half_a_surrogate_pair_is_written_as_a_mark_in_any_place() -> None:
    writer = DetailsWriter()
    broken = Rejection(model="m", filter="denied", reason="half \ud800")
    made = decision(reasons=("half \udfff",), rejected=(broken,))
    for _ in range(2):
        read = read_decision(writer.write(made).decode(), place="x")
        assert (read.reasons, read.rejected[0].reason) == (("half ?",), "half ?")
    other = ruling_out(KNOWN)
    assert read_decision(writer.write(other).decode(), place="x") == other


@pytest.mark.parametrize("damage", [b"\xff\x00", b"{\xff}"])
def test_whoever_reads_a_damaged_decision_is_told_so(
    damage: bytes, store: SqliteStore, tmp_path: Path
) -> None:
    store.record_decision(decision(1))
    store.record_outcome(outcome(1))
    store.record_outcome(outcome(1, source="feedback", score=1.0))
    with store.database.transaction() as connection:
        connection.execute("UPDATE routing_decisions SET details = ?", (damage,))
    database = store.database
    dump = plan(database, kind="decisions", details=True)
    readers: list[Callable[[], object]] = [
        lambda: recent_runs(database, since=NOON),
        lambda: decision_log(database, limit=1),
        lambda: judged_decisions(database),
        lambda: [*map(readable(dump), *batches(dump))],
        lambda: write_sqlite(dump, tmp_path / "out.db", advance=lambda rows: None),
    ]
    for read in readers:
        with pytest.raises(StorageError, match="a decision in it is damaged"):
            read()


def test_json_that_was_cut_is_damaged() -> None:
    with pytest.raises(StorageError, match="x: a decision in it is damaged"):
        decision_fields('{"reason": ', place="x")


def test_compressed_details_read_the_same() -> None:
    made = ruling_out(KNOWN)
    text = DetailsWriter().write(made).decode()
    assert decision_json(compressed(text), place="x") == decision_json(text, place="x") == text
    assert read_decision(compressed(text), place="x") == made


@only_files
def test_details_are_text_that_other_programs_can_read(store: SqliteStore) -> None:
    store.record_decision(ruling_out(KNOWN))
    ask = "SELECT typeof(details), details ->> '$.rejected[0].reason' FROM routing_decisions"
    with store.database.reading() as connection:
        assert connection.execute(ask).fetchone() == ("text", 'retired; "a" → é')


def test_one_router_rules_the_same_models_out_by_the_same_values(tmp_path: Path) -> None:
    with Router.open(environ={"ROUTING_DB": str(tmp_path / "router.db")}) as router:
        first, second = router.route("Fix the login bug"), router.route("Write a short poem")
        kept = {id(one) for one in first.rejected if one.filter == "retired"}
        assert kept
        assert kept <= {id(one) for one in second.rejected}
        assert router.store.decision(first.decision_id) == first
        assert router.store.decision(second.decision_id) == second
