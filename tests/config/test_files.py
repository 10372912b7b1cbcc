"""Settings files are found near the work, and whatever is wrong with one is said plainly."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_router.config.load import Loaded
from mcp_router.errors import ConfigError

Load = Callable[..., Loaded]


def refused(load: Load, file: Path, content: bytes | str) -> ConfigError:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError) as caught:
        load(config=file)
    assert caught.value.place == file.name
    return caught.value


def test_the_project_s_file_is_found_from_below(load: Load, project: Path) -> None:
    deep = project / "a" / "b"
    deep.mkdir(parents=True)
    (project / "mcp-router.toml").write_text("debug = true")
    loaded = load(cwd=deep)
    assert loaded.settings.debug
    assert loaded.files == (project / "mcp-router.toml",)


def test_the_nearest_file_is_the_only_one_of_the_project(load: Load, project: Path) -> None:
    deep = project / "a"
    deep.mkdir()
    (project / "mcp-router.toml").write_text("debug = true")
    (deep / "mcp-router.toml").write_text("[cache]\nttl = 1")
    settings = load(cwd=deep).settings
    assert (settings.debug, settings.cache.ttl) == (False, 1)


def test_the_search_ends_at_the_root_of_the_repository(load: Load, project: Path) -> None:
    (project.parent / "mcp-router.toml").write_text("debug = true")
    assert load().files == ()


def test_outside_of_repository_and_home_only_the_folder_itself_counts(
    load: Load, tmp_path: Path
) -> None:
    deep = tmp_path / "anywhere" / "deep"
    deep.mkdir(parents=True)
    (tmp_path / "anywhere" / "mcp-router.toml").write_text("debug = true")
    assert load(cwd=deep).files == ()
    assert load(cwd=tmp_path / "anywhere").settings.debug


def test_below_home_the_search_ends_at_home(load: Load, tmp_path: Path) -> None:
    deep = tmp_path / "home" / "work" / "deep"
    deep.mkdir(parents=True)
    (tmp_path / "home" / "mcp-router.toml").write_text("debug = true")
    assert load({"HOME": str(tmp_path / "home")}, cwd=deep).settings.debug
    assert load({"HOME": str(tmp_path / "home" / "work")}, cwd=deep).files == ()


def test_toml_is_read_and_json_beside_it_is_told_of(load: Load, project: Path) -> None:
    (project / "mcp-router.toml").write_text("debug = true")
    (project / "mcp-router.json").write_text('{"debug": false}')
    loaded = load()
    assert loaded.settings.debug
    assert loaded.warnings == (
        f"{project / 'mcp-router.json'} is not read, as mcp-router.toml is beside it.",
    )


def test_json_is_found_where_there_is_no_toml(load: Load, user_folder: Path) -> None:
    (user_folder / "mcp-router.json").write_text('{"debug": true}')
    assert load().settings.debug


@pytest.mark.parametrize("name", ["settings", "settings.conf", "settings.json"])
def test_json_is_known_by_its_first_brace_too(name: str, load: Load, project: Path) -> None:
    (project / name).write_text('\n {"enableCache": false}')
    assert not load(config=Path(name)).settings.cache.enabled


def test_a_byte_order_mark_does_no_harm(load: Load, project: Path) -> None:
    (project / "mcp-router.toml").write_bytes(b"\xef\xbb\xbfdebug = true")
    assert load().settings.debug


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("a = ", 1, 5), ("debug = true\n\n[x\n", 3, 3), ("a = 1\nb = 'x", 2, 7), ("=", 1, 1)],
)
def test_broken_toml_names_line_and_column(
    text: str, line: int, column: int, load: Load, project: Path
) -> None:
    said = refused(load, project / "x.toml", text).problem
    assert said.startswith("not TOML: ")
    assert said.endswith(f"(at line {line}, column {column})")


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [('{"a": }', 1, 7), ('{\n  "a": tru\n}', 2, 8), ("", 1, 1), ('{"a": 1} x', 1, 10)],
)
def test_broken_json_names_line_and_column(
    text: str, line: int, column: int, load: Load, project: Path
) -> None:
    said = refused(load, project / "x.json", text).problem
    assert said.startswith("not JSON: ")
    assert said.endswith(f"(at line {line}, column {column})")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("x.toml", b"\xff\xfe\x00", "it is not UTF-8 text"),
        ("x.toml", b"\x00", "not TOML"),
        ("x.toml", b"a = " + b"[" * 5000, "it is nested too deeply"),
        ("x.toml", b"a = " + b"[" * 50 + b"]" * 50, "it is nested too deeply"),
        ("x.toml", b"[" + b"a." * 50 + b"b]", "it is nested too deeply"),
        ("x.json", b'{"a":' * 5000 + b"1" + b"}" * 5000, "it is nested too deeply"),
        ("x.json", b'{"a":' * 50 + b"1" + b"}" * 50, "it is nested too deeply"),
        ("x.json", b'{"a": ' + b"[" * 50 + b"]" * 50 + b"}", "it is nested too deeply"),
        ("x.json", b"[1]", "it does not hold one JSON object"),
        ("x.json", b'{"a": 1, "a": 2}', "'a' stands twice in one table"),
        ("x.json", b'{"cache": {"ttl": ' + b"1" * 5000 + b"}}", "not JSON: Exceeds the limit"),
        ("x.toml", b"#" * 1_000_001, "it is larger than a megabyte"),
    ],
)
def test_files_that_are_no_settings_are_refused(
    name: str, content: bytes, problem: str, load: Load, project: Path
) -> None:
    assert problem in refused(load, project / name, content).problem


def test_a_file_of_a_megabyte_is_read(load: Load, project: Path) -> None:
    (project / "mcp-router.toml").write_bytes(b"#" * 1_000_000)
    assert load().files


def test_a_hundred_megabytes_are_refused_unread(load: Load, project: Path) -> None:
    with (project / "big.toml").open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(ConfigError, match="larger than a megabyte"):
        load(config=Path("big.toml"))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.toml", "No such file or directory"),
        (".git", "Is a directory"),
        ("x" * 5000, "File name too long"),
        ("a\0b", "not a usable path"),
    ],
)
@pytest.mark.parametrize("by_variable", [True, False])
def test_a_named_file_that_cannot_be_read_is_refused(
    name: str, reason: str, by_variable: bool, load: Load
) -> None:
    with pytest.raises(ConfigError) as caught:
        load({"ROUTING_CONFIG": name}) if by_variable else load(config=Path(name))
    assert caught.value.problem == f"it cannot be read ({reason})"
    assert caught.value.place == name


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_refused(load: Load, project: Path) -> None:
    file = project / "mcp-router.toml"
    file.touch(mode=0o000)
    with pytest.raises(ConfigError, match="Permission denied"):
        load()


def test_a_folder_in_place_of_the_project_s_file_is_refused(load: Load, project: Path) -> None:
    (project / "mcp-router.toml").mkdir()
    with pytest.raises(ConfigError, match="Is a directory"):
        load()
