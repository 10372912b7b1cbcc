"""Rows are written whole to a file or to stdout, and no file is replaced by surprise."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest

from mcp_router.cli.exporting import KINDS
from mcp_router.storage.kinds import Kind
from mcp_router.storage.sqlite import SqliteStore
from tests.cli.conftest import Invoke
from tests.cli.process import start
from tests.storage.conftest import decision, outcome


@pytest.fixture(autouse=True)
def filled(home: Path) -> None:
    with SqliteStore.open(home / "router.db") as store:
        store.record_decision(decision(1, model="=danger"))
        store.record_outcome(outcome(1))


def test_the_kinds_are_those_of_the_store() -> None:
    assert get_args(Kind) == KINDS


def test_json_to_stdout_is_one_document(invoke: Invoke) -> None:
    (row,) = invoke("export", "--format", "json").json
    assert row["estimated_usd"] == "0.012"
    assert row["model"] == "=danger"


def test_csv_to_stdout_has_its_own_line_ends() -> None:
    done = start("export", "--format", "csv")
    assert done.stderr == b""
    assert done.stdout.count(b"\r\n") == 2
    (row,) = csv.DictReader(io.StringIO(done.stdout.decode(), newline=""))
    assert row["model"] == "'=danger"


@pytest.mark.parametrize("written", ["json", "csv", "sqlite"])
def test_a_file_is_written_whole_and_counted(written: str, home: Path, invoke: Invoke) -> None:
    result = invoke("export", "--format", written, "--kind", "outcomes", "--output", "rows")
    assert (result.code, result.out) == (0, "")
    assert result.err == "written: 1 row to rows\n"
    content = (home / "rows").read_bytes()
    if written == "json":
        assert json.loads(content)[0]["cost_usd"] == "0.003"
    elif written == "csv":
        # The mark tells Excel that it is UTF-8.
        assert content.startswith(b"\xef\xbb\xbfseq,")
    else:
        with closing(sqlite3.connect(home / "rows")) as copy:
            cost = copy.execute("SELECT cost_nanos FROM routing_outcomes").fetchone()
        assert cost == (3_000_000,)


def test_a_file_that_exists_is_replaced_only_by_force(home: Path, invoke: Invoke) -> None:
    (home / "rows").write_text("mine", encoding="utf-8")
    refused = invoke("export", "--format", "json", "--output", "rows")
    assert refused.code == 1
    assert "--force" in refused.err
    assert (home / "rows").read_text(encoding="utf-8") == "mine"
    assert invoke("export", "--format", "json", "--output", "rows", "--force").code == 0
    assert json.loads((home / "rows").read_text(encoding="utf-8"))


def test_a_database_needs_a_file(invoke: Invoke) -> None:
    result = invoke("export", "--format", "sqlite")
    assert result.code == 2
    assert "--output" in result.err


def test_details_are_the_whole_decision(invoke: Invoke) -> None:
    (row,) = invoke("export", "--format", "json", "--details").json
    assert row["details"]["rejected"][0]["filter"] == "context"


def test_a_failed_export_leaves_no_file(home: Path, invoke: Invoke) -> None:
    (home / "rows").mkdir()
    assert invoke("export", "--format", "json", "--output", "rows/x/y").code == 1
    assert list((home / "rows").iterdir()) == []
