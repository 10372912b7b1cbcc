"""The doctor on machines where files are not what they should be: every other check still runs."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from mcp_router.catalog.catalog import Catalog
from mcp_router.config.apply import configured_catalog
from mcp_router.config.load import load_settings
from mcp_router.config.settings import Settings
from mcp_router.doctor.database import check_database
from mcp_router.doctor.examination import Patient, examine
from mcp_router.doctor.finding import Finding
from mcp_router.doctor.hosts import check_hosts, is_here
from mcp_router.doctor.server import check_server
from mcp_router.doctor.settings import check_catalog
from mcp_router.hosts.host import HOSTS, Machine
from mcp_router.hosts.launch import Launch
from mcp_router.storage.sqlite import SqliteStore
from tests.storage.conftest import decision

TODAY = date(2026, 11, 21)
BASE = Catalog.load(on=TODAY)
# Every file that is looked into, and whose host it is.
FILES = {
    ".claude.json": "Claude Code",
    ".claude/commands/model.md": "Claude Code",
    ".claude/plugins/installed_plugins.json": "Claude Code",
    ".codex/config.toml": "Codex",
    ".cursor/mcp.json": "Cursor",
    ".gemini/settings.json": "Gemini CLI",
    ".gemini/extensions/router/gemini-extension.json": "Gemini CLI",
    ".config/Code/User/mcp.json": "VS Code",
    ".config/Claude/claude_desktop_config.json": "Claude Desktop",
    "project/.mcp.json": "Claude Code",
    "project/.claude/commands/model.md": "Claude Code",
    "project/.codex/config.toml": "Codex",
}


def folder(path: Path) -> None:
    path.mkdir()


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def binary(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00\x00\x80")


def deep(path: Path) -> None:
    opening, closing = ('{"a":', "}") if path.suffix == ".json" else ("[", "]")
    start = "" if path.suffix == ".json" else "x = "
    path.write_text(start + opening * 30_000 + "1" + closing * 30_000, encoding="utf-8")


def hosts(machine: Machine) -> tuple[Finding, ...]:
    return check_hosts(machine, project=machine.home / "project")


def place(machine: Machine, file: str) -> Path:
    path = machine.home / file
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.mark.parametrize("odd", [folder, loop], ids=lambda make: make.__name__)
@pytest.mark.parametrize("file", FILES)
def test_a_file_that_cannot_be_read_is_told_once_and_nothing_else_is_kept_from_running(
    file: str, odd: Callable[[Path], None], machine: Machine
) -> None:
    odd(place(machine, file))
    found = hosts(machine)
    told = [one for one in found if str(machine.home / file) in one.text]
    assert [(one.subject, one.status) for one in told] == [(FILES[file], "warn")]
    assert "it cannot be read (" in told[0].text
    assert told[0].mend
    assert {host.title for host in HOSTS.values()} <= {one.subject for one in found}


@pytest.mark.parametrize("odd", [binary, deep], ids=lambda make: make.__name__)
@pytest.mark.parametrize("file", [file for file in FILES if file.endswith(("mcp.json", ".toml"))])
def test_settings_that_no_host_could_read_are_told_once(
    file: str, odd: Callable[[Path], None], machine: Machine
) -> None:
    odd(place(machine, file))
    told = [one for one in hosts(machine) if str(machine.home / file) in one.text]
    assert [(one.subject, one.status) for one in told] == [(FILES[file], "warn")]


def test_what_cannot_be_read_does_not_hide_what_can(machine: Machine) -> None:
    folder(place(machine, ".claude/commands/model.md"))
    settings = machine.home / ".claude.json"
    settings.write_text(
        '{"mcpServers": {"r": {"command": "/gone/mcp-router", "args": ["serve"]}}}', "utf-8"
    )
    found = [one for one in hosts(machine) if one.subject == "Claude Code"]
    assert sorted(one.status for one in found) == ["fail", "warn"]
    assert "which cannot be started" in next(one.text for one in found if one.status == "fail")


def test_a_home_with_a_name_no_file_can_have_has_no_hosts(tmp_path: Path) -> None:
    machine = Machine(tmp_path / ("h" * 300), {"PATH": ""}, "linux")
    assert not any(is_here(host, machine=machine) for host in HOSTS.values())


def test_a_whole_examination_ends_on_a_machine_where_every_file_is_odd(machine: Machine) -> None:
    for number, file in enumerate(FILES):
        path = machine.home / file
        path.parent.mkdir(parents=True, exist_ok=True)
        (folder, loop)[number % 2](path)
    database = machine.home / ("d" * 300)
    environ = {"HOME": str(machine.home), "ROUTING_DB": str(database)}
    patient = Patient(
        python=(3, 12, 0),
        machine=machine,
        project=machine.home / "project",
        launch=Launch(sys.executable, ("-c", "print('no server')")),
        load=lambda: load_settings(environ=environ, cwd=machine.home),
        today=TODAY,
    )
    found = examine(patient)
    failed = [one.subject for one in found if one.status == "fail"]
    assert failed == ["Database", "Server"]
    assert all(one.mend for one in found if one.status != "ok")


def test_a_database_with_a_name_no_file_can_have_fails_with_the_next_step(tmp_path: Path) -> None:
    (found,) = check_database(tmp_path / ("x" * 300))
    assert (found.subject, found.status) == ("Database", "fail")
    assert "File name too long" in found.text
    assert "ROUTING_DB=" in found.mend


def test_a_read_only_database_is_told_what_to_change(tmp_path: Path) -> None:
    path = tmp_path / "r.db"
    SqliteStore.open(path).close()
    if not _takes_rights(path):
        pytest.skip("root may write to any file")
    (found,) = check_database(path)
    assert (found.status, found.mend) == ("fail", f"Make it writable: chmod u+w {path}")


def _takes_rights(path: Path) -> bool:
    path.chmod(0o444)
    try:
        path.open("ab").close()
    except PermissionError:
        return True
    path.chmod(0o644)
    return False


def test_sums_that_do_not_add_up_are_a_failure_with_a_way_back(tmp_path: Path) -> None:
    path = tmp_path / "r.db"
    with SqliteStore.open(path) as store:
        for number in range(3):
            store.record_decision(decision(number))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE summary_state SET decisions = 3")
        connection.commit()
    found = check_database(path)
    assert {one.status for one in found} == {"fail"}
    assert all("restore a backup" in one.mend for one in found)


def test_a_database_server_out_of_reach_is_a_failure() -> None:
    (found,) = check_database("postgresql://nobody@127.0.0.1:9/none?connect_timeout=2")
    assert (found.subject, found.status) == ("Database", "fail")
    assert "127.0.0.1" in found.text


@pytest.mark.parametrize(
    "answer",
    [
        '{"result": {"serverInfo": {"name": "x"}}}',
        '{"result": []}',
        "[" * 3000,
        '{"jsonrpc": "2.0", "id": 1, "error": {"code": -1}}',
        "\\x1b[2J",
        "",
    ],
)
def test_a_program_that_says_something_else_is_no_server(answer: str) -> None:
    code = f"import sys; sys.stdin.readline(); print('''{answer}''', flush=True)"
    found = check_server((sys.executable, "-c", code), environ={}, deadline=10)
    assert found.status == "fail"
    assert "gave no MCP answer" in found.text


def test_a_program_that_never_ends_its_line_is_given_up() -> None:
    code = "import sys; sys.stdin.readline(); sys.stdout.write('x' * 3_000_000)"
    found = check_server((sys.executable, "-c", code), environ={}, deadline=10)
    assert found.status == "fail"


def test_a_program_that_is_silent_is_stopped_at_the_deadline() -> None:
    code = "import sys; sys.stdin.read()"
    found = check_server((sys.executable, "-c", code), environ={}, deadline=0.3)
    assert "gave no MCP answer within 0.3 s" in found.text
    assert found.mend.startswith("Run it by hand to see why: ")


def test_an_answer_among_the_first_is_named() -> None:
    said = '{"result": {"serverInfo": {"name": "other", "version": "9"}}}'
    code = f"import sys; sys.stdin.readline(); print('''{said}''', flush=True)"
    found = check_server((sys.executable, "-c", code), environ={}, deadline=30)
    assert "as other 9" in found.text


def test_retired_models_are_told_with_each_place_that_names_them() -> None:
    old = next(one for one in BASE.models if one.retires_on and one.retires_on <= TODAY)
    tables = {
        "default_model": old.name,
        "chains": {"mine": ["opus", old.name]},
        "tasks": {"debugging": {"primary": old.name, "fallbacks": ["opus"]}},
    }
    settings = Settings.model_validate(tables)
    catalog = configured_catalog(settings, base=BASE)
    told = list(check_catalog(catalog, settings=settings, today=TODAY))
    retired = [one for one in told if "retired on" in one.text]
    places = [one.text.partition(":")[0] for one in retired]
    assert places == ["default_model", "tasks.debugging", "chains.mine"]
    assert {one.mend for one in retired} == {f"Name {old.successor} instead."}


def test_a_name_that_leads_nowhere_is_told_with_the_nearest() -> None:
    settings = Settings.model_validate({"chains": {"mine": ["sonet"]}})
    told = list(check_catalog(BASE, settings=settings, today=TODAY))
    (unknown,) = [one for one in told if one.subject == "Models"]
    assert unknown.text == "chains.mine: No model is called 'sonet'."
    assert unknown.mend.startswith("Did you mean sonnet")
