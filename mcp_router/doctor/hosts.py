"""Checks each agent host: whether it is here, has our server, and can start it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from mcp_router.doctor.finding import Finding, fail, ok, warn
from mcp_router.errors import HostError
from mcp_router.hosts.entry import servers
from mcp_router.hosts.file import read
from mcp_router.hosts.host import HOSTS, Host, Machine, commands_folder, settings_file
from mcp_router.hosts.launch import DISTRIBUTION, is_ours
from mcp_router.hosts.slash_model import FILE_NAME, is_written
from mcp_router.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


# Claude Code and Codex write it as PLUGIN@MARKETPLACE, Gemini CLI keeps our own file.
_PLUGIN = re.compile(rb'"router@model-router"|mcp-model-router@')


class _Entry(NamedTuple):
    """An entry of ours in a host's file."""

    place: Path
    name: str
    command: str
    args: tuple[str, ...]


def check_hosts(machine: Machine, *, project: Path) -> tuple[Finding, ...]:
    """Check every host, its settings of the user and those of a project."""
    found = [_check(host, machine=machine, project=project) for host in HOSTS.values()]
    findings = [finding for group, _ in found for finding in group]
    if not any(registered for _, registered in found):
        mend = f"mcp-router install {' | '.join(HOSTS)}"
        findings.append(warn("Hosts", "none has this server in its settings", mend))
    return tuple(findings)


def is_here(host: Host, *, machine: Machine) -> bool:
    """Tell whether a host seems to be installed: a program of it, or its own files."""
    path = machine.environ.get("PATH")
    if any(shutil.which(program, path=path) for program in host.programs):
        return True
    settings = settings_file(host, machine=machine)
    apart = settings.parent != machine.home
    return _exists(settings) or (apart and _exists(settings.parent))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        # A name too long, or a folder that may not be looked into.
        return False


def _check(host: Host, *, machine: Machine, project: Path) -> tuple[tuple[Finding, ...], bool]:
    findings: list[Finding] = []
    for place in _places(host, machine=machine, project=project):
        try:
            entries = [*_entries(host, place=place)]
        except HostError as error:
            findings.append(warn(host.title, error.message, error.hint or "Mend that file."))
            continue
        findings += [_check_entry(host, entry, machine=machine) for entry in entries]
    findings += _told(_plugin(host, machine=machine), host=host, but=findings)
    registered = any(finding.status != "warn" for finding in findings)
    findings += _told(_hidden(host, machine=machine, project=project), host=host, but=findings)
    if findings:
        return tuple(findings), registered
    if is_here(host, machine=machine):
        return (ok(host.title, f"not set up; mcp-router install {host.name}"),), False
    return (ok(host.title, "not on this machine"),), False


def _told(found: Iterator[Finding], *, host: Host, but: Sequence[Finding]) -> tuple[Finding, ...]:
    """Collect findings; a file that cannot be read is one, unless it is among those there are."""
    findings: list[Finding] = []
    try:
        findings += found
    except HostError as error:
        if error.message not in {finding.text for finding in but}:
            findings.append(warn(host.title, error.message, error.hint or "Mend that file."))
    return tuple(findings)


def _places(host: Host, *, machine: Machine, project: Path) -> Iterable[Path]:
    places = [settings_file(host, machine=machine)]
    if host.project_file:
        places.append(settings_file(host, machine=machine, project=project))
    return dict.fromkeys(places)


def _entries(host: Host, *, place: Path) -> Iterator[_Entry]:
    for name, entry in servers(read(place), host=host, place=str(place)).items():
        if is_ours(entry):
            keys = cast("Mapping[str, object]", entry)
            args = keys.get("args")
            words = cast("list[object]", args) if isinstance(args, list) else []
            yield _Entry(place, name, str(keys["command"]), tuple(map(str, words)))


def _check_entry(host: Host, entry: _Entry, *, machine: Machine) -> Finding:
    text = f"{entry.name} in {entry.place} runs {' '.join((entry.command, *entry.args))}"
    again = f"mcp-router install {host.name}"
    if not _can_start(entry.command, machine=machine):
        return fail(host.title, f"{text}, which cannot be started", again)
    pinned = next((arg for arg in entry.args if arg.startswith(f"{DISTRIBUTION}@")), "")
    if pinned and pinned != f"{DISTRIBUTION}@{__version__}":
        return warn(host.title, f"{text}; this is {__version__}", again)
    return ok(host.title, text)


def _plugin(host: Host, *, machine: Machine) -> Iterator[Finding]:
    settings = settings_file(host, machine=machine)
    places = {
        "claude-code": commands_folder(machine=machine).parent / "plugins/installed_plugins.json",
        "codex": settings,
        "gemini": settings.parent / "extensions/router/gemini-extension.json",
    }
    place = places.get(host.name)
    if place and _PLUGIN.search(read(place) or b""):
        yield ok(host.title, f"has the plugin, says {place}")


def _can_start(command: str, *, machine: Machine) -> bool:
    if os.sep in command or (os.altsep and os.altsep in command):
        return Path(command).is_file() and os.access(command, os.X_OK)
    return shutil.which(command, path=machine.environ.get("PATH")) is not None


def _hidden(host: Host, *, machine: Machine, project: Path) -> Iterator[Finding]:
    if not host.slash_commands:
        return
    folders = [commands_folder(machine=machine, project=place) for place in (None, project)]
    for command in dict.fromkeys(folder / FILE_NAME for folder in folders):
        if is_written(command):
            yield ok(host.title, f"its own /model is hidden by {command}")
