"""The hosts: what each is called, which file lists its servers, and in which form.

Sources: the hosts' own documentation, and what `claude mcp add` 2.1.329, `codex mcp add` 0.169.0
and `gemini mcp add` 0.61.0 wrote and read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from mcp_router.errors import HostError
from mcp_router.hosts.jsonc import Dialect


class Machine(NamedTuple):
    """Where hosts look for their files: the home folder, variables and `sys.platform`."""

    home: Path
    environ: Mapping[str, str]
    system: str


class Host(NamedTuple):
    """A host and its settings file.

    Attributes:
        name: as on the command line.
        title: as people call it.
        table: the key of the file under which servers are listed.
        user_file: finds the file of the user.
        project_file: the file inside of a project, or () where the host knows none.
        programs: commands that start the host.
        dialect: what it reads besides JSON, or None where the file is TOML.
        typed: whether an entry says that it speaks over stdio.
        restart: what to do for the change to take effect.
        trust: what must be done before the file of a project is read.
        slash_commands: whether a file of ours can become a command of it.
    """

    name: str
    title: str
    table: str
    user_file: Callable[[Machine], Path]
    project_file: tuple[str, ...]
    programs: tuple[str, ...]
    dialect: Dialect | None
    restart: str
    typed: bool = False
    trust: str = ""
    slash_commands: bool = False


def _app_folder(machine: Machine) -> Path:
    """Return where desktop programs keep their settings."""
    if machine.system == "darwin":
        return machine.home / "Library" / "Application Support"
    if machine.system == "win32":
        named = machine.environ.get("APPDATA")
        return Path(named) if named else machine.home / "AppData" / "Roaming"
    named = machine.environ.get("XDG_CONFIG_HOME")
    return Path(named) if named else machine.home / ".config"


def _claude_code(machine: Machine) -> Path:
    return Path(machine.environ.get("CLAUDE_CONFIG_DIR") or machine.home) / ".claude.json"


def _claude_desktop(machine: Machine) -> Path:
    return _app_folder(machine) / "Claude" / "claude_desktop_config.json"


def _codex(machine: Machine) -> Path:
    return Path(machine.environ.get("CODEX_HOME") or machine.home / ".codex") / "config.toml"


def _cursor(machine: Machine) -> Path:
    return machine.home / ".cursor" / "mcp.json"


def _vscode(machine: Machine) -> Path:
    return _app_folder(machine) / "Code" / "User" / "mcp.json"


def _gemini(machine: Machine) -> Path:
    home = machine.environ.get("GEMINI_CLI_HOME") or machine.home
    return Path(home) / ".gemini" / "settings.json"


_LENIENT = Dialect(comments=True, trailing_commas=True)

_ALL = (
    Host(
        name="claude-code",
        title="Claude Code",
        table="mcpServers",
        user_file=_claude_code,
        project_file=(".mcp.json",),
        programs=("claude",),
        dialect=Dialect(),
        typed=True,
        restart="Start a new session of Claude Code.",
        trust="Claude Code asks for approval when it is next started in this project.",
        slash_commands=True,
    ),
    Host(
        name="claude-desktop",
        title="Claude Desktop",
        table="mcpServers",
        user_file=_claude_desktop,
        project_file=(),
        programs=(),
        dialect=Dialect(),
        restart="Quit Claude Desktop and start it again.",
    ),
    Host(
        name="codex",
        title="Codex",
        table="mcp_servers",
        user_file=_codex,
        project_file=(".codex", "config.toml"),
        programs=("codex",),
        dialect=None,
        restart="Start a new session of Codex.",
        trust="Codex reads the file of a project only once the project is trusted.",
    ),
    Host(
        name="cursor",
        title="Cursor",
        table="mcpServers",
        user_file=_cursor,
        project_file=(".cursor", "mcp.json"),
        programs=("cursor", "cursor-agent"),
        dialect=_LENIENT,
        restart="Switch the server on in Cursor's settings under MCP.",
    ),
    Host(
        name="vscode",
        title="VS Code",
        table="servers",
        user_file=_vscode,
        project_file=(".vscode", "mcp.json"),
        programs=("code",),
        dialect=_LENIENT,
        typed=True,
        restart="Run “MCP: List Servers” in VS Code and start the server.",
    ),
    Host(
        name="gemini",
        title="Gemini CLI",
        table="mcpServers",
        user_file=_gemini,
        project_file=(".gemini", "settings.json"),
        programs=("gemini",),
        dialect=Dialect(comments=True),
        restart="Start Gemini CLI again.",
        trust="Gemini CLI reads the file of a project only once its folder is trusted.",
    ),
)
HOSTS: Mapping[str, Host] = {host.name: host for host in _ALL}


def settings_file(host: Host, *, machine: Machine, project: Path | None = None) -> Path:
    """Name the file that lists the servers of a host, for its user or for one project.

    Raises:
        HostError: the host has no settings of a project.
    """
    if project is None:
        return host.user_file(machine)
    if not host.project_file:
        raise HostError(
            place=host.title,
            problem="it has no settings of a project",
            hint="Leave --project out to change those of the user.",
        )
    return project.joinpath(*host.project_file)


def commands_folder(*, machine: Machine, project: Path | None = None) -> Path:
    """Name the folder in which Claude Code looks for the commands of a user or a project."""
    if project is not None:
        return project / ".claude" / "commands"
    named = machine.environ.get("CLAUDE_CONFIG_DIR")
    return (Path(named) if named else machine.home / ".claude") / "commands"
