"""Scorers of the settings: each kind has its keys, and a project's file starts nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcp_router import ConfigError
from mcp_router.config.load import load_settings
from mcp_router.config.settings import Settings


def loaded(folder: Path, *, user: str = "", project: str = "") -> Settings:
    """Load what stands in the user's file, named as with --config, or in the project's."""
    home, cwd = folder / "home", folder / "cloned"
    for one in (home, cwd):
        one.mkdir(exist_ok=True)
    (cwd / "mcp-router.toml").write_text(project)
    (home / "own.toml").write_text(user)
    config = home / "own.toml" if user else None
    return load_settings(config=config, environ={"HOME": str(home)}, cwd=cwd).settings


@pytest.mark.parametrize(
    "table",
    [
        'kind = "command"\ncommand = ["make", "pwned"]',
        'command = ["make", "pwned"]',
        'kind = "callable"\nfunction = "evil:score"',
        'function = "evil:score"',
        'kind = "command"',
        'folder = "."',
    ],
)
def test_a_projects_file_may_not_say_what_is_run(tmp_path: Path, table: str) -> None:
    with pytest.raises(ConfigError, match="may not start programs") as caught:
        loaded(tmp_path, project=f"[scorers.tests]\n{table}\n")
    assert "your own config folder, or in one named by --config" in str(caught.value)


def test_a_projects_file_may_ask_for_what_only_reads(tmp_path: Path) -> None:
    project = """
        [scorers.port]
        kind = "regex"
        pattern = "[0-9]+"
        [tasks.extraction]
        scorers = ["port", "tests"]
        """
    settings = loaded(tmp_path, project=project)
    assert settings.tasks["extraction"].scorers == ("port", "tests")


def test_programs_run_and_schemas_are_found_beside_the_file_that_names_them(
    tmp_path: Path,
) -> None:
    user = """
        [scorers.tests]
        kind = "command"
        command = ["python", "check.py"]
        [scorers.elsewhere]
        kind = "command"
        command = ["./check"]
        folder = "checks"
        [scorers.port]
        kind = "schema"
        schema_file = "port.json"
        """
    found = loaded(tmp_path, user=user).scorers
    home = tmp_path / "home"
    assert found["tests"].folder == str(home)
    assert found["elsewhere"].folder == str(home / "checks")
    assert found["port"].schema_file == str(home / "port.json")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"kind": "command"}, "needs command"),
        ({"kind": "regex"}, "needs pattern"),
        ({"kind": "judge", "rubric": "x"}, "needs model"),
        ({"kind": "heuristic", "pattern": "x"}, "has no pattern"),
        ({"kind": "code", "timeout_s": 3}, "has no timeout_s"),
        ({"kind": "spell"}, "heuristic, schema, code"),
        ({"kind": "callable", "function": "no colon"}, "function"),
        ({"kind": "command", "command": ["x"], "timeout_s": 0}, "timeout_s"),
        ({"kind": ["command"]}, "kind"),
    ],
)
def test_what_is_wrong_with_a_scorer_is_named(
    tmp_path: Path, table: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        load_settings(environ={}, cwd=tmp_path, overrides={"scorers": {"mine": table}})


def test_a_judge_must_be_a_model(tmp_path: Path) -> None:
    from mcp_router import Router

    judge = {"kind": "judge", "model": "nobody-knows-me"}
    settings = load_settings(environ={}, cwd=tmp_path, overrides={"scorers": {"wise": judge}})
    with pytest.raises(ConfigError, match=r"scorers\.wise\.model"):
        Router.open(settings.settings, environ={})
