"""Changes settings in a file for the commands that do: told what was written, and what wins."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import click

from mcp_router.cli.installation import working_folder
from mcp_router.cli.output import say, write
from mcp_router.cli.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mcp_router.cli.session import Session
    from mcp_router.config.edit import Given, Keys, Setting

_LEAST, _MOST = Decimal("1e-15"), Decimal(10) ** 15
_SWITCHES = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def set_settings(
    session: Session, given: Sequence[tuple[str, str]], *, unset: Sequence[str]
) -> None:
    """Write settings named by their dotted keys, and take others out of the user's file.

    Nothing is written unless all of them are valid together with the rest.

    Raises:
        ConfigError: a key is none that can be set here, or a value is not allowed.
        InvalidRequestError: a variable of the environment would win over it.
    """
    changes: dict[Keys, Setting] = {}
    for key, text in given:
        path = _path(key)
        changes[path] = _read(text, path)
    changes |= {_path(key): None for key in unset}
    _check(session, changes)
    write_changes(session, changes)


def _path(key: str) -> Keys:
    from mcp_router.config.nearest import nearest
    from mcp_router.config.schema import dotted, find, leaves, split
    from mcp_router.errors import ConfigError

    path = split(key.strip())
    node = find(path)
    if node is None:
        known = [dotted(one) for one, _ in leaves()]
        close = ", ".join(nearest(key, known))
        raise ConfigError(place="--set", key=key, problem="there is no such setting", allowed=close)
    if node.fields or node.item or "tables" in node.type:
        allowed = ", ".join(f"{key}.{name}" for name in node.fields) or "a line in the file itself"
        raise ConfigError(
            place="--set", key=key, problem="it holds several settings", allowed=allowed
        )
    return path


def _read(text: str, path: Keys) -> Given:
    """Read a value as the kind of its setting asks; what does not fit is left for the check."""
    from mcp_router.config.schema import find

    kind = node.type if (node := find(path)) else ""
    word = text.strip()
    if kind.startswith("list of"):
        return tuple(name.strip() for name in word.split(",") if name.strip())
    if kind.startswith("true or false"):
        return _SWITCHES.get(word.lower(), word)
    if kind.startswith(("whole number", "number", "amount")):
        try:
            number = Decimal(word)
        except InvalidOperation:
            return word
        return number if _is_written_out(number) else word
    return text


def _is_written_out(number: Decimal) -> bool:
    """Say whether a number is written with a sensible count of digits; 1e-999999 is not."""
    return number.is_finite() and (not number or _LEAST < abs(number) < _MOST)


def _check(session: Session, changes: Mapping[Keys, Setting]) -> None:
    """Lay the changes over the settings in force: names in them must exist as well."""
    from mcp_router.config.load import load_settings
    from mcp_router.config.merge import Entry, nest

    put = {path: Entry(value, "--set") for path, value in changes.items() if value is not None}
    loaded = load_settings(
        config=session.config, environ=session.environ, cwd=working_folder(), overrides=nest(put)
    )
    session.catalog_of(loaded)


def write_changes(
    session: Session, changes: Mapping[Keys, Setting], *, project_file: bool = False
) -> None:
    """Write settings into the user's file, or the project's, and say what stands there now.

    Raises:
        ConfigError: the file cannot be changed, or a value is not allowed.
        InvalidRequestError: a variable of the environment would win over it.
        click.UsageError: the project's file is asked for where it would not be read.
    """
    from mcp_router.config.schema import dotted
    from mcp_router.config.write import file_to_write, write_settings

    _refuse_overridden(session, changes)
    config = _named(session)
    if config is not None and project_file:
        raise click.UsageError(f"Only {config} is read here, so --project-file would not count.")
    cwd = working_folder()
    file = file_to_write(config=config, environ=session.environ, cwd=cwd, project=project_file)
    if not write_settings(file, changes=changes):
        write(f"Nothing to change in {clean(str(file))}.\n")
        return
    for path, value in changes.items():
        now = "is not set any more" if value is None else f"= {_written(value)}"
        write(f"{clean(dotted(path))} {now}\n")
    write(f"Written to {clean(str(file))}.\n")
    _warn_of_stronger(session, changes, file=file, cwd=cwd)


def _written(value: Setting) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bool):
        return str(value).lower()
    return clean(", ".join(value) if isinstance(value, tuple) else value or "")


def _named(session: Session) -> Path | None:
    from pathlib import Path

    from mcp_router.config.environment import FILE_VARIABLE

    named = session.environ.get(FILE_VARIABLE, "").strip()
    return session.config or (Path(named) if named else None)


def _refuse_overridden(session: Session, changes: Mapping[Keys, Setting]) -> None:
    from mcp_router.config.environment import read_environment
    from mcp_router.config.schema import dotted
    from mcp_router.errors import InvalidRequestError

    for variable, (path, _) in read_environment(session.environ).settings.items():
        if path in changes:
            problem = f"the variable {variable} sets it, and wins over every file"
            hint = f"Take it out of your environment first: unset {variable}"
            raise InvalidRequestError(field=dotted(path), problem=problem, hint=hint)


def _warn_of_stronger(
    session: Session, changes: Mapping[Keys, Setting], *, file: Path, cwd: Path
) -> None:
    """Tell of a file that wins over the one that was written."""
    from mcp_router.config.files import find_files
    from mcp_router.config.schema import dotted
    from mcp_router.errors import ConfigError

    found = find_files(config=_named(session), environ=session.environ, cwd=cwd).files
    ours = {one.place for one in found if one.path.resolve() == file.resolve()}
    try:
        sources = session.load(session.config, environ=session.environ).sources
    except ConfigError as error:
        # The file that was written is fine; another one is not.
        say("warning", error.message)
        return
    for path in changes:
        place = sources.get(dotted(path), "default")
        if place not in (*ours, "default"):
            say("warning", f"{place} sets {dotted(path)} as well, and wins here.")
