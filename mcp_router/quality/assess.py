"""How confident one may be that an answer is good, from the signs of a bad one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from mcp_router.quality.asked import asked as read_ask
from mcp_router.quality.code import code_signal
from mcp_router.quality.ending import ending_signals
from mcp_router.quality.formats import format_signals
from mcp_router.quality.languages import language_signal
from mcp_router.quality.repetition import repetition
from mcp_router.quality.signals import Assessment, Signal, SignalName
from mcp_router.quality.structure import json_signals, tool_signals
from mcp_router.quality.voice import layout
from mcp_router.quality.wording import wording_signals
from mcp_router.types import Logprobs, Request, ToolCall

THRESHOLD = 0.6
"""Below this confidence a cascade escalates, unless the settings say otherwise."""

INTERCEPT = 1.95
"""Without any sign seven answers in eight are good: fluent answers may still be wrong."""

# Fitted by ridge-penalised logistic regression on one half of the labelled answers of the tests,
# rounded, and measured on the other (tests/quality/calibration.py). Those of empty, filtered and
# tool_call are certain by their nature and set by hand, as are the last three, for which there are
# no answers with labels: sign and size after Wang et al. (2023), "Self-consistency improves chain
# of thought reasoning", and Kadavath et al. (2022), "Language models (mostly) know what they know".
WEIGHTS: Mapping[SignalName, float] = {
    "empty": -7.0,
    "filtered": -5.0,
    "truncated": -4.5,
    "refusal": -5.0,
    "hedging": -3.0,
    "asks_back": -3.0,
    "repetition": -4.5,
    "language": -4.5,
    "json": -4.5,
    "schema": -4.5,
    "code": -2.5,
    "format": -3.0,
    "tool_call": -4.5,
    "token_doubt": -3.0,
    "disagreement": -3.0,
    "agreement": 1.0,
}

_SHORT = 24
_LEAST_SHARE = 0.25
"""Up to so many tokens doubt counts in full, beyond them for less, but never less than this."""


def assess(
    request: Request,
    answer: str,
    *,
    tool_calls: Sequence[ToolCall] = (),
    finish_reason: str = "stop",
    logprobs: Logprobs | None = None,
    others: Sequence[str] = (),
) -> Assessment:
    """Judge an answer by its form, its wording and what else is known of it; never by its truth.

    `logprobs` say how sure the model was of its words, where that is known; `others` are further
    answers to the same request (self-consistency).
    """
    found = list(_signals(request, answer, tool_calls=tool_calls, finish_reason=finish_reason))
    found += _doubts(logprobs)
    if others:
        # Most answers stand alone, and what compares them takes memory.
        from mcp_router.quality.agreement import consistency

        found += _consistent(consistency(answer, others, request=request))
    return Assessment(confidence(found), tuple(sorted(found, key=_harm)))


def confidence(signals: Sequence[Signal]) -> float:
    """Combine signals into the chance that an answer is good, by a logistic of their strengths.

    Of several signals with one name the strongest counts.
    """
    strengths: dict[SignalName, float] = {}
    for name, strength, _ in signals:
        strengths[name] = max(strength, strengths.get(name, 0.0))
    logit = INTERCEPT + sum(WEIGHTS[name] * strength for name, strength in strengths.items())
    return 1.0 / (1.0 + math.exp(-logit))


def _signals(
    request: Request, answer: str, *, tool_calls: Sequence[ToolCall], finish_reason: str
) -> Iterator[Signal]:
    ask, parts = read_ask(request), layout(answer)
    yield from ending_signals(
        answer, parts, tool_calls=len(tool_calls), finish_reason=finish_reason
    )
    yield from tool_signals(request, tool_calls)
    if not answer.strip():
        return
    yield from wording_signals(ask, parts)
    if not tool_calls:
        # Beside a call the text is only a remark; the answer is still to come.
        yield from json_signals(request, ask, answer=answer, parts=parts)
        yield from format_signals(ask, parts)
    singles = (
        code_signal(parts),
        language_signal(ask, parts.prose),
        None if ask.repeats else repetition(answer),
    )
    yield from (signal for signal in singles if signal is not None)


def _doubts(logprobs: Logprobs | None) -> Iterator[Signal]:
    """Read doubt from token probabilities: the mean, and the phrase that was least sure.

    A geometric mean of 0.9 and more is taken for a model that knows, of 0.5 and less for one that
    guesses, and of 0.4 for a phrase that is a guess. A long answer can be put in many ways, each
    of them unlikely, so there the same figures say less (Kuhn et al., 2023, "Semantic
    uncertainty"). These bounds are a prior: no answers with labels were at hand to fit them.
    """
    if logprobs is None:
        return
    mean, low = math.exp(logprobs.mean), math.exp(logprobs.lowest)
    doubt = 0.7 * max(0.0, 0.9 - mean) / 0.4 + 0.3 * max(0.0, 0.4 - low) / 0.4
    room = max(_LEAST_SHARE, min(1.0, _SHORT / logprobs.tokens))
    strength = min(1.0, doubt) * room
    if strength > 0.0:
        yield Signal("token_doubt", strength, f"was unsure of its words (mean {mean:.2f})")


def _consistent(share: float) -> Iterator[Signal]:
    if share > 0.5:
        yield Signal("agreement", 2 * share - 1, f"agrees with its other tries ({share:.0%})")
    elif share < 0.5:
        yield Signal("disagreement", 1 - 2 * share, f"differs from its other tries ({share:.0%})")


def _harm(signal: Signal) -> float:
    return WEIGHTS[signal.name] * signal.strength
