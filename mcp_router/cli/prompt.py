"""The task itself: from the arguments, a file or standard input."""

from __future__ import annotations

import codecs
import sys
from typing import TYPE_CHECKING

import click

from mcp_router.cli.text import mended

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mcp_router.types import Message

MAX_BYTES = 64 * 1024 * 1024

# Windows programs write UTF-16 with a mark into pipes and files.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_task(
    words: Sequence[str], *, file: Path | None, system: Path | None = None
) -> str | tuple[Message, ...]:
    """Return the prompt, or a system and a user message where `system` names a file.

    Raises:
        InvalidRequestError: a file or standard input cannot be read as text.
        click.UsageError: no prompt was given, or two.
    """
    prompt = _prompt(words, file)
    if system is None:
        return prompt
    from mcp_router.types import Message

    rules = _file(system, option="--system")
    return Message(role="system", content=rules), Message(role="user", content=prompt)


def read_source(file: Path, *, option: str) -> str:
    """Return the text of the file that an option names; "-" is standard input.

    Raises:
        InvalidRequestError: it cannot be read as text.
    """
    return _stdin() if str(file) == "-" else _file(file, option=option)


def _prompt(words: Sequence[str], file: Path | None) -> str:
    if file is not None:
        if words:
            raise click.UsageError("Give the task as an argument or with --file, not both.")
        return read_source(file, option="--file")
    if words and tuple(words) != ("-",):
        return mended(" ".join(words))
    if not words and (sys.stdin is None or sys.stdin.isatty()):
        raise click.UsageError('Give the task: "…", --file FILE, or pipe it in.')
    return _stdin()


def _stdin() -> str:
    if sys.stdin is None:
        raise click.UsageError("Standard input is closed.")
    return _text(sys.stdin.buffer.read(MAX_BYTES + 1), field="standard input")


def _file(path: Path, *, option: str) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise _invalid(option, f"{mended(str(path))} cannot be read ({reason})") from error
    return _text(content, field=option)


def _text(content: bytes, *, field: str) -> str:
    if len(content) > MAX_BYTES:
        raise _invalid(field, f"is longer than {MAX_BYTES // 1024**2} MB")
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise _invalid(field, "is not UTF-8 text", "Convert it, for example with iconv.") from error
    if "\0" in text:
        raise _invalid(field, "is not text but binary data", "Give the text of the task.")
    return text


def _invalid(field: str, problem: str, hint: str = "") -> Exception:
    from mcp_router.errors import InvalidRequestError

    return InvalidRequestError(field=field, problem=problem, hint=hint)
