"""The life of a host's file, in any order: ours comes, changes and goes, and so do others' entries.

Whatever happens, the other servers and settings are as their owners left them; and where nobody
else wrote since we came, taking us out gives back the bytes that were there before.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mcp_router.errors import HostError
from mcp_router.hosts.change import BACKUP_SUFFIX, backup_of
from mcp_router.hosts.host import HOSTS, Host, Machine, settings_file
from mcp_router.hosts.jsonc import Dialect, parse
from mcp_router.hosts.launch import Launch, is_ours
from mcp_router.hosts.steps import SERVER_NAME, Target, installation, removal
from tests.hosts.documents import documents
from tests.hosts.test_toml_edit import readable, texts

LAUNCHES = (
    Launch("/opt/bin/mcp-router", ("serve",)),
    Launch("uvx", ("mcp-model-router@9.9.9", "serve")),
    Launch("C:\\Program Files\\é\\python.exe", ("-m", "mcp_router", "serve")),
)
LENIENT = Dialect(comments=True, trailing_commas=True)
CHECKOUT = Path(__file__).parents[2]


def contents(host: Host) -> st.SearchStrategy[bytes]:
    """Settings as people leave them, with and without a mark at the beginning."""
    if host.dialect is None:
        written = texts().filter(readable)
    else:
        lenient = host.dialect == LENIENT
        written = documents(table=host.table, lenient=lenient).map(lambda drawn: drawn[0])
    return st.builds(
        lambda mark, text: (mark + text).encode(), st.sampled_from(["", "\ufeff"]), written
    )


def said(content: bytes, host: Host) -> dict[str, Any]:
    text = content.decode("utf-8-sig")
    return tomllib.loads(text) if host.dialect is None else parse(text, dialect=LENIENT).value


def servers(content: bytes | None, host: Host) -> dict[str, Any]:
    return dict(said(content, host).get(host.table, {})) if content is not None else {}


class Life(RuleBasedStateMachine):
    """One file of one host, and what should be in it."""

    host: Host
    path: Path
    before: bytes | None
    others: dict[str, Any]
    installed: bool
    rewritten: bool

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.machine = Machine(Path(self._folder.name), {}, "linux")

    def teardown(self) -> None:
        self._folder.cleanup()

    @property
    def now(self) -> bytes | None:
        return self.path.read_bytes() if self.path.exists() else None

    @property
    def target(self) -> Target:
        return Target(self.host, self.machine)

    @initialize(host=st.sampled_from([*HOSTS.values()]), data=st.data())
    def begin(self, host: Host, data: st.DataObject) -> None:
        self.host = host
        self.path = settings_file(host, machine=self.machine)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.before = data.draw(st.none() | contents(host))
        if self.before is not None:
            self.path.write_bytes(self.before)
        self.others = servers(self.before, host)
        self.installed = self.rewritten = False

    @rule(launch=st.sampled_from(LAUNCHES))
    def install(self, launch: Launch) -> None:
        if not self.installed:
            self.before, self.rewritten = self.now, False
        for step in installation(self.target, launch=launch, as_model=False):
            step.done()
        self.installed = True
        assert servers(self.now, self.host)[SERVER_NAME]["command"] == launch.command

    @rule()
    def uninstall(self) -> None:
        for step in removal(self.target, as_model=False):
            step.done()
        if self.installed and not self.rewritten:
            assert self.now == self.before
            assert not backup_of(self.path).exists()
        self.installed = False

    @rule()
    def die_before_the_file_is_replaced(self) -> None:
        """Leave what a killed installation leaves: a backup, and a file written in part."""
        if self.installed or self.now is None:
            return
        backup_of(self.path).write_bytes(self.now)
        part = self.path.with_name(f".{self.path.stem}.0badcafe{self.path.suffix}")
        part.write_bytes(self.now[: len(self.now) // 2])

    @precondition(lambda self: self.now is not None)
    @rule(name=st.sampled_from(["house", "x y"]), adds=st.booleans())
    def another_program_writes(self, name: str, adds: bool) -> None:
        """Have the host itself write its file anew, as they do: without layout or comments."""
        if self.host.dialect is None:
            return
        data = said(self.now or b"", self.host)
        table = {**servers(self.now, self.host)}
        if adds:
            table[name] = self.others[name] = {"command": "other"}
        else:
            table.pop(name, None)
            self.others.pop(name, None)
        self.path.write_text(json.dumps({**data, self.host.table: table}), encoding="utf-8")
        self.rewritten = True

    @invariant()
    def the_servers_are_those_that_were_put_there(self) -> None:
        found = servers(self.now, self.host)
        ours = found.pop(SERVER_NAME, None)
        assert (ours is not None) == self.installed
        assert ours is None or is_ours(ours)
        assert found == self.others

    @invariant()
    def nothing_else_is_changed(self) -> None:
        if self.rewritten:
            return
        data = said(self.now or b"", self.host) if self.now is not None else {}
        old = said(self.before or b"", self.host) if self.before is not None else {}
        rest = [{k: v for k, v in one.items() if k != self.host.table} for one in (data, old)]
        assert rest[0] == rest[1]


LIVES = settings(
    max_examples=30,
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestLife = Life.TestCase
TestLife.settings = LIVES


@pytest.mark.parametrize("name", [n for n, host in HOSTS.items() if host.project_file])
@given(data=st.data())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_project_s_file_and_the_user_s_do_not_touch_each_other(
    name: str, data: st.DataObject
) -> None:
    host = HOSTS[name]
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder) / "home", {}, "linux")
        both = [Target(host, machine), Target(host, machine, project=Path(folder) / "site")]
        paths = [settings_file(host, machine=machine, project=one.project) for one in both]
        given_ = [data.draw(contents(host)) for _ in both]
        for path, content in zip(paths, given_, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for one in both:
            installation(one, launch=LAUNCHES[0], as_model=False)[0].done()
        removal(both[0], as_model=False)[0].done()
        assert paths[0].read_bytes() == given_[0]
        assert SERVER_NAME in servers(paths[1].read_bytes(), host)
        removal(both[1], as_model=False)[0].done()
        assert paths[1].read_bytes() == given_[1]


BUSY = """
import sys
from pathlib import Path
from mcp_router.hosts.host import HOSTS, Machine
from mcp_router.hosts.launch import Launch
from mcp_router.hosts.steps import Target, installation, removal
target = Target(HOSTS[sys.argv[1]], Machine(Path(sys.argv[2]), {}, "linux"))
launch = Launch("/opt/bin/mcp-router", ("serve",))
print("ready", flush=True)
while True:
    for step in installation(target, launch=launch, as_model=False):
        step.done()
    for step in removal(target, as_model=False):
        step.done()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("name", ["claude-code", "codex", "vscode"])
