"""Checks of single settings that a type alone cannot express."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from pydantic_core import PydanticCustomError

from mcp_router.config.zone import is_time_zone

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_URL = re.compile(r"https?://(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/@?#:\[\]]+)(:\d{1,5})?(/[^\s?#]*)?")
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*|[A-Za-z0-9._-]{1,253}")
_ORIGIN = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253})(:\d{1,5})?")
_TAG = re.compile(r"[^\s=]+=\S(.*\S)?")
_TASK = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
IN_MEMORY = ":memory:"
"""What SQLite calls a database that is no file."""

_SECRET_HEADERS = frozenset({"authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"})


def refusal(problem: str, *, allowed: str) -> PydanticCustomError:
    """Build the error a validator raises: what is wrong, and what is allowed instead."""
    return PydanticCustomError("setting", "{problem}", {"problem": problem, "allowed": allowed})


def not_bool(value: object) -> object:
    """Refuse true and false where a number is meant; pydantic would take them for 1 and 0."""
    if isinstance(value, bool):
        raise refusal("true and false are not numbers", allowed="")
    return value


def none_word(value: object) -> object:
    """Read the word "none" as no value, as TOML and the environment have no null."""
    return None if isinstance(value, str) and value.strip().lower() == "none" else value


def reuse_word(value: object) -> object:
    """Read true as the exact cache and false as none."""
    if isinstance(value, bool):
        return "exact" if value else "off"
    return value


def time_zone(name: str) -> str:
    """Check an IANA time zone name against the machine's database."""
    if is_time_zone(name):
        return name
    raise refusal(f"{name[:40]!r} is not a known time zone", allowed='such as "Europe/Berlin"')


def variable_name(name: str) -> str:
    """Check that this names an environment variable and is not itself a key; "" means no key.

    The value is never repeated, since it may be a secret.
    """
    looks_random = len(name) >= 20 and bool(re.search("[a-z]", name) and re.search("[0-9]", name))
    if name and (looks_random or not _VARIABLE.fullmatch(name)):
        problem = "this looks like a key itself, not like the name of a variable"
        raise refusal(problem, allowed='the name of the variable that holds it, "OPENAI_API_KEY"')
    return name


def address(url: str) -> str:
    """Check an http(s) address; user names, queries and fragments may hold secrets."""
    if not _URL.fullmatch(url):
        allowed = '"https://host/v1" without user name, password or query'
        raise refusal("this is not a usable address", allowed=allowed)
    return url


def host_name(name: str) -> str:
    """Check the name or address of a machine, without a port; returned in small letters."""
    if not _HOST.fullmatch(name):
        raise refusal("this does not name a machine", allowed="a name or address without a port")
    return name.lower().strip("[]")


def origin(url: str) -> str:
    """Check the origin of a web page: scheme, name and port, no path."""
    if not _ORIGIN.fullmatch(url):
        raise refusal("this is not an origin", allowed='such as "https://chat.example.com"')
    return url.lower()


def is_loopback(url: str) -> bool:
    """Say whether an address stays on this machine."""
    found = _URL.fullmatch(url)
    host = found["host"].lower() if found else ""
    return host in ("localhost", "[::1]") or bool(re.fullmatch(r"127(\.\d{1,3}){3}", host))


def headers_without_secrets(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Refuse headers that carry a key."""
    for name, value in headers.items():
        if name.lower() in _SECRET_HEADERS:
            raise refusal(f"the header {name} carries a secret", allowed="name it in api_key_env")
        if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not re.fullmatch(r"[\x20-\x7e]*", value):
            raise refusal("a header has a name or value HTTP does not allow", allowed="plain ASCII")
    return headers


def tag(name: str) -> str:
    """Check that a tag budget is named like "project=site"."""
    if not _TAG.fullmatch(name):
        raise refusal(f"{name[:40]!r} does not name a tag", allowed='a name such as "project=site"')
    return name


def task_name(name: str) -> str:
    """Check the name of a task type."""
    if not _TASK.fullmatch(name):
        raise refusal("this does not name a task", allowed="letters, digits, _ and -, up to 64")
    return name


def scorer_name(name: str) -> str:
    """Check the name of a scorer."""
    if not _TASK.fullmatch(name):
        raise refusal("this does not name a scorer", allowed="letters, digits, _ and -, up to 64")
    return name


def is_database_address(place: str) -> bool:
    """Say whether a database is named by the address of a server, not by the path of a file."""
    return place.strip().startswith(("postgresql://", "postgres://"))


def database_path(path: str) -> str:
    """Refuse what SQLite would keep in memory, as every process must find the same database.

    The address of a server passes, unless it holds a password: settings are shown and passed on.
    """
    if is_database_address(path):
        return _database_address(path.strip())
    if path.strip() == IN_MEMORY:
        problem = "a database in memory cannot be shared by the processes that use it"
        raise refusal(problem, allowed="the path of a file, which may lie in a temporary folder")
    return file_path(path)


def _database_address(address: str) -> str:
    allowed = '"postgresql://user@host:5432/name", the password in PGPASSWORD or ~/.pgpass'
    try:
        parts = urlsplit(address)
        secret = parts.password is not None or "password" in dict(parse_qsl(parts.query))
    except ValueError:
        raise refusal("this is not a usable address", allowed=allowed) from None
    if secret:
        raise refusal("an address of a database may not hold a password", allowed=allowed)
    return address


def file_path(path: str) -> str:
    """Refuse paths no file system takes."""
    if not path.strip() or "\0" in path:
        raise refusal("this is not a usable path", allowed="the path of a file")
    return path
