"""An installation as a whole: the server, Claude Code's /model, their diff and their removal."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_router.errors import HostError
from mcp_router.hosts.diff import diff_of
from mcp_router.hosts.host import HOSTS, Machine
from mcp_router.hosts.launch import Launch
from mcp_router.hosts.slash_model import command_text, plugin_command
from mcp_router.hosts.steps import Target, installation, removal

LAUNCH = Launch("/opt/bin/mcp-router", ("serve",))


@pytest.fixture
def target(machine: Machine) -> Target:
    return Target(HOSTS["claude-code"], machine)


def install(target: Target, *, as_model: bool = False) -> list[Path]:
    steps = installation(target, launch=LAUNCH, as_model=as_model)
    return [step.done().path for step in steps]


def uninstall(target: Target, *, as_model: bool = False) -> list[Path]:
    return [step.done().path for step in removal(target, as_model=as_model)]


def test_the_built_in_model_command_is_not_touched_unasked(target: Target) -> None:
    assert install(target) == [target.machine.home / ".claude.json"]


def test_our_model_command_comes_with_the_server_and_goes_with_it(target: Target) -> None:
    settings, command = install(target, as_model=True)
    assert command == target.machine.home / ".claude/commands/model.md"
    assert uninstall(target) == [settings, command]
    assert not settings.exists()
    assert not command.exists()


def test_the_built_in_model_command_can_come_back_alone(target: Target) -> None:
    settings, command = install(target, as_model=True)
    assert uninstall(target, as_model=True) == [command]
    assert settings.exists()


def test_a_project_gets_both_files_for_itself(target: Target, tmp_path: Path) -> None:
    project = tmp_path / "project"
    paths = install(target._replace(project=project), as_model=True)
    assert paths == [project / ".mcp.json", project / ".claude/commands/model.md"]


def test_a_model_command_of_the_users_own_is_left_alone(target: Target) -> None:
    own = target.machine.home / ".claude/commands/model.md"
    own.parent.mkdir(parents=True)
    own.write_text("mine", encoding="utf-8")
    _, command = installation(target, launch=LAUNCH, as_model=True)
    with pytest.raises(HostError, match="your own"):
        command.tried()
    assert uninstall(target) == [target.machine.home / ".claude.json"]
    assert own.read_text(encoding="utf-8") == "mine"


def test_our_model_command_says_what_it_hides_and_uses_the_tools_of_the_server() -> None:
    text = command_text(server="other")
    assert "(hides the built-in /model)" in text.split("\n---\n")[0]
    assert "mcp__other__route" in text
    assert "mcp__plugin" not in text
    assert plugin_command().read_text(encoding="utf-8").split("\n---\n")[1] in text


def test_the_diff_shows_what_would_come_and_go(target: Target) -> None:
    step, *_ = installation(target, launch=LAUNCH, as_model=False)
    change = step.tried()
    lines = diff_of(change)
    assert lines[:2] == ("--- /dev/null", f"+++ {change.path}")
    assert '+      "command": "/opt/bin/mcp-router",' in lines
    step.done()
    assert diff_of(step.tried()) == ()
    (back,) = removal(target, as_model=False)
    assert diff_of(back.tried())[:2] == (f"--- {change.path}", "+++ /dev/null")
