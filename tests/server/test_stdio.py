"""The stdio process: both eras, clean endings, clean stdout, and nothing that stops it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from tests.server.conftest import Era
from tests.server.process import COMMAND, environment, started
from tests.server.reading import body_of

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals are a POSIX matter")


@pytest.mark.parametrize("era", ["auto", "legacy", "2026-07-28"])
async def test_the_process_speaks_every_era(tmp_path: Path, era: Era) -> None:
    command, *args = COMMAND
    parameters = StdioServerParameters(
        command=command, args=args, env=dict(environment(tmp_path)), cwd=tmp_path
    )
    async with Client(parameters, mode=era) as client:
        tools = (await client.list_tools()).tools
        body = body_of(await client.call_tool("route", {"prompt": "Fix the login bug"}))
    assert [tool.name for tool in tools] == [
        "route",
        "classify",
        "execute_with_fallback",
        "budget",
        "stats",
    ]
    assert body["task_type"] == "debugging"


def test_starting_loads_neither_the_router_nor_its_rooms() -> None:
    code = "import sys, mcp_router.server.app; print(*sorted(sys.modules), sep='\\n')"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    rooms = {name.split(".")[1] for name in loaded.stdout.split() if name.startswith("mcp_router.")}
    assert rooms == {"access", "assets", "errors", "money", "server", "types", "version"}
    assert "sqlite3" not in loaded.stdout.split()


def test_the_first_answers_come_before_the_database_is_opened(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        process.initialize()
        process.ask("tools/list")
        assert list(tmp_path.iterdir()) == []
        process.call("budget", {})
        assert (tmp_path / "router.db").exists()


def test_a_closed_stdin_ends_it_cleanly(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        process.initialize()
        process.call("route", {"prompt": "Fix the login bug"})
        assert process.end() == (0, b"", b"")
    assert settled(tmp_path)


def test_a_stdin_that_was_never_used_ends_it_cleanly(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        assert process.end() == (0, b"", b"")


@POSIX
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path) as process:
        process.initialize()
        process.call("route", {"prompt": "Fix the login bug"})
        process.popen.send_signal(number)
        assert process.popen.wait(timeout=10) == 0
        assert process.end() == (0, b"", b"")
    assert settled(tmp_path)


def settled(folder: Path) -> bool:
    """Say whether the database was closed: the last connection removes the write-ahead log."""
    with closing(sqlite3.connect(folder / "router.db")) as database:
        (count,) = database.execute("SELECT count(*) FROM routing_decisions").fetchone()
    return count == 1 and not (folder / "router.db-wal").exists()


def test_a_request_sent_just_before_the_end_is_answered(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        process.initialize()
        call = {"name": "classify", "arguments": {"prompt": "Fix the login bug"}}
        request = {"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": call}
        process.send(json.dumps(request).encode())
        code, out, _ = process.end()
    assert code == 0
    assert json.loads(out)["id"] == 9


GARBAGE = (
    b"",
    b"not json",
    b"\xff\xfe\x00",
    b"{}",
    b"[]",
    b"null",
    b'{"jsonrpc":"2.0","id":99}',
    b'{"jsonrpc":"2.0","method":"no/such"}',
    b"[" * 100_000,
)


def test_garbage_does_not_stop_it(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        for line in GARBAGE:
            process.send(line)
        process.initialize()
        for line in GARBAGE:
            process.send(line)
            assert len(process.ask("tools/list")["result"]["tools"]) == 5
        code, out, err = process.end()
    assert (code, out) == (0, b"")
    assert b"Traceback" not in err


def test_a_lone_surrogate_is_answered_like_any_prompt(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        process.initialize()
        # json.dumps writes the escape, as JavaScript hosts do.
        result = process.call("classify", {"prompt": "Fix the \ud83d bug \ud83d\ude00"})
        assert not result.get("isError")


def test_a_large_message_arrives_whole(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        process.initialize()
        result = process.call("classify", {"prompt": "word " * 400_000})
        assert result["structuredContent"]["input_tokens"] > 300_000


def test_a_request_without_line_end_is_not_lost(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        process.initialize()
        assert process.popen.stdin is not None
        process.popen.stdin.write(b'{"jsonrpc":"2.0","id":5,"method":"ping"}')
        _, out, _ = process.end()
    assert json.loads(out)["id"] == 5


def test_what_is_printed_does_not_reach_the_wire(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(
        "import os, sys\n"
        "from mcp_router.server.app import serve\n"
        "def opening():\n"
        "    print('noise', flush=True)\n"
        "    os.system('echo child noise')\n"
        "    from mcp_router.router import Router\n"
        "    return Router.open()\n"
        "sys.exit(serve(opening))\n"
    )
    with started(tmp_path, command=(sys.executable, "loud.py")) as process:
        process.initialize()
        assert not process.call("budget", {}).get("isError")
        code, out, err = process.end()
    assert (code, out) == (0, b"")
    assert err == b"noise\nchild noise\n"


def test_an_unusable_database_is_told_and_the_server_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with started(tmp_path, ROUTING_DB=str(tmp_path / "file" / "router.db")) as process:
        process.initialize()
        result = process.call("route", {"prompt": "Fix the login bug"})
        assert result["isError"]
        assert "router.db" in result["content"][0]["text"]
        assert len(process.ask("tools/list")["result"]["tools"]) == 5


@POSIX
@pytest.mark.skipif(sys.platform != "win32" and os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with started(tmp_path, ROUTING_DB=str(folder / "router.db")) as process:
        process.initialize()
        assert process.call("route", {"prompt": "Fix the login bug"})["isError"]


def test_a_wrong_setting_is_told_with_its_place(tmp_path: Path) -> None:
    with started(tmp_path, ROUTING_STRATEGY="cheapest") as process:
        process.initialize()
        result = process.call("route", {"prompt": "Fix the login bug"})
    assert result["isError"]
    assert "ROUTING_STRATEGY" in result["content"][0]["text"]


@POSIX
def test_a_host_that_goes_away_leaves_no_process_behind(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        process.initialize()
        assert process.popen.stdout is not None
        assert process.popen.stdin is not None
        process.popen.stdout.close()
        process.send(b'{"jsonrpc":"2.0","id":2,"method":"tools/list"}')
        process.popen.stdin.close()
        assert process.popen.wait(timeout=10) == 0
        assert process.popen.stderr is not None
        assert b"Traceback" not in process.popen.stderr.read()
