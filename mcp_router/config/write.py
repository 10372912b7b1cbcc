"""Writes settings into a file: checked before anything changes, and in one step."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from mcp_router.config.edit import EditProblem, edit_json, edit_toml
from mcp_router.config.files import FILE_NAMES, expanded, find_files
from mcp_router.config.folders import config_folder
from mcp_router.config.load import load_settings
from mcp_router.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mcp_router.config.edit import Keys, Setting

_NEW_FILE_MODE = 0o600


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
    place, file = str(file), file.resolve()
    old = _read(file, place=place)
    text = "" if old is None else old
    edit = edit_json if file.suffix == ".json" or text.lstrip().startswith("{") else edit_toml
    try:
        new = edit(text, changes=changes)
    except EditProblem as problem:
        raise ConfigError(place=place, key="", problem=str(problem)) from problem
    except ValueError as error:
        # The reader says best what is wrong with it.
        _check(file, place=place)
        raise ConfigError(place=place, key="", problem="it cannot be changed here") from error
    if new == text:
        return False
    try:
        _replace(file, content=new, place=place)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(
            place=place, key="", problem=f"it cannot be written ({reason})"
        ) from error
    return True


def _read(file: Path, *, place: str) -> str | None:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = f"it cannot be read ({error.strerror})"
        raise ConfigError(place=place, key="", problem=problem) from error
    except UnicodeDecodeError as error:
        raise ConfigError(place=place, key="", problem="it is not UTF-8 text") from error


def _replace(file: Path, *, content: str, place: str) -> None:
    if file.exists() and not os.access(file, os.W_OK):
        # Replacing it needs no right to write to it, but whoever took that right away meant it.
        raise ConfigError(place=place, key="", problem="it is read-only")
    file.parent.mkdir(parents=True, exist_ok=True)
    written = file.with_name(f".{file.stem}.{secrets.token_hex(4)}{file.suffix}")
    try:
        with written.open("xb") as stream:
            _dress(written, like=file)
            stream.write(content.encode("utf-8"))
            stream.flush()
            os.fsync(stream.fileno())
        _check(written, place=place)
        written.replace(file)
    finally:
        written.unlink(missing_ok=True)


def _dress(written: Path, *, like: Path) -> None:
    try:
        old = like.stat()
    except FileNotFoundError:
        written.chmod(_NEW_FILE_MODE)
        return
    written.chmod(old.st_mode & 0o7777)
    if hasattr(os, "chown"):
        # Only root may give a file away, and only root would otherwise take it.
        with suppress(PermissionError):
            os.chown(written, old.st_uid, old.st_gid)


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
