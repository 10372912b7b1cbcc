"""What the doctor says about each host."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcp_router.doctor.finding import Finding
from mcp_router.doctor.hosts import check_hosts
from mcp_router.hosts.host import HOSTS, Machine, settings_file
from mcp_router.hosts.launch import PINNED, Launch
from mcp_router.hosts.steps import Target, installation

every_host = pytest.mark.parametrize("name", HOSTS)


def check(machine: Machine) -> dict[str, Finding]:
    return {f.subject: f for f in check_hosts(machine, project=machine.home / "project")}


def install(name: str, machine: Machine, launch: Launch, *, as_model: bool = False) -> None:
    for step in installation(Target(HOSTS[name], machine), launch=launch, as_model=as_model):
        step.done()


def program(path: Path, *, mode: int = 0o755) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(mode)
    return str(path)


def test_on_a_bare_machine_no_host_is_there_and_none_is_wrong(machine: Machine) -> None:
    found = check(machine)
    assert {found[host.title].text for host in HOSTS.values()} == {"not on this machine"}
    assert found["Hosts"].status == "warn"
    assert found["Hosts"].mend.startswith("mcp-router install claude-code")


def test_a_host_that_is_there_is_told_how_to_be_set_up(machine: Machine, tmp_path: Path) -> None:
    program(tmp_path / "bin" / "codex")
    assert check(machine)["Codex"].text == "not set up; mcp-router install codex"


@every_host
def test_a_host_that_can_start_the_server_is_well(name: str, machine: Machine) -> None:
    command = program(machine.home / "mcp-router")
    install(name, machine, Launch(command, ("serve",)))
    found = check(machine)
    assert found[HOSTS[name].title].status == "ok"
    assert command in found[HOSTS[name].title].text
    assert "Hosts" not in found


@every_host
def test_a_command_that_is_gone_fails(name: str, machine: Machine) -> None:
    install(name, machine, Launch("/gone/mcp-router", ("serve",)))
    finding = check(machine)[HOSTS[name].title]
    assert (finding.status, finding.mend) == ("fail", f"mcp-router install {name}")


def test_a_file_that_may_not_be_run_fails(machine: Machine) -> None:
    command = program(machine.home / "mcp-router", mode=0o644)
    install("cursor", machine, Launch(command, ("serve",)))
    assert check(machine)["Cursor"].status == "fail"


def test_a_command_by_name_is_looked_for_on_the_path(machine: Machine, tmp_path: Path) -> None:
    install("gemini", machine, PINNED)
    assert check(machine)["Gemini CLI"].status == "fail"
    program(tmp_path / "bin" / "uvx")
    assert check(machine)["Gemini CLI"].status == "ok"


def test_another_version_than_this_is_noticed(machine: Machine, tmp_path: Path) -> None:
    program(tmp_path / "bin" / "uvx")
    install("gemini", machine, Launch("uvx", ("mcp-model-router@0.0.1", "serve")))
    finding = check(machine)["Gemini CLI"]
    assert (finding.status, finding.mend) == ("warn", "mcp-router install gemini")


@every_host
def test_a_damaged_file_is_named(name: str, machine: Machine) -> None:
    path = settings_file(HOSTS[name], machine=machine)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"[[[")
    finding = check(machine)[HOSTS[name].title]
    assert finding.status == "warn"
    assert str(path) in finding.text


def test_the_settings_of_a_project_count_as_well(machine: Machine) -> None:
    project = machine.home / "project"
    command = program(machine.home / "mcp-router")
    target = Target(HOSTS["vscode"], machine, project=project)
    for step in installation(target, launch=Launch(command, ("serve",)), as_model=False):
        step.done()
    assert str(project / ".vscode/mcp.json") in check(machine)["VS Code"].text


def test_a_hidden_model_command_is_mentioned(machine: Machine) -> None:
    command = program(machine.home / "mcp-router")
    install("claude-code", machine, Launch(command, ("serve",)), as_model=True)
    texts = [finding.text for finding in check_hosts(machine, project=machine.home)]
    hidden = machine.home / ".claude/commands/model.md"
    assert texts.count(f"its own /model is hidden by {hidden}") == 1


def test_the_plugin_counts_as_well(machine: Machine) -> None:
    listing = machine.home / ".claude/plugins/installed_plugins.json"
    listing.parent.mkdir(parents=True)
    listing.write_text(json.dumps({"plugins": {"router@model-router": []}}), encoding="utf-8")
    found = check(machine)
    assert found["Claude Code"].text.startswith("has the plugin")
    assert "Hosts" not in found


def test_other_servers_and_their_secrets_are_not_shown(machine: Machine) -> None:
    path = settings_file(HOSTS["cursor"], machine=machine)
    path.parent.mkdir(parents=True)
    path.write_text('{"mcpServers": {"x": {"command": "x", "env": {"K": "s3cret"}}}}', "utf-8")
    assert "s3cret" not in str(check(machine))
