"""Adding and removing through real files: bytes, backups, modes, links, and other processes."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.errors import HostError
from mcp_router.hosts.change import BACKUP_SUFFIX, Change, Content, Plan, backup_of, made, planned
from mcp_router.hosts.entry import entry_of
from mcp_router.hosts.host import HOSTS, Host
from mcp_router.hosts.install import adding, removing
from mcp_router.hosts.launch import Launch
from tests.hosts.documents import documents, few
from tests.hosts.test_entry import golden

LAUNCH = Launch("/opt/bin/mcp-router", ("serve",))
NAME = "mcp-router"
CHECKOUT = Path(__file__).parents[2]

every_host = pytest.mark.parametrize("host", HOSTS.values(), ids=lambda host: host.name)


def plan_to_add(host: Host, *, launch: Launch = LAUNCH, name: str = NAME) -> Plan:
    return adding(host, name=name, entry=entry_of(host, launch=launch), place="FILE")


def plan_to_remove(host: Host) -> Plan:
    return removing(host, name=NAME, place="FILE")


def add(path: Path, host: Host, *, launch: Launch = LAUNCH) -> Change:
    return made(path, plan=plan_to_add(host, launch=launch), private=True)


def remove(path: Path, host: Host) -> Change:
    return made(path, plan=plan_to_remove(host), private=True)


def there_and_back(content: bytes | None, host: Host) -> Content:
    """Install and uninstall without a disk."""
    return plan_to_remove(host)(plan_to_add(host)(Content(content)))


@few
@given(documents(table="servers", lenient=True), st.sampled_from(["", "\ufeff"]))
def test_uninstalling_gives_the_very_bytes_back(
    drawn: tuple[str, dict[str, object]], mark: str
) -> None:
    text, _ = drawn
    content = (mark + text).encode()
    assert there_and_back(content, HOSTS["vscode"]) == Content(content)


@every_host
@pytest.mark.parametrize("content", [None, b"", b"\n", b"{}", b"\xef\xbb\xbf{ }\r\n"])
def test_uninstalling_gives_bare_files_back(host: Host, content: bytes | None) -> None:
    if host.dialect is None and content and b"{" in content:
        content = b"# nothing yet\r\n"
    assert there_and_back(content, host) == Content(content)


@every_host
def test_uninstalling_leaves_no_trace_in_the_folder(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_bytes(golden(host, "before"))
    add(path, host)
    add(path, host, launch=Launch("uvx", ("mcp-model-router@9.9.9", "serve")))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["settings", "settings" + BACKUP_SUFFIX]
    remove(path, host)
    assert [p.name for p in tmp_path.iterdir()] == ["settings"]
    assert path.read_bytes() == golden(host, "before")


@every_host
def test_a_file_that_we_began_is_deleted(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "settings"
    assert add(path, host).before == Content(None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert remove(path, host).after == Content(None)
    assert list(path.parent.iterdir()) == []


@every_host
def test_what_was_changed_in_between_stays_changed(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_bytes(golden(host, "before"))
    add(path, host)
    made(path, plan=plan_to_add(host, name="other"), private=True)
    remove(path, host)
    assert b"other" in path.read_bytes()
    assert b'mcp-router"' not in path.read_bytes().replace(b"/mcp-router", b"")
    assert b'"mcp-router' in backup_of(path).read_bytes() or host.dialect is None


def test_the_backup_is_the_file_from_before_we_came(tmp_path: Path) -> None:
    path, host = tmp_path / "settings", HOSTS["gemini"]
    path.write_bytes(b'{"a": 1}')
    add(path, host)
    add(path, host, launch=Launch("/elsewhere/mcp-router", ("serve",)))
    assert backup_of(path).read_bytes() == b'{"a": 1}'


def test_installing_twice_writes_once(tmp_path: Path) -> None:
    path, host = tmp_path / "settings", HOSTS["gemini"]
    add(path, host)
    before = path.stat()
    assert not add(path, host).changed
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_trying_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "none" / "settings"
    change = planned(path, plan=plan_to_add(HOSTS["cursor"]))
    assert change.changed
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_the_mode_stays_and_the_backup_is_no_more_readable(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "settings"
    path.write_bytes(b"{}")
    path.chmod(mode)
    add(path, HOSTS["cursor"])
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert stat.S_IMODE(backup_of(path).stat().st_mode) == mode


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    dotfiles = tmp_path / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "real").write_bytes(b"{}")
    link = tmp_path / "settings"
    link.symlink_to(dotfiles / "real")
    assert add(link, HOSTS["cursor"]).path == dotfiles / "real"
    assert link.is_symlink()
    assert NAME in json.loads((dotfiles / "real").read_bytes())["mcpServers"]
    remove(link, HOSTS["cursor"])
    assert (dotfiles / "real").read_bytes() == b"{}"


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    link = tmp_path / "settings"
    link.symlink_to(link)
    with pytest.raises(HostError):
        add(link, HOSTS["cursor"])


def test_a_read_only_file_is_respected(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_bytes(b"{}")
    path.chmod(0o444)
    with pytest.raises(HostError, match="it is read-only"):
        add(path, HOSTS["cursor"])
    assert path.read_bytes() == b"{}"
    assert [p.name for p in tmp_path.iterdir()] == ["settings"]


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.mkdir()
    with pytest.raises(HostError, match="cannot be read"):
        add(path, HOSTS["cursor"])


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(HostError, match="cannot be"):
        add(tmp_path / "file" / "settings", HOSTS["cursor"])


def test_a_damaged_file_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_bytes(b'{"mcpServers": ')
    with pytest.raises(HostError, match="not JSON"):
        add(path, HOSTS["claude-desktop"])
    assert path.read_bytes() == b'{"mcpServers": '
    assert [p.name for p in tmp_path.iterdir()] == ["settings"]


def test_a_change_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    path, host = tmp_path / "settings", HOSTS["cursor"]
    path.write_bytes(b"{}")
    inner, runs = plan_to_add(host), [0]

    def meddling(content: Content) -> Content:
        result = inner(content)
        runs[0] += 1
        if runs[0] == 2:
            path.write_bytes(b'{"new": true}')
        return result

    made(path, plan=meddling, private=True)
    assert json.loads(path.read_bytes())["new"] is True
    assert NAME in json.loads(path.read_bytes())["mcpServers"]


def test_a_file_that_never_stands_still_is_given_up(tmp_path: Path) -> None:
    path, host = tmp_path / "settings", HOSTS["cursor"]
    path.write_bytes(b"{}")
    inner, runs = plan_to_add(host), [0]

    def meddling(content: Content) -> Content:
        runs[0] += 1
        path.write_bytes(json.dumps({"run": runs[0]}).encode())
        return inner(content)

    with pytest.raises(HostError, match="keeps changing"):
        made(path, plan=meddling, private=True)


WORKER = """
import sys
from pathlib import Path
from mcp_router.hosts.change import made
from mcp_router.hosts.entry import entry_of
from mcp_router.hosts.host import HOSTS
from mcp_router.hosts.install import adding
from mcp_router.hosts.launch import Launch

path, host, mine = Path(sys.argv[1]), HOSTS[sys.argv[2]], sys.argv[3]
for number in range(5):
    entry = entry_of(host, launch=Launch("/opt/mcp-router", (mine, str(number))))
    made(path, plan=adding(host, name=f"{mine}-{number}", entry=entry, place=""), private=True)
"""


@pytest.mark.parametrize("name", ["vscode", "codex"])
def test_processes_at_once_lose_no_entry(name: str, tmp_path: Path) -> None:
    path, host = tmp_path / "settings", HOSTS[name]
    path.write_bytes(golden(host, "before"))
    command = [sys.executable, "-c", WORKER, str(path), name]
    environ = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    running = [subprocess.Popen([*command, f"w{n}"], env=environ) for n in range(4)]
    assert [process.wait(timeout=60) for process in running] == [0] * 4
    content = path.read_text(encoding="utf-8")
    assert all(f"w{n}-{number}" in content for n in range(4) for number in range(5))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["settings", "settings" + BACKUP_SUFFIX]
