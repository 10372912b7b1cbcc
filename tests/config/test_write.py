"""A settings file is written whole, privately, and only if the router could read it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from mcp_router.config.load import Loaded
from mcp_router.config.write import file_to_write, write_settings
from mcp_router.errors import ConfigError

POSIX = pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")
CHANGES = {("budget", "daily"): Decimal(5)}


def test_what_was_written_is_what_is_loaded(load: Callable[..., Loaded], project: Path) -> None:
    file = project / "mcp-router.toml"
    file.write_text("debug = true\n", encoding="utf-8")
    assert write_settings(file, changes=CHANGES)
    loaded = load()
    assert loaded.settings.debug
    assert loaded.settings.budget.daily == 5
    assert loaded.sources["budget.daily"] == "mcp-router.toml"
    assert not write_settings(file, changes=CHANGES)


@POSIX
def test_a_new_file_is_private_and_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    new, old = tmp_path / "deep" / "new.toml", tmp_path / "old.toml"
    write_settings(new, changes=CHANGES)
    assert stat.S_IMODE(new.stat().st_mode) == 0o600
    old.touch(mode=0o640)
    old.chmod(0o640)
    write_settings(old, changes=CHANGES)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640


@POSIX
def test_a_link_is_followed(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "link.toml"
    real.write_text("# mine\n", encoding="utf-8")
    link.symlink_to(real)
    write_settings(link, changes=CHANGES)
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == "# mine\n\n[budget]\ndaily = 5\n"


@pytest.mark.parametrize(
    ("content", "key", "problem"),
    [
        (b"strategy = ", "", "not TOML"),
        (b'strategy = "fastest"\n', "strategy", "one of the choices"),
        (b"[budget]\nmonthly = -1\n", "budget.monthly", "negative"),
        (b"\xff\xfe", "", "not UTF-8"),
        (b"budget = 3\n", "", "no table"),
    ],
)
def test_a_file_that_would_not_be_read_is_left_as_it_was(
    content: bytes, key: str, problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        write_settings(file, changes=CHANGES)
    assert (caught.value.place, caught.value.key) == (str(file), key)
    assert problem in caught.value.problem
    assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]


def test_a_value_that_is_not_allowed_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    with pytest.raises(ConfigError) as caught:
        write_settings(file, changes={("budget", "daily"): Decimal(-5)})
    assert caught.value.key == "budget.daily"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for file in (tmp_path, tmp_path / "file" / "mine.toml"):
        with pytest.raises(ConfigError) as caught:
            write_settings(file, changes=CHANGES)
        assert "cannot be" in caught.value.problem


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.touch(mode=0o400)
    with pytest.raises(ConfigError) as caught:
        write_settings(file, changes=CHANGES)
    assert caught.value.problem == "it is read-only"


def test_the_file_that_is_read_already_is_the_one_to_write(
    project: Path, user_folder: Path
) -> None:
    def chosen(*, project_file: bool, config: Path | None = None) -> Path:
        return file_to_write(config=config, environ={}, cwd=project, project=project_file)

    assert chosen(project_file=False) == user_folder / "mcp-router.toml"
    assert chosen(project_file=True) == project / "mcp-router.toml"
    (user_folder / "mcp-router.json").write_text("{}", encoding="utf-8")
    (project / "mcp-router.json").write_text("{}", encoding="utf-8")
    assert chosen(project_file=False) == user_folder / "mcp-router.json"
    assert chosen(project_file=True) == project / "mcp-router.json"
    assert chosen(project_file=False, config=Path("x.toml")) == project / "x.toml"
