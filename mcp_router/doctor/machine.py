"""Checks what the router runs on: Python, and the files that came with the package."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from mcp_router.assets import find
from mcp_router.doctor.finding import Finding, fail, ok
from mcp_router.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

OLDEST_PYTHON = (3, 11)
_DATA = ("db", "slash_commands")


def check_python(version: Sequence[int]) -> Finding:
    """Check the version of the interpreter, such as `sys.version_info`."""
    shown = ".".join(map(str, version[:3]))
    text = f"{platform.python_implementation()} {shown} on {platform.system()}"
    if tuple(version[:2]) >= OLDEST_PYTHON:
        return ok("Python", text)
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return fail("Python", text, f"Install Python {oldest} or newer.")


def check_package() -> Finding:
    """Check that the data folders of the package are there."""
    try:
        for name in _DATA:
            find(name)
    except FileNotFoundError as error:
        return fail("Package", str(error), "pip install --force-reinstall mcp-model-router")
    return ok("Package", f"mcp-model-router {__version__}, complete")
