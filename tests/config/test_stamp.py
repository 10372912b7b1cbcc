"""The stamp of the settings files differs exactly when other settings would be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_router.config.stamp import Stamp, settings_stamp


def look(folder: Path, *, config: Path | None = None, **variables: str) -> Stamp:
    return settings_stamp(config=config, environ={"HOME": str(folder), **variables}, cwd=folder)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_it_stays_while_nothing_changes(tmp_path: Path) -> None:
    (tmp_path / "mcp-router.toml").write_text("strategy = 'balanced'")
    assert look(tmp_path) == look(tmp_path)
    assert [one.path.name for one in look(tmp_path)] == ["mcp-router.toml"]


def test_without_files_it_is_empty(tmp_path: Path) -> None:
    assert look(tmp_path) == ()


def test_writing_replacing_and_deleting_change_it(tmp_path: Path) -> None:
    file = tmp_path / "mcp-router.toml"
    seen = [look(tmp_path)]
    file.write_text("strategy = 'balanced'")
    seen.append(look(tmp_path))
    file.write_text("strategy = 'cost_first'")
    seen.append(look(tmp_path))
    other = tmp_path / "other"
    other.write_text("strategy = 'cost_first'")
    other.replace(file)
    seen.append(look(tmp_path))
    assert len(set(seen)) == 4
    file.unlink()
    assert look(tmp_path) == seen[0]


def test_the_users_own_file_counts_beside_the_projects(tmp_path: Path) -> None:
    (tmp_path / "mcp-router.toml").write_text("")
    before = look(tmp_path)
    own = tmp_path / "config" / "mcp-router" / "mcp-router.toml"
    own.parent.mkdir(parents=True)
    own.write_text("")
    assert [one.path for one in look(tmp_path)] == [own, *(one.path for one in before)]


def test_a_file_that_is_named_is_the_only_one_to_count(tmp_path: Path) -> None:
    (tmp_path / "mcp-router.toml").write_text("")
    named = tmp_path / "named.json"
    assert look(tmp_path, config=named) == ()
    named.write_text("{}")
    assert [one.path for one in look(tmp_path, config=named)] == [named]
    assert look(tmp_path, ROUTING_CONFIG=f" {named} ") == look(tmp_path, config=named)


def test_a_name_no_file_can_have_is_no_file(tmp_path: Path) -> None:
    assert look(tmp_path, config=Path("a\0b")) == ()
