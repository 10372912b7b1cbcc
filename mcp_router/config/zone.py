"""Time zones by their IANA names, checked against the machine's own database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINK = Path("/etc/localtime")
_NAME_FILE = Path("/etc/timezone")


def is_time_zone(name: str) -> bool:
    """Say whether the machine's database knows this time zone."""
    if name in ("UTC", "Etc/UTC"):
        return True
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def local_time_zone(
    environ: Mapping[str, str], *, link: Path = _LINK, name_file: Path = _NAME_FILE
) -> str | None:
    """Name the machine's own zone: TZ, else what /etc/localtime points to, else /etc/timezone.

    Windows has none of these; there, and where the name is unknown, the answer is None.
    """
    for name in (environ.get("TZ", "").removeprefix(":"), _linked(link), _named(name_file)):
        if name and is_time_zone(name):
            return name
    return None


def _linked(link: Path) -> str:
    try:
        target = link.readlink().as_posix()
    except OSError:
        return ""
    _, _, name = target.partition("zoneinfo/")
    return name


def _named(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
