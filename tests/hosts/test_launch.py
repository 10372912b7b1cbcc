"""Which command is written, and which entries are ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_router.hosts.launch import PINNED, Launch, Runtime, is_ours, launch_of
from mcp_router.version import __version__


def installed(folder: Path, *, script: str = "mcp-router") -> Path:
    folder.mkdir(parents=True)
    (folder / "python").write_bytes(b"")
    (folder / script).write_bytes(b"")
    return folder / script


def test_a_script_is_started_by_its_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = installed(tmp_path / "bin")
    monkeypatch.chdir(tmp_path)
    found = launch_of(Runtime("bin/mcp-router", "/usr/bin/python", str(tmp_path)))
    assert found == Launch(str(script), ("serve",))


def test_a_link_to_the_script_outlives_the_script(tmp_path: Path) -> None:
    link = tmp_path / "mcp-router"
    link.symlink_to(installed(tmp_path / "tools" / "bin"))
    assert launch_of(Runtime(str(link), "/usr/bin/python", "/usr")).command == str(link)


@pytest.mark.parametrize("script", ["mcp-router", "mcp-router.exe"])
def test_a_module_run_finds_the_script_beside_the_interpreter(tmp_path: Path, script: str) -> None:
    path = installed(tmp_path / "bin", script=script)
    runtime = Runtime("/x/mcp_router/__main__.py", str(path.parent / "python"), str(tmp_path))
    assert launch_of(runtime) == Launch(str(path), ("serve",))


def test_without_any_script_the_interpreter_runs_the_module(tmp_path: Path) -> None:
    python = str(tmp_path / "python")
    found = launch_of(Runtime("/x/__main__.py", python, str(tmp_path)))
    assert found.words() == (python, "-m", "mcp_router", "serve")


@pytest.mark.parametrize("folder", ["archive-v0", "environments-v2"])
def test_from_uvx_the_release_is_pinned(tmp_path: Path, folder: str) -> None:
    prefix = tmp_path / "uv" / folder / "h4sh"
    script = installed(prefix / "bin")
    found = launch_of(Runtime(str(script), str(prefix / "bin" / "python"), str(prefix)))
    assert found == PINNED
    assert found.words() == ("uvx", f"mcp-model-router@{__version__}", "serve")


@pytest.mark.parametrize(
    "entry",
    [
        {"command": "mcp-router", "args": ["serve"]},
        {"command": "/opt/x/bin/mcp-model-router"},
        {"command": r"C:\tools\mcp-router.exe", "args": ["serve"]},
        {"command": "uvx", "args": ["mcp-model-router@0.0.1", "serve"]},
        {"command": "uvx", "args": ["--from", "mcp-model-router==0.0.1", "mcp-router", "serve"]},
        {"command": "/usr/bin/python3", "args": ["-m", "mcp_router.server"]},
    ],
)
def test_what_starts_this_program_is_ours(entry: object) -> None:
    assert is_ours(entry)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "mcp-router",
        {},
        {"command": 1},
        {"url": "http://localhost/mcp-router"},
        {"command": "npx", "args": ["-y", "@mcp_router/cli@latest", "connect"]},
        {"command": "/opt/mcp-router/other", "args": "mcp_router"},
        {"command": "docker", "args": ["run", "somebody/mcp-model-router-fork"]},
    ],
)
def test_what_starts_another_program_is_not(entry: object) -> None:
    assert not is_ours(entry)
