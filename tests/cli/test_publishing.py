"""The report is written as a page or as JSON; the dashboard serves it until it is stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.request
from pathlib import Path

import pytest

from mcp_router.cli.publishing import DEFAULT_PORT
from mcp_router.dashboard import live
from mcp_router.storage.sqlite import SqliteStore
from tests.cli.conftest import Invoke
from tests.cli.process import open_process
from tests.storage.conftest import decision


def test_the_port_is_that_of_the_dashboard() -> None:
    assert DEFAULT_PORT == live.DEFAULT_PORT


def test_the_page_is_written_and_its_name_printed(home: Path, invoke: Invoke) -> None:
    with SqliteStore.open(home / "router.db") as store:
        store.record_decision(decision(1))
    result = invoke("report", "--html", "page.html")
    assert (result.code, result.out) == (0, "page.html\n")
    text = (home / "page.html").read_text(encoding="utf-8")
    assert "Good enough, and the cheapest of those." in text
    assert [path.name for path in home.iterdir() if path.name.startswith(".page")] == []


@pytest.mark.skipif(os.name != "posix", reason="File modes are those of POSIX.")
def test_only_its_owner_may_read_the_page(home: Path, invoke: Invoke) -> None:
    invoke("report", "--html", "page.html")
    assert (home / "page.html").stat().st_mode & 0o077 == 0


def test_a_report_as_json_holds_the_same(invoke: Invoke) -> None:
    found = invoke("report", "--json", "--days", "7").json
    assert len(found["days"]) == 7
    assert found["advice_only"] is True


def test_without_a_file_it_says_what_is_missing(invoke: Invoke) -> None:
    result = invoke("report")
    assert result.code == 2
    assert "--html FILE" in result.err


def test_a_folder_that_is_not_there_is_one_sentence(invoke: Invoke) -> None:
    result = invoke("report", "--html", "nowhere/page.html")
    assert result.code == 1
    assert result.err == "error: nowhere/page.html cannot be written: no such file or directory.\n"


def test_the_dashboard_serves_until_it_is_interrupted() -> None:
    process = open_process("dashboard", "--port", "0")
    assert process.stdout is not None
    try:
        url = process.stdout.readline().decode().strip()
        with urllib.request.urlopen(url, timeout=20) as answer:
            assert "Model router" in answer.read().decode()
        with urllib.request.urlopen(f"{url}state.json", timeout=20) as answer:
            assert json.load(answer)["content"]
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert err.decode() == "hint: Stop it with Ctrl-C.\n"


def test_a_port_that_is_taken_is_one_sentence(invoke: Invoke) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = invoke("dashboard", "--port", str(taken.getsockname()[1]))
    assert result.code == 1
    assert "cannot be listened on" in result.err
    assert "--port 0" in result.err
