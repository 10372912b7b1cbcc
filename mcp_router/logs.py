"""Lines of the log: as text or as JSON, each on one line and without anything that is a secret."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

LogFormat = Literal["text", "json"]

REDACTED = "[redacted]"
"""What stands where a secret was."""

DETAILED = "%(asctime)s %(levelname)s %(name)s %(message)s"
"""The text of a debug log; its time is the machine's."""

_SHORT = "mcp-router: %(message)s"
_TIMED = "%(asctime)s %(message)s"
ACCESS_LOG = "mcp_router.access"
"""The logger of the requests over HTTP."""

_EXTRAS = (
    *("method", "path", "status", "ms", "bytes", "ended", "client", "token"),
    *("decision_id", "request_id"),
)

# Every repetition is bounded or anchored, so that a hostile line takes no more than linear time.
# A password in an address may itself hold slashes and @.
_IN_ADDRESS = re.compile(r"(://[^\s:/@]{0,256}):\S{1,512}@")
_SCHEME = re.compile(r"(?i)\b(bearer|basic)(\s{1,8})[A-Za-z0-9._~+/=-]{8,}")
# Not the word "token": a budget is called token=NAME.
_NAMED = re.compile(
    r"(?i)(api[_-]?key|(?:access|auth|refresh|id|bearer)[_-]token|authorization|cookie"
    r"|secret(?:[_-]key)?|passw(?:or)?d|passphrase|private[_-]key|[?&]key)"
    r"([\"']?\s{0,8}[:=]\s{0,8})"
    r"(?:\"[^\"]{0,4096}\"?|'[^']{0,4096}'?|(?:(?:bearer|basic)\s{1,8})?[^\s\"'&,;}]{1,4096})"
)
_KNOWN = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|pk|rk|mrt|gsk|xai|hf|r8|pplx|fw|csk|nvapi|gh[oprsu]|github_pat|glpat|xox[a-z])"
    r"[-_][A-Za-z0-9_-]{8,}"
    r"|AIza[A-Za-z0-9_-]{16,}|A[KS]IA[A-Z0-9]{12,}|eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){0,4})"
)
# Keys without a mark of their own: long, and letters and digits together. Ids of ours are shorter.
_RANDOM = re.compile(r"(?<![A-Za-z0-9])(?=[a-zA-Z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{32,}")


def redacted(text: str) -> str:
    """Take out of a text what looks like a key, a bearer token or a password.

    >>> redacted("401 for sk-proj-abcdefgh1234 and Bearer abcdef.123456")
    '401 for [redacted] and Bearer [redacted]'
    """
    text = _IN_ADDRESS.sub(rf"\1:{REDACTED}@", text)
    text = _NAMED.sub(rf"\1\2{REDACTED}", text)
    text = _SCHEME.sub(rf"\1\2{REDACTED}", text)
    return _RANDOM.sub(REDACTED, _KNOWN.sub(REDACTED, text))


class TextLines(logging.Formatter):
    """Writes a record as one line of text; what would break the line is escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the line."""
        whole = self.formatMessage(_plain(record, self))
        text = redacted(whole)
        if text.isprintable():
            return text
        # The settings take a while to load, and few lines need this.
        from mcp_router.config.schema import printable

        return printable(text, limit=len(text))


class JsonLines(logging.Formatter):
    """Writes a record as one JSON object: time, level, logger, message, and what it is about.

    The time is UTC. An exception is told as its class and place, never by its own words.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Write the object."""
        made = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        row: dict[str, object] = {
            "time": made.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(_plain(record, self).message),
        }
        for name in _EXTRAS:
            value = getattr(record, name, None)
            if value is not None and value != "":
                row[name] = value if isinstance(value, int) else redacted(str(value))
        return json.dumps(row)


def lines(kind: LogFormat, *, text: str = DETAILED) -> logging.Formatter:
    """Return what writes lines of this format; `text` is the pattern of those of text."""
    return JsonLines() if kind == "json" else TextLines(text)


def start_log(kind: LogFormat = "text") -> None:
    """Log warnings of everything to stderr, short in text.

    Call it before the MCP server sets up a log of its own, which would wrap and colour each line.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(lines(kind, text=_SHORT))
    logging.basicConfig(level="WARNING", handlers=[handler])


def start_access_log(kind: LogFormat = "text") -> None:
    """Log requests over HTTP to stderr, too; in text with the machine's time."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(lines(kind, text=f"mcp-router: {_TIMED}"))
    log = logging.getLogger(ACCESS_LOG)
    log.addHandler(handler)
    log.setLevel("INFO")
    log.propagate = False


def _plain(record: logging.LogRecord, formatter: logging.Formatter) -> logging.LogRecord:
    """Copy a record, with its message made, and its exception told by class and place alone."""
    copy = logging.makeLogRecord(record.__dict__)
    said = record.getMessage().strip()
    kind = record.exc_info[0] if record.exc_info else None
    if record.exc_info and kind is not None:
        where = traceback.extract_tb(record.exc_info[2])[-1:]
        places = "".join(f" at {Path(one.filename).name}:{one.lineno}" for one in where)
        said = f"{said}: {kind.__name__}{places}"
    copy.message = said
    copy.asctime = formatter.formatTime(copy)
    return copy
