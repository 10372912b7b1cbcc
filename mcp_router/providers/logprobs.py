"""Token probabilities in the answers of the OpenAI and Gemini wires, boiled to three figures."""

from __future__ import annotations

import re
from collections import deque
from typing import NamedTuple

from mcp_router.providers.reading import as_list, as_object
from mcp_router.providers.wire import Json, Target
from mcp_router.types import Logprobs, Need

WINDOW = 8
"""So many tokens in a row are a phrase, the least that doubt is looked for in."""

FLOOR = -10.0
"""Nothing counts as less likely than this: OpenAI writes -9999 for whatever is unlikely."""

_NAMED = re.compile(rb"log_?prob", re.IGNORECASE)
_REFUSALS = frozenset((400, 403, 422))


def tells_logprobs(target: Target, *, tools: bool) -> bool:
    """Say whether a model is known to tell them in a call like this one.

    With thinking models they are refused, or cover the thoughts as well; with tools llama.cpp
    refuses them in a stream, and calls say little about words.
    """
    model = target.model
    if tools or Need.THINKING in model.features or "logprobs" in model.rejects:
        return False
    return target.provider.logprobs


class Spelling(NamedTuple):
    """How a wire names the list of an answer's tokens, and the figure of each."""

    tokens: str
    figure: str


OPENAI = Spelling("content", "logprob")
GEMINI = Spelling("chosenCandidates", "logProbability")


def refuses_logprobs(*, status: int, body: bytes) -> bool:
    """Say whether a failure names probabilities as its cause."""
    return status in _REFUSALS and bool(_NAMED.search(body))


def withdraw_logprobs(sent: Json) -> bool:
    """Take the wish for probabilities out of a request; say whether it was there."""
    config = as_object(sent.get("generationConfig"))
    return bool(sent.pop("logprobs", False) or config.pop("responseLogprobs", False))


class Tally:
    """Adds up the probabilities of one answer, a piece at a time, in constant memory.

    Whatever is no logarithm of a probability (text, NaN, above 0) does not count.
    """

    def __init__(self, spelling: Spelling = OPENAI) -> None:
        self._spelling = spelling
        self._sum = 0.0
        self._tokens = 0
        self._lowest = 0.0
        self._window: deque[float] = deque(maxlen=WINDOW)

    def add(self, logprobs: object) -> None:
        """Take in what stands beside one piece of the answer."""
        for token in as_list(as_object(logprobs).get(self._spelling.tokens)):
            value = as_object(token).get(self._spelling.figure)
            if isinstance(value, int | float) and not isinstance(value, bool) and value <= 0:
                self._count(float(max(FLOOR, value)))

    def figures(self) -> Logprobs | None:
        """Return the figures, None where nothing counted."""
        if not self._tokens:
            return None
        # Rounding of a long sum could lift it past its own terms.
        mean = min(0.0, self._sum / self._tokens)
        lowest = mean if self._tokens < WINDOW else min(mean, self._lowest)
        return Logprobs(mean=mean, lowest=lowest, tokens=self._tokens)

    def _count(self, value: float) -> None:
        self._sum += value
        self._tokens += 1
        self._window.append(value)
        if len(self._window) == WINDOW:
            self._lowest = min(self._lowest, sum(self._window) / WINDOW)


def logprobs_of(logprobs: object, *, spelling: Spelling = OPENAI) -> Logprobs | None:
    """Read the figures of an answer that came whole."""
    tally = Tally(spelling)
    tally.add(logprobs)
    return tally.figures()
