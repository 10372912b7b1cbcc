"""A check of an answer before it is taken: what the executor asks of whoever knows better."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from mcp_router.types import Completion


class Verdict(NamedTuple):
    """What came of a check.

    `refusal` says why the answer is not good enough, "" for one that is taken; `nanos` is what
    the check itself cost.
    """

    refusal: str = ""
    nanos: int = 0


Check = Callable[[Completion], Awaitable[Verdict]]
"""Looks at an answer that is paid for; nothing is held meanwhile."""
