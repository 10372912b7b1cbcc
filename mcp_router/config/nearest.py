"""Finds the names most like a mistyped one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.0) -> tuple[str, ...]:
    """Return up to three known names, most alike first; `cutoff` from 0 to 1 drops unlike ones."""
    from difflib import get_close_matches

    # A long name costs time by its square, and nobody mistypes that much.
    return tuple(get_close_matches(name[:60], list(known), n=3, cutoff=cutoff))
