"""The settings of each host as text for the README and other pages."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

from mcp_router.hosts.entry import entry_of, with_entry
from mcp_router.hosts.host import HOSTS, Host, Machine, settings_file
from mcp_router.hosts.launch import PINNED
from mcp_router.hosts.steps import SERVER_NAME


def settings_block(host: Host) -> str:
    """Return the whole settings file of a host that has no other server."""
    entry = entry_of(host, launch=PINNED)
    return with_entry(None, host=host, name=SERVER_NAME, entry=entry, place=host.title).decode()


def command_line(host: Host) -> str:
    """Return the line by which the host itself adds the server, or "" where it has none."""
    words = " ".join(PINNED.words())
    match host.name:
        case "claude-code":
            return f"claude mcp add --scope user {SERVER_NAME} -- {words}"
        case "codex":
            return f"codex mcp add {SERVER_NAME} -- {words}"
        case "gemini":
            return f"gemini mcp add --scope user {SERVER_NAME} {words}"
        case "vscode":
            return _vscode()
        case "cursor":
            return _cursor()
        case _:
            return ""


def readme_blocks() -> str:
    """Return one folded section of Markdown for each host, in the order they are listed."""
    return "\n\n".join(map(_section, HOSTS.values()))


def _section(host: Host) -> str:
    kind = "toml" if host.dialect is None else "json"
    own = command_line(host)
    ways = [f"```sh\nmcp-router install {host.name}\n```"]
    if own:
        ways.append(f"or with its own means\n\n```sh\n{own}\n```")
    places = " or ".join(f"`{place}`" for place in _places(host))
    block = settings_block(host).rstrip()
    ways.append(f"or by hand in {places}:\n\n```{kind}\n{block}\n```")
    body = "\n\n".join(ways)
    return f"<details>\n<summary>{host.title}</summary>\n\n{body}\n\n</details>"


def _places(host: Host) -> list[str]:
    """Name the files of a host as on Linux, or on macOS for a host that Linux does not have."""
    system = "darwin" if not host.programs else "linux"
    home = Machine(home=Path("~"), environ={}, system=system)
    user = settings_file(host, machine=home).as_posix()
    return [user, "/".join(host.project_file)] if host.project_file else [user]


def _vscode() -> str:
    entry = {"name": SERVER_NAME, "command": PINNED.command, "args": list(PINNED.args)}
    return f"code --add-mcp '{json.dumps(entry)}'"


def _cursor() -> str:
    entry = json.dumps(entry_of(HOSTS["cursor"], launch=PINNED)).encode()
    config = quote(base64.b64encode(entry).decode(), safe="")
    link = f"cursor://anysphere.cursor-deeplink/mcp/install?name={SERVER_NAME}&config={config}"
    return f"open '{link}'"
