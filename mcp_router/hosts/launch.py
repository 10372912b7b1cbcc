"""The command line by which a host starts this very installation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple, cast

from mcp_router.version import __version__

DISTRIBUTION = "mcp-model-router"
PROGRAM = "mcp-router"
SERVE = "serve"

_NAMES = (PROGRAM, DISTRIBUTION)
_MODULES = ("mcp_router", "mcp_router.server")
# uv keeps what `uvx` runs in its cache, from where it may be cleaned away at any time.
_UV_CACHE = re.compile(r"(archive|environments|builds)-v\d+")


class Launch(NamedTuple):
    """A program and its arguments."""

    command: str
    args: tuple[str, ...]

    def words(self) -> tuple[str, ...]:
        """Return program and arguments as one list."""
        return (self.command, *self.args)


class Runtime(NamedTuple):
    """How this process was started: `sys.argv[0]`, `sys.executable` and `sys.prefix`."""

    script: str
    executable: str
    prefix: str


PINNED = Launch("uvx", (f"{DISTRIBUTION}@{__version__}", SERVE))
"""Runs the published release of this version, on any machine that has uv."""


def launch_of(runtime: Runtime) -> Launch:
    """Return what starts the server of this installation from anywhere.

    That is the script that runs now, by its absolute path; from `uvx`, whose folder does not
    last, the pinned release; else the interpreter with the module.
    """
    if any(_UV_CACHE.fullmatch(part) for part in Path(runtime.prefix).parts):
        return PINNED
    beside = Path(runtime.executable).parent
    for script in (Path(runtime.script), beside / PROGRAM, beside / f"{PROGRAM}.exe"):
        if script.stem in _NAMES and script.is_file():
            return Launch(str(script.absolute()), (SERVE,))
    return Launch(runtime.executable, ("-m", "mcp_router", SERVE))


def is_ours(entry: object) -> bool:
    """Tell whether the entry of a host's file starts this program, whatever its version."""
    if not isinstance(entry, dict):
        return False
    found = cast("dict[str, object]", entry)
    command, args = found.get("command"), found.get("args")
    if not isinstance(command, str):
        return False
    stem = command.replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    words = cast("list[object]", args) if isinstance(args, list) else []
    return stem in _NAMES or any(isinstance(word, str) and _names_us(word) for word in words)


def _names_us(word: str) -> bool:
    return word in _MODULES or re.split("[@=]", word)[0] == DISTRIBUTION
