"""What an installation consists of: the files to change, each with its plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.hosts.change import Change, Plan, made, planned
from mcp_router.hosts.entry import entry_of
from mcp_router.hosts.host import commands_folder, settings_file
from mcp_router.hosts.install import adding, removing
from mcp_router.hosts.slash_model import FILE_NAME, erasing, is_written, writing

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_router.hosts.host import Host, Machine
    from mcp_router.hosts.launch import Launch

SERVER_NAME = "mcp-router"


class Target(NamedTuple):
    """Where to install: the host, under which name, for the user or for one project."""

    host: Host
    machine: Machine
    project: Path | None = None
    name: str = SERVER_NAME


class Step(NamedTuple):
    """One file to change; a new file is readable by its owner alone if `private`."""

    path: Path
    plan: Plan
    private: bool

    def tried(self) -> Change:
        """Work out the change without making it.

        Raises:
            HostError: the file cannot be read, or not be changed safely.
        """
        return planned(self.path, plan=self.plan)

    def done(self) -> Change:
        """Make the change.

        Raises:
            HostError: the file cannot be written, or not be changed safely.
        """
        return made(self.path, plan=self.plan, private=self.private)


def installation(target: Target, *, launch: Launch, as_model: bool) -> tuple[Step, ...]:
    """List the steps that add our server, and with `as_model` our `/model` in Claude Code.

    Raises:
        HostError: the host has no settings of a project.
        FileNotFoundError: our own installation is not complete.
    """
    path, place = _settings(target)
    entry = entry_of(target.host, launch=launch)
    plan = adding(target.host, name=target.name, entry=entry, place=place)
    steps = [Step(path, plan, private=target.project is None)]
    if as_model:
        command = _command(target)
        plan = writing(server=target.name, place=str(command))
        steps.append(Step(command, plan, private=False))
    return tuple(steps)


def removal(target: Target, *, as_model: bool) -> tuple[Step, ...]:
    """List the steps that take out our server and our `/model`; with `as_model` only the latter.

    Raises:
        HostError: the host has no settings of a project.
    """
    command = _command(target)
    erase = Step(command, erasing(place=str(command)), private=False)
    if as_model:
        return (erase,)
    path, place = _settings(target)
    plan = removing(target.host, name=target.name, place=place)
    steps = [Step(path, plan, private=False)]
    if target.host.slash_commands and is_written(command):
        steps.append(erase)
    return tuple(steps)


def _settings(target: Target) -> tuple[Path, str]:
    path = settings_file(target.host, machine=target.machine, project=target.project)
    return path, str(path)


def _command(target: Target) -> Path:
    return commands_folder(machine=target.machine, project=target.project) / FILE_NAME
