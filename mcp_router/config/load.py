"""Loads the settings: arguments over environment over project file over user file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from mcp_router.config.checks import IN_MEMORY, is_database_address, is_loopback
from mcp_router.config.complaint import complaint
from mcp_router.config.environment import FILE_VARIABLE, VARIABLES, read_environment
from mcp_router.config.files import expanded, find_files, read_file
from mcp_router.config.merge import (
    DEFAULT,
    MACHINE,
    Entry,
    Keys,
    flatten,
    lay_over,
    nest,
    sources,
)
from mcp_router.config.nearest import nearest
from mcp_router.config.schema import dotted, printable, split
from mcp_router.config.scorers import RUNNING_KEYS, RUNS
from mcp_router.config.settings import BudgetSettings, Settings
from mcp_router.config.zone import local_time_zone
from mcp_router.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATHS: tuple[Keys, ...] = (("db",), ("log_file",))
_ZONE: Keys = ("budget", "timezone")
_SCORER_DEPTH = 3
# A project's file comes with whatever was cloned; these would run or call what it names.
_NOT_FROM_A_PROJECT: tuple[Keys, ...] = (
    ("budget", "alert_command"),
    ("budget", "alert_webhook"),
    ("telemetry", "prompts"),
    ("http", "host"),
    ("http", "allowed_hosts"),
    ("http", "allowed_origins"),
    ("http", "oauth"),
    # Prompts would go to what these name, and money beside the budgets.
    ("shadow", "chain"),
    ("shadow", "daily_usd"),
    ("shadow", "judge"),
)


class Loaded(NamedTuple):
    """The settings and how they came about.

    `sources` says for each dotted key where its value came from: a file, a variable,
    "argument", "machine" (the time zone) or "default".
    """

    settings: Settings
    sources: Mapping[str, str]
    warnings: tuple[str, ...]
    files: tuple[Path, ...]


def load_settings(
    *,
    config: Path | None = None,
    environ: Mapping[str, str],
    cwd: Path,
    overrides: Mapping[str, object] = {},
) -> Loaded:
    """Read and check the settings.

    `config` (or ROUTING_CONFIG) names the one file to read instead of the project's and the
    user's. `overrides` are nested tables, or dotted keys such as "budget.daily".

    Raises:
        ConfigError: a file or value cannot be used; names the place, the key, what is allowed.
    """
    if config is None and environ.get(FILE_VARIABLE, "").strip():
        config = Path(environ[FILE_VARIABLE].strip())
    found = find_files(config=config, environ=environ, cwd=cwd)
    variables = read_environment(environ)
    warnings = [*found.warnings, *map(_unknown_variable, variables.unknown)]
    entries: dict[Keys, Entry] = {}
    for file in found.files:
        layer = flatten(read_file(file), place=file.place)
        if file.from_project:
            _refuse_commands(layer, file.place)
            warnings += _redirections(layer)
        entries = lay_over(entries, _absolute(layer, file.path.parent))
    for name, (path, value) in variables.settings.items():
        entries = lay_over(entries, _absolute({path: Entry(value, name)}, cwd))
    entries = lay_over(entries, _absolute(_arguments(overrides), cwd))
    zone = _zone(environ)
    settings = _validated(entries, zone=zone)
    files = tuple(file.path for file in found.files)
    return Loaded(settings, sources(lay_over({_ZONE: zone}, entries)), tuple(warnings), files)


def _arguments(overrides: Mapping[str, object]) -> dict[Keys, Entry]:
    entries = flatten(overrides, place="argument")
    return {(*split(path[0]), *path[1:]): entry for path, entry in entries.items()}


def _zone(environ: Mapping[str, str]) -> Entry:
    zone = local_time_zone(environ)
    return Entry(zone or "UTC", MACHINE if zone else DEFAULT)


def _validated(entries: Mapping[Keys, Entry], *, zone: Entry) -> Settings:
    if not entries:
        # Every default is valid, a test says so; building the validators would take 5 ms.
        return Settings.model_construct(budget=BudgetSettings.model_construct(timezone=zone.value))
    complete = lay_over({_ZONE: zone}, entries)
    data = nest(complete)
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        # The error repeats the input, so it must not be shown below ours.
        raise complaint(error, data=data, entries=complete) from None


def _absolute(layer: Mapping[Keys, Entry], folder: Path) -> dict[Keys, Entry]:
    """Resolve relative paths against the folder of the file they stand in."""
    result = dict(layer)
    for path in _PATHS:
        entry = layer.get(path)
        if entry is not None and isinstance(entry.value, str) and entry.value.strip():
            if entry.value.strip() == IN_MEMORY or is_database_address(entry.value):
                # Stays as it is: to be refused under its own name, or as it is no path.
                continue
            full = folder / expanded(Path(entry.value))
            result[path] = Entry(str(full), entry.place)
    return result | _scorer_paths(layer, folder)


def _scorer_paths(layer: Mapping[Keys, Entry], folder: Path) -> dict[Keys, Entry]:
    """Resolve the files of scorers, and have commands run beside the file that names them.

    Run where a person happens to stand, a relative name could be that of a stranger's program.
    """
    result: dict[Keys, Entry] = {}
    for path, entry in layer.items():
        if path[:1] != ("scorers",) or len(path) != _SCORER_DEPTH:
            continue
        if path[2] in ("folder", "schema_file") and isinstance(entry.value, str):
            result[path] = Entry(str(folder / expanded(Path(entry.value))), entry.place)
        elif path[2] == "command":
            result.setdefault((*path[:2], "folder"), Entry(str(folder), entry.place))
    return result


def _refuse_commands(layer: Mapping[Keys, Entry], place: str) -> None:
    for path, entry in layer.items():
        if path[:2] in _NOT_FROM_A_PROJECT or _starts_something(path, entry):
            key = path[:2] if path[:2] in _NOT_FROM_A_PROJECT else path[:_SCORER_DEPTH]
            allowed = "this key in the file in your own config folder, or in one named by --config"
            problem = "a project's file may not start programs or call addresses"
            raise ConfigError(place=place, key=dotted(key), problem=problem, allowed=allowed)


def _starts_something(path: Keys, entry: Entry) -> bool:
    """Say whether an entry names a server that is told everything, or runs a scorer here."""
    if path == ("db",):
        return is_database_address(str(entry.value))
    if path[:1] != ("scorers",) or len(path) < _SCORER_DEPTH:
        return False
    return path[2] in RUNNING_KEYS or (path[2] == "kind" and str(entry.value) in RUNS)


def _redirections(layer: Mapping[Keys, Entry]) -> list[str]:
    return [
        f"{entry.place} sends what goes to provider {printable(path[1])} to {printable(url)}."
        for path, entry in layer.items()
        if path[::2] == ("providers", "base_url")
        and isinstance(url := entry.value, str)
        and not is_loopback(url)
    ]


def _unknown_variable(name: str) -> str:
    close = nearest(name, [*VARIABLES, FILE_VARIABLE], cutoff=0.8)
    meant = f" Did you mean {close[0]}?" if close else ""
    return f"{printable(name)} is not a variable of mcp-router.{meant}"
