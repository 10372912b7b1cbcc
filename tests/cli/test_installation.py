"""The command `install`: what it writes, shows, refuses and takes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcp_router.cli.installation import HOST_NAMES
from mcp_router.hosts.host import HOSTS
from mcp_router.hosts.steps import SERVER_NAME
from tests.cli.conftest import Invoke

every_host = pytest.mark.parametrize("name", HOST_NAMES)


@pytest.fixture(autouse=True)
def no_variables_of_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_host_is_offered(invoke: Invoke) -> None:
    assert set(HOST_NAMES) == set(HOSTS)
    assert all(name in invoke("install", "--help").out for name in HOST_NAMES)


@every_host
def test_a_host_is_set_up_and_left_as_it_was(name: str, invoke: Invoke, home: Path) -> None:
    before = files(home)
    result = invoke("install", name)
    assert result.code == 0
    assert result.out.startswith(f"{HOSTS[name].title}: Wrote {home}")
    assert result.err == f"hint: {HOSTS[name].restart}\n"
    (content,) = [text for path, text in files(home).items() if path not in before]
    assert SERVER_NAME.encode() in content
    assert b"serve" in content
    assert invoke("install", name).out.startswith(f"{HOSTS[name].title}: Nothing to change in")
    assert invoke("install", name, "--uninstall").code == 0
    assert files(home) == before


@every_host
def test_a_dry_run_shows_the_diff_and_writes_nothing(name: str, invoke: Invoke, home: Path) -> None:
    before = files(home)
    result = invoke("install", name, "--dry-run")
    assert result.code == 0
    assert result.out.startswith("--- /dev/null\n+++ ")
    assert files(home) == before
    invoke("install", name)
    assert invoke("install", name, "--dry-run").out == "Nothing would change.\n"
    assert "+++ /dev/null" in invoke("install", name, "--uninstall", "--dry-run").out


@pytest.mark.parametrize("name", [host.name for host in HOSTS.values() if host.project_file])
def test_a_project_gets_its_own_file(name: str, invoke: Invoke, home: Path) -> None:
    result = invoke("install", name, "--project")
    path = home.joinpath(*HOSTS[name].project_file)
    assert path.is_file()
    assert str(path) in result.out
    assert HOSTS[name].trust in result.err


def test_the_entry_starts_this_installation(invoke: Invoke, home: Path) -> None:
    invoke("install", "claude-code")
    entry = json.loads((home / ".claude.json").read_bytes())["mcpServers"][SERVER_NAME]
    assert entry["type"] == "stdio"
    assert Path(entry["command"]).is_file()
    assert entry["args"][-1] == "serve"
    assert "env" not in entry


def test_a_backup_is_kept_and_told(invoke: Invoke, home: Path) -> None:
    (home / ".claude.json").write_bytes(b'{"theme": "dark"}')
    assert "(as it was: .claude.json.mcp-router.bak)" in invoke("install", "claude-code").out
    assert (home / ".claude.json.mcp-router.bak").read_bytes() == b'{"theme": "dark"}'


def test_replacing_the_model_command_says_what_it_hides(invoke: Invoke, home: Path) -> None:
    result = invoke("install", "claude-code", "--as-model")
    assert (home / ".claude/commands/model.md").is_file()
    assert "warning: This hides Claude Code's own /model" in result.err
    invoke("install", "claude-code", "--uninstall", "--as-model")
    assert not (home / ".claude/commands/model.md").exists()
    assert (home / ".claude.json").exists()


def test_another_name_is_used_where_ours_is_taken(invoke: Invoke, home: Path) -> None:
    (home / ".claude.json").write_bytes(b'{"mcpServers": {"mcp-router": {"command": "x"}}}')
    refused = invoke("install", "claude-code")
    assert refused.code == 1
    assert "another program" in refused.err
    assert "hint: Choose another name with --name." in refused.err
    assert invoke("install", "claude-code", "--name", "model-router").code == 0
    servers = json.loads((home / ".claude.json").read_bytes())["mcpServers"]
    assert list(servers) == ["mcp-router", "model-router"]


def test_a_refusal_leaves_nothing_half_done(invoke: Invoke, home: Path) -> None:
    own = home / ".claude/commands/model.md"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    before = files(home)
    assert invoke("install", "claude-code", "--as-model").code == 1
    assert files(home) == before


def test_control_characters_of_a_file_do_not_reach_the_terminal(invoke: Invoke, home: Path) -> None:
    (home / ".cursor").mkdir()
    (home / ".cursor/mcp.json").write_text('{"a": "\u202e\u009b31m"}', encoding="utf-8")
    out = invoke("install", "cursor", "--dry-run").out
    assert "\u202e" not in out
    assert "\u009b" not in out


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("emacs",), 2, "'emacs' is not one of"),
        ((), 2, "Missing argument"),
        (("codex", "--as-model"), 2, "Only Claude Code"),
        (("claude-desktop", "--project"), 1, "no settings of a project"),
        (("codex", "--name", "a_b"), 2, "letters, digits and hyphens"),
        (("codex", "--name", ""), 2, "letters, digits and hyphens"),
    ],
)
def test_what_cannot_be_is_refused(
    args: tuple[str, ...], code: int, said: str, invoke: Invoke, home: Path
) -> None:
    before = files(home)
    result = invoke("install", *args)
    assert result.code == code
    assert said in result.err
    assert files(home) == before


def test_a_damaged_file_is_refused_in_one_sentence(invoke: Invoke, home: Path) -> None:
    (home / ".claude.json").write_bytes(b"{")
    result = invoke("install", "claude-code")
    assert result.code == 1
    assert result.err.count("\n") == 2
    assert (home / ".claude.json").read_bytes() == b"{"
