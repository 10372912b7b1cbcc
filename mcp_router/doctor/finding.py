"""What one check found."""

from __future__ import annotations

from typing import Literal, NamedTuple

Status = Literal["ok", "warn", "fail"]


class Finding(NamedTuple):
    """One line of the report: what was looked at, how it is, and how to mend it.

    `text` and `mend` never hold a key or what a key is worth, only names.
    """

    subject: str
    status: Status
    text: str
    mend: str = ""


def ok(subject: str, text: str) -> Finding:
    """Say that something is as it should be."""
    return Finding(subject, "ok", text)


def warn(subject: str, text: str, mend: str) -> Finding:
    """Say that something works less well than it could."""
    return Finding(subject, "warn", text, mend)


def fail(subject: str, text: str, mend: str) -> Finding:
    """Say that something does not work."""
    return Finding(subject, "fail", text, mend)
