"""Writes settings into a file: checked before anything changes, and in one step."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mcp_router.config.content import content_of
from mcp_router.config.edit import EditProblem, edit_json, edit_toml
from mcp_router.config.files import FILE_NAMES, expanded, find_files
from mcp_router.config.folders import config_folder
from mcp_router.config.load import load_settings
from mcp_router.config.lock import locked
from mcp_router.config.replace import is_read_only, replace_file
from mcp_router.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mcp_router.config.edit import Keys, Setting


def file_to_write(
    *, config: Path | None, environ: Mapping[str, str], cwd: Path, project: bool
) -> Path:
    """Name the file that settings go to; it need not exist.

    That is the one `config` names, else the project's or the user's as asked: the file that is
    read already, or a new TOML file.
    """
    if config is not None:
        return cwd / expanded(config)
    found = find_files(config=None, environ=environ, cwd=cwd).files
    there = [file.path for file in found if file.from_project is project]
    folder = cwd if project else config_folder()
    return there[0] if there else folder / FILE_NAMES[0]


def write_settings(file: Path, *, changes: Mapping[Keys, Setting]) -> bool:
    """Put settings into a TOML or JSON file, or take them out where the value is None.

    Comments and layout stay, and so do mode and owner; a new file is readable by its owner
    alone. Links are followed. False if nothing was to be changed.

    Raises:
        ConfigError: the file cannot be read, changed or written, or would not be valid.
    """
    place = str(file)
    try:
        file = file.resolve()
    except RuntimeError as error:
        raise ConfigError(place=place, key="", problem="its links lead nowhere") from error
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # From reading to writing, so that no other process's change is lost in between.
        with locked(file.parent):
            return _changed(file, changes=changes, place=place)
    except TimeoutError as error:
        problem = "another program keeps its folder locked"
        raise ConfigError(place=place, key="", problem=problem) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        problem = f"it cannot be written ({reason})"
        allowed = "a file in a folder that you may write to, with room on its disk"
        raise ConfigError(place=place, key="", problem=problem, allowed=allowed) from error


def _changed(file: Path, *, changes: Mapping[Keys, Setting], place: str) -> bool:
    old = _read(file, place=place)
    text = "" if old is None else old
    edit = edit_json if file.suffix == ".json" or text.lstrip().startswith("{") else edit_toml
    try:
        new = edit(text, changes=changes)
        content = new.encode("utf-8")
    except EditProblem as problem:
        raise ConfigError(place=place, key="", problem=str(problem)) from problem
    except (ValueError, RecursionError) as error:
        # The reader says best what is wrong with it.
        _check(file, place=place)
        raise ConfigError(place=place, key="", problem="it cannot be changed here") from error
    if new == text:
        return False
    if is_read_only(file):
        raise ConfigError(place=place, key="", problem="it is read-only")
    check = partial(_check, place=place)
    replace_file(file, content=content, mode_of=file, check=check)
    return True


def _read(file: Path, *, place: str) -> str | None:
    try:
        return content_of(file).decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = f"it cannot be read ({error.strerror})"
        raise ConfigError(place=place, key="", problem=problem) from error
    except UnicodeDecodeError as error:
        raise ConfigError(place=place, key="", problem="it is not UTF-8 text") from error


def _check(file: Path, *, place: str) -> None:
    """Read a file by itself, as the router would.

    Raises:
        ConfigError: it is not valid; names `place`.
    """
    try:
        load_settings(config=file, environ={}, cwd=file.parent)
    except ConfigError as error:
        raise ConfigError(
            place=place, key=error.key, problem=error.problem, allowed=error.allowed
        ) from error
