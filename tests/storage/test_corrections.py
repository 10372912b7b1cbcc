"""Corrections in the store: kept as buckets, replaced, undone, the latest 500 read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.routing.corrections import Correction
from mcp_router.storage.corrections import MOST
from mcp_router.storage.sqlite import SqliteStore

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ONE = Correction("planning", frozenset({1, 65_535, 300}))
TWO = Correction("chat", frozenset({7}))


def test_corrections_come_back_oldest_first(place: Path | str) -> None:
    with SqliteStore.open(place) as store:
        store.keep_correction(ONE, now=NOW)
        store.keep_correction(TWO, now=NOW)
        assert store.corrections() == (ONE, TWO)
    with SqliteStore.open(place) as store:
        assert store.corrections() == (ONE, TWO)


def test_the_same_words_again_take_the_place_of_the_former(place: Path | str) -> None:
    with SqliteStore.open(place) as store:
        store.keep_correction(ONE, now=NOW)
        store.keep_correction(TWO, now=NOW)
        again = ONE._replace(kind="testing")
        store.keep_correction(again, now=NOW)
        assert store.corrections() == (TWO, again)


def test_undo_takes_the_latest_or_the_one_named(place: Path | str) -> None:
    with SqliteStore.open(place) as store:
        for one in (ONE, TWO):
            store.keep_correction(one, now=NOW)
        assert store.drop_correction(words=ONE.words) == ONE
        assert store.drop_correction(words=ONE.words) is None
        assert store.drop_correction() == TWO
        assert store.drop_correction() is None
        assert store.corrections() == ()


def test_only_the_latest_count(place: Path | str) -> None:
    with SqliteStore.open(place) as store:
        with store.database.transaction():
            for number in range(MOST + 20):
                store.keep_correction(Correction("chat", frozenset({number})), now=NOW)
        found = store.corrections()
        assert len(found) == MOST
        assert found[-1].words == frozenset({MOST + 19})
        assert found[0].words == frozenset({20})


def test_no_words_are_in_the_file(tmp_path: Path) -> None:
    with SqliteStore.open(tmp_path / "r.db") as store:
        store.keep_correction(ONE, now=NOW)
    with closing(sqlite3.connect(tmp_path / "r.db")) as plain:
        row = plain.execute("SELECT task_type, words FROM task_corrections").fetchone()
    assert row == ("planning", (1).to_bytes(2, "little") + b"\x2c\x01" + b"\xff\xff")


@settings(max_examples=25, deadline=None)
@given(words=st.frozensets(st.integers(0, 65_535), max_size=400))
def test_any_buckets_survive(words: frozenset[int]) -> None:
    with TemporaryDirectory() as folder, SqliteStore.open(Path(folder) / "r.db") as store:
        store.keep_correction(Correction("chat", words), now=NOW)
        assert store.corrections() == (Correction("chat", words),)
