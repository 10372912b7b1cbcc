"""The entry of a server in the content of a host's file: read, put there, taken out again."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from mcp_router.errors import HostError
from mcp_router.hosts import json_edit, jsonc, toml_edit
from mcp_router.hosts.launch import is_ours

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from mcp_router.hosts.host import Host
    from mcp_router.hosts.launch import Launch

_MARK = "\ufeff"
# An entry with one of these is a server elsewhere; a command beside it would make no sense.
_REMOTE = ("url", "httpUrl", "serverUrl")


def entry_of(host: Host, *, launch: Launch) -> dict[str, object]:
    """Build what the file of a host says about a server."""
    kind = {"type": "stdio"} if host.typed else {}
    return {**kind, "command": launch.command, "args": list(launch.args)}


def servers(content: bytes | None, *, host: Host, place: str) -> Mapping[str, object]:
    """Read which servers a file lists, by name.

    Raises:
        HostError: the file is damaged; names the line and column.
    """
    return _servers(_parsed(_decoded(content, place=place), host=host, place=place), host, place)


def with_entry(
    content: bytes | None, *, host: Host, name: str, entry: Mapping[str, object], place: str
) -> bytes:
    """Return the content of a file with our entry added, or brought up to date.

    What somebody added to our entry is kept, and so is everything outside of it.

    Raises:
        HostError: the file is damaged, or another program has an entry of this name.
    """
    text = _decoded(content, place=place)
    data = _parsed(text, host=host, place=place)
    there = _servers(data, host, place)
    old = there.get(name)
    if old is not None and not is_ours(old):
        raise HostError(
            place=place,
            problem=f"it has a server {name!r} already, which is another program",
            hint="Choose another name with --name.",
        )
    kept = cast("dict[str, object]", old or {})
    if any(key in kept for key in _REMOTE):
        kept = {}
    wanted = {**kept, **entry}
    if wanted == old:
        return content or b""
    with _explained(place):
        new = _put(text, host=host, name=name, changes=_differing(kept, wanted), whole=not kept)
    _check(new, {**data, host.table: {**there, name: wanted}}, host=host, place=place)
    return _encoded(new, like=content)


def without_entry(content: bytes, *, host: Host, name: str, place: str) -> bytes:
    """Return the content of a file without our entry, or as it is if there is none.

    Raises:
        HostError: the file is damaged, or the entry of this name is another program's.
    """
    text = _decoded(content, place=place)
    data = _parsed(text, host=host, place=place)
    there = dict(_servers(data, host, place))
    if name not in there:
        return content
    if not is_ours(there.pop(name)):
        raise HostError(place=place, problem=f"its server {name!r} is another program")
    with _explained(place):
        new = _drop(text, host=host, name=name)
    _check(new, {**data, host.table: there}, host=host, place=place)
    return _encoded(new, like=content)


def _put(text: str, *, host: Host, name: str, changes: Mapping[str, object], whole: bool) -> str:
    if host.dialect is None:
        return toml_edit.put(text, table=host.table, name=name, entry=changes)
    if whole:
        document = jsonc.parse(text, dialect=host.dialect)
        return json_edit.put(document, path=(host.table, name), value=changes)
    for key, value in changes.items():
        document = jsonc.parse(text, dialect=host.dialect)
        text = json_edit.put(document, path=(host.table, name, key), value=value)
    return text


def _drop(text: str, *, host: Host, name: str) -> str:
    if host.dialect is None:
        return toml_edit.drop(text, table=host.table, name=name)
    document = jsonc.parse(text, dialect=host.dialect)
    return json_edit.drop(document, path=(host.table, name))


def _differing(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in new.items() if key not in old or old[key] != value}


def _check(text: str, wanted: Mapping[str, object], *, host: Host, place: str) -> None:
    """Make sure that an edit did what it should and nothing else, before anything is written."""
    try:
        found = _parsed(text, host=host, place=place)
    except HostError as error:
        raise _unusual(place) from error
    if _without_empty(found, host) != _without_empty(wanted, host):
        raise _unusual(place)


@contextmanager
def _explained(place: str) -> Generator[None]:
    try:
        yield
    except jsonc.SyntaxProblem as error:
        raise _unusual(place) from error


def _unusual(place: str) -> HostError:
    return HostError(
        place=place,
        problem="it is written in a way that cannot be changed safely here",
        hint="Change it by hand; the README shows what belongs there.",
    )


def _without_empty(data: Mapping[str, object], host: Host) -> dict[str, object]:
    return {key: value for key, value in data.items() if key != host.table or value}


def _parsed(text: str, *, host: Host, place: str) -> Mapping[str, object]:
    try:
        if host.dialect is None:
            return toml_edit.parse(text)
        return jsonc.parse(text, dialect=host.dialect).value
    except jsonc.SyntaxProblem as error:
        raise HostError(
            place=place, problem=str(error), hint=f"{host.title} cannot read it either; mend it."
        ) from error


def _servers(data: Mapping[str, object], host: Host, place: str) -> Mapping[str, object]:
    found = data.get(host.table, {})
    if not isinstance(found, dict):
        raise HostError(place=place, problem=f"{host.table!r} in it is no list of servers")
    return cast("dict[str, object]", found)


def _decoded(content: bytes | None, *, place: str) -> str:
    try:
        return (content or b"").decode("utf-8").removeprefix(_MARK)
    except UnicodeDecodeError as error:
        raise HostError(place=place, problem="it is not UTF-8 text") from error


def _encoded(text: str, *, like: bytes | None) -> bytes:
    old = (like or b"").decode("utf-8")
    end = "" if old.removeprefix(_MARK).strip() else "\n"
    mark = _MARK if old.startswith(_MARK) else ""
    return (mark + text.rstrip("\n") + end if end else mark + text).encode("utf-8")
