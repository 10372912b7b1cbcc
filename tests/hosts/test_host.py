"""Where each host keeps its settings, on each system."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_router.errors import HostError
from mcp_router.hosts.host import HOSTS, Machine, commands_folder, settings_file

HOME = Path("/home/ada")


def user_file(host: str, system: str, **environ: str) -> str:
    return settings_file(HOSTS[host], machine=Machine(HOME, environ, system)).as_posix()


@pytest.mark.parametrize(
    ("host", "system", "path"),
    [
        ("claude-code", "linux", "/home/ada/.claude.json"),
        (
            "claude-desktop",
            "darwin",
            "/home/ada/Library/Application Support/Claude/claude_desktop_config.json",
        ),
        (
            "claude-desktop",
            "win32",
            "/home/ada/AppData/Roaming/Claude/claude_desktop_config.json",
        ),
        ("claude-desktop", "linux", "/home/ada/.config/Claude/claude_desktop_config.json"),
        ("codex", "linux", "/home/ada/.codex/config.toml"),
        ("cursor", "win32", "/home/ada/.cursor/mcp.json"),
        ("vscode", "linux", "/home/ada/.config/Code/User/mcp.json"),
        ("vscode", "darwin", "/home/ada/Library/Application Support/Code/User/mcp.json"),
        ("gemini", "darwin", "/home/ada/.gemini/settings.json"),
    ],
)
def test_the_file_of_the_user(host: str, system: str, path: str) -> None:
    assert user_file(host, system) == path


@pytest.mark.parametrize(
    ("host", "system", "variable", "path"),
    [
        ("claude-code", "linux", "CLAUDE_CONFIG_DIR", "/elsewhere/.claude.json"),
        ("codex", "linux", "CODEX_HOME", "/elsewhere/config.toml"),
        ("gemini", "linux", "GEMINI_CLI_HOME", "/elsewhere/.gemini/settings.json"),
        ("vscode", "linux", "XDG_CONFIG_HOME", "/elsewhere/Code/User/mcp.json"),
        ("vscode", "win32", "APPDATA", "/elsewhere/Code/User/mcp.json"),
    ],
)
def test_the_variables_of_the_hosts_are_followed(
    host: str, system: str, variable: str, path: str
) -> None:
    assert user_file(host, system, **{variable: "/elsewhere"}) == path


def test_the_file_of_a_project() -> None:
    machine, project = Machine(HOME, {}, "linux"), Path("/site")
    found = {
        name: settings_file(host, machine=machine, project=project).as_posix()
        for name, host in HOSTS.items()
        if host.project_file
    }
    assert found == {
        "claude-code": "/site/.mcp.json",
        "codex": "/site/.codex/config.toml",
        "cursor": "/site/.cursor/mcp.json",
        "vscode": "/site/.vscode/mcp.json",
        "gemini": "/site/.gemini/settings.json",
    }


def test_a_host_without_settings_of_a_project_says_so() -> None:
    with pytest.raises(HostError, match="Claude Desktop: it has no settings of a project"):
        settings_file(
            HOSTS["claude-desktop"], machine=Machine(HOME, {}, "darwin"), project=Path("/site")
        )


def test_the_commands_of_claude_code() -> None:
    assert commands_folder(machine=Machine(HOME, {}, "linux")) == HOME / ".claude/commands"
    moved = Machine(HOME, {"CLAUDE_CONFIG_DIR": "/elsewhere"}, "linux")
    assert commands_folder(machine=moved) == Path("/elsewhere/commands")
    project = Path("/site")
    assert commands_folder(machine=moved, project=project) == project / ".claude/commands"
