"""A sign of a bad answer, or of a good one, with its strength and what it says."""

from __future__ import annotations

from typing import Literal, NamedTuple

SignalName = Literal[
    "empty",
    "truncated",
    "filtered",
    "refusal",
    "hedging",
    "asks_back",
    "repetition",
    "language",
    "json",
    "schema",
    "code",
    "format",
    "tool_call",
    "token_doubt",
    "disagreement",
    "agreement",
]


class Signal(NamedTuple):
    """One sign; `strength` is from 0 to 1, `says` is a short clause for people."""

    name: SignalName
    strength: float
    says: str


class Assessment(NamedTuple):
    """How likely an answer is good enough, from 0 to 1, and the signs for it, gravest first."""

    confidence: float
    signals: tuple[Signal, ...]
