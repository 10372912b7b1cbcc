"""The text of the slash command, as the plugin folder carries it: the one source of it."""

from __future__ import annotations

import re
from typing import NamedTuple

from mcp_router import assets

FILE = "commands/model.md"
PLACE = "$ARGUMENTS"
_PARTS = re.compile(r"---\n(?P<head>.*?)^---\n(?P<body>.*)", re.DOTALL | re.MULTILINE)


class Command(NamedTuple):
    """What it is for, what its line may be, and what an agent is told to do with one."""

    description: str
    hint: str
    body: str

    def told(self, line: str) -> str:
        """Put a line into the text."""
        return self.body.replace(PLACE, line)


def read_command() -> Command:
    """Read the text.

    Raises:
        FileNotFoundError: the installation is not whole.
    """
    text = (assets.find("slash_commands") / FILE).read_text(encoding="utf-8")
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise FileNotFoundError(f"{FILE} has no head. Reinstall mcp-model-router.")
    head = dict(line.split(": ", 1) for line in parts["head"].splitlines())
    return Command(head["description"], head["argument-hint"], parts["body"].strip())
