"""Finds and reads settings files; whatever is wrong with one is a ConfigError that names it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.config.camel import snake_case_keys
from mcp_router.config.documents import read_document
from mcp_router.config.folders import config_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE_NAMES = ("mcp-router.toml", "mcp-router.json")
MAX_BYTES = 1_000_000


class SettingsFile(NamedTuple):
    """A settings file: how messages name it, and whether a project carries it along."""

    path: Path
    place: str
    from_project: bool = False


class Found(NamedTuple):
    """The files that count, weakest first, and what to tell about the rest."""

    files: tuple[SettingsFile, ...]
    warnings: tuple[str, ...] = ()


def find_files(*, config: Path | None, environ: Mapping[str, str], cwd: Path) -> Found:
    """Name the files to read: the one asked for, else the user's and then the project's.

    The project's is looked for in `cwd` and above it up to the root of its git repository, or
    else up to the home folder. Outside of both only `cwd` counts: further up, anybody might
    have left a file.
    """
    home, cwd = _home(environ), cwd.absolute()
    if config is not None:
        path = cwd / expanded(config)
        return Found((SettingsFile(path, _shown(path, cwd, home)),))
    user, extra = _first(config_folder())
    project, more = next(filter(any, map(_first, _project_folders(cwd, home))), (None, ()))
    files = [SettingsFile(user, _shown(user, cwd, home))] if user else []
    if project and project != user:
        files.append(SettingsFile(project, _shown(project, cwd, home), from_project=True))
    return Found(tuple(files), (*extra, *more))


def read_file(file: SettingsFile) -> dict[str, object]:
    """Read a TOML or JSON file into nested dictionaries with snake_case keys.

    Raises:
        ConfigError: it cannot be read, is over a megabyte, or is not TOML or JSON.
    """
    table, is_json = read_document(file.path, place=file.place, most=MAX_BYTES)
    return snake_case_keys(table, place=file.place) if is_json else table


def expanded(path: Path) -> Path:
    """Replace a leading ~ by the home folder, where there is one."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _home(environ: Mapping[str, str]) -> Path | None:
    named = environ.get("HOME") or environ.get("USERPROFILE")
    if named:
        return Path(named)
    try:
        return Path.home()
    except RuntimeError:
        return None


def _project_folders(cwd: Path, home: Path | None) -> Iterator[Path]:
    above = (cwd, *cwd.parents)
    ends = [folder for folder in above if _exists(folder / ".git")]
    end = ends[0] if ends else home if home in above else cwd
    for folder in above:
        yield folder
        if folder == end:
            return


def _first(folder: Path) -> tuple[Path | None, tuple[str, ...]]:
    there = [folder / name for name in FILE_NAMES if _exists(folder / name)]
    unread = [f"{path} is not read, as {there[0].name} is beside it." for path in there[1:]]
    return (there[0] if there else None), tuple(unread)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _shown(path: Path, cwd: Path, home: Path | None) -> str:
    if path.is_relative_to(cwd):
        return str(path.relative_to(cwd))
    if home is not None and path.is_relative_to(home):
        return str(Path("~") / path.relative_to(home))
    return str(path)
