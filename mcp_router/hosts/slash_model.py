"""Claude Code's own `/model`, replaced by ours for who asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.assets import find
from mcp_router.errors import HostError
from mcp_router.hosts.change import Content, Plan
from mcp_router.hosts.file import read

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "model.md"
HIDES = (
    "This hides Claude Code's own /model: to change its model, use the --model option, the "
    "setting “model”, or take this command out again with --uninstall --as-model."
)
_MARK = "<!-- mcp-router: written by `mcp-router install claude-code --as-model` -->"
_PLUGIN_TOOL = "mcp__plugin_router_router__"


def command_text(*, server: str) -> str:
    """Return the command as a file of Claude Code, for the tools of a server of this name.

    It is the plugin's own command, with the note that it hides the built-in one.

    Raises:
        FileNotFoundError: the installation is not complete.
    """
    text = plugin_command().read_text(encoding="utf-8")
    head, mark, body = text.partition("\n---\n")
    head = head.replace("description: ", "description: (hides the built-in /model) ", 1)
    return f"{head}{mark}{_MARK}\n{body}".replace(_PLUGIN_TOOL, f"mcp__{server}__")


def is_written(path: Path) -> bool:
    """Tell whether a file is a command that we wrote.

    Raises:
        HostError: it cannot be read.
    """
    return _MARK.encode() in (read(path) or b"")


def plugin_command() -> Path:
    """Return the file of the plugin's command.

    Raises:
        FileNotFoundError: the installation is not complete.
    """
    return find("slash_commands") / "commands" / FILE_NAME


def writing(*, server: str, place: str) -> Plan:
    """Plan to write the command; one of the user's own under this name is left alone."""

    def plan(content: Content) -> Content:
        _refuse_foreign(content.file, place=place)
        after = command_text(server=server).encode()
        return Content(after, content.backup)

    return plan


def erasing(*, place: str) -> Plan:
    """Plan to delete the command, if it is ours."""

    def plan(content: Content) -> Content:
        _refuse_foreign(content.file, place=place)
        return Content(None, content.backup)

    return plan


def _refuse_foreign(content: bytes | None, *, place: str) -> None:
    if content is not None and _MARK.encode() not in content:
        raise HostError(place=place, problem="this command is your own, and was left as it is")