def test_a_process_killed_at_any_moment_leaves_a_whole_file_and_the_way_back(
    name: str, machine: Machine
) -> None:
    host = HOSTS[name]
    path = settings_file(host, machine=machine)
    path.parent.mkdir(parents=True, exist_ok=True)
    toml = b'# mine\r\nmodel = "gpt-5"\r\n\r\n[mcp_servers.a]\r\ncommand = "x" # x\r\n'
    before = toml if host.dialect is None else b'{\n\t"a": 1,\n\t"secret": "s"\n}'
    path.write_bytes(before)
    busy = subprocess.Popen(
        [sys.executable, "-c", BUSY, name, str(machine.home)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )
    with busy:
        assert busy.stdout is not None
        busy.stdout.readline()
        seen: set[bytes] = set()
        while len(seen) < 2:
            seen.add(path.read_bytes())
        busy.send_signal(signal.SIGKILL)
    (after,) = seen - {before}
    assert path.read_bytes() in (before, after)
    target = Target(host, machine)
    for step in installation(target, launch=LAUNCHES[0], as_model=False):
        step.done()
    assert path.read_bytes() == after
    for step in removal(target, as_model=False):
        step.done()
    assert path.read_bytes() == before
    assert not path.with_name(path.name + BACKUP_SUFFIX).exists()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no folder nobody may write")
def test_a_folder_nobody_may_write_is_told_and_not_waited_for() -> None:
    machine = Machine(Path("/proc/self"), {}, "linux")
    for name in ("claude-code", "cursor"):
        (step,) = installation(Target(HOSTS[name], machine), launch=LAUNCHES[0], as_model=False)
        with pytest.raises(HostError, match=r"it cannot be (written|made) \("):
            step.done()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a link nobody can follow")
def test_a_file_that_cannot_be_looked_at_is_told(tmp_path: Path) -> None:
    machine = Machine(tmp_path / ("h" * 300), {}, "linux")
    (step,) = installation(Target(HOSTS["cursor"], machine), launch=LAUNCHES[0], as_model=False)
    with pytest.raises(HostError, match="File name too long"):
        step.tried()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipe has a name here")
def test_a_pipe_in_place_of_the_settings_keeps_nobody_waiting(machine: Machine) -> None:
    path = settings_file(HOSTS["cursor"], machine=machine)
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    (step,) = installation(Target(HOSTS["cursor"], machine), launch=LAUNCHES[0], as_model=False)
    with pytest.raises(HostError, match=r"it cannot be read \(no regular file\)"):
        step.tried()


def test_modes_of_others_are_kept_through_a_whole_life(machine: Machine) -> None:
    host = HOSTS["gemini"]
    path = settings_file(host, machine=machine)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"{}")
    path.chmod(0o640)
    target = Target(host, machine)
    seen = []
    for launch in LAUNCHES:
        installation(target, launch=launch, as_model=False)[0].done()
        seen.append((path.stat().st_mode & 0o777, backup_of(path).stat().st_mode & 0o777))
    removal(target, as_model=False)[0].done()
    assert seen == [(0o640, 0o640)] * len(LAUNCHES)
    assert path.stat().st_mode & 0o777 == 0o640


def test_an_entry_of_ours_keeps_what_its_owner_added_through_every_update(
    machine: Machine,
) -> None:
    host = HOSTS["claude-code"]
    path = settings_file(host, machine=machine)
    target = Target(host, machine)
    installation(target, launch=LAUNCHES[0], as_model=False)[0].done()
    data: dict[str, Any] = json.loads(path.read_bytes())
    added: Mapping[str, object] = {"env": {"ROUTING_STRATEGY": "cost_first"}, "disabled": True}
    data[host.table][SERVER_NAME] |= added
    path.write_text(json.dumps(data), encoding="utf-8")
    for launch in LAUNCHES:
        installation(target, launch=launch, as_model=False)[0].done()
        entry = servers(path.read_bytes(), host)[SERVER_NAME]
        assert entry == {
            "type": "stdio",
            "command": launch.command,
            "args": [*launch.args],
            **added,
        }
