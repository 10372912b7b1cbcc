"""Placeholders in texts: `{{name}}` stands for a text, which is put in as it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLACEHOLDER = re.compile(r"\{\{[ \t]*([A-Za-z][A-Za-z0-9_-]{0,63})[ \t]*\}\}")


def names_in(text: str) -> tuple[str, ...]:
    """List the names that a text has placeholders for, each once, in order."""
    return tuple(dict.fromkeys(_PLACEHOLDER.findall(text)))


def filled(text: str, *, values: Mapping[str, str]) -> str:
    """Replace every placeholder by its value in one pass.

    What is put in is never looked at again, so an answer that holds placeholders or code of any
    kind stays what it is: text. Other double braces are left alone.

    Raises:
        KeyError: there is no value of a name.
    """
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], text)
