"""Needs: what a model must be able to do at all, and how much it is likely to write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mcp_router.routing.features import Features
from mcp_router.types import Complexity, Need, Request, TaskType

LONG_CONTEXT_TOKENS = 100_000
_CODE = frozenset(
    {
        TaskType.CODE_GENERATION,
        TaskType.CODE_REVIEW,
        TaskType.DEBUGGING,
        TaskType.REFACTORING,
        TaskType.TESTING,
    }
)
# Typical visible answer lengths in tokens by kind. Judged, with two anchors: recorded answers to
# open chat prompts have a median of 415 tokens, and to level 5 mathematics of 370.
_OUTPUT: Mapping[str, int] = {
    TaskType.ARCHITECTURE: 1400,
    TaskType.PLANNING: 1000,
    TaskType.CODE_GENERATION: 800,
    TaskType.CODE_REVIEW: 700,
    TaskType.DEBUGGING: 600,
    TaskType.REFACTORING: 800,
    TaskType.TESTING: 900,
    TaskType.DOCUMENTATION: 800,
    TaskType.ANALYSIS: 700,
    TaskType.CREATIVE: 700,
    TaskType.FACTUAL: 250,
    TaskType.COORDINATION: 600,
    TaskType.SIMPLE_TASK: 80,
    TaskType.MATH_LOGIC: 450,
    TaskType.DATA_ANALYSIS: 700,
    TaskType.SUMMARIZATION: 300,
    TaskType.EXTRACTION: 250,
    TaskType.CLASSIFICATION: 40,
    TaskType.TRANSLATION: 200,
    TaskType.CHAT: 100,
    TaskType.LONG_DOCUMENT: 700,
    TaskType.MULTIMODAL: 300,
}
_OWN_TASK = 600
_SCALE: Mapping[Complexity, float] = {
    Complexity.SIMPLE: 0.6,
    Complexity.MEDIUM: 1.0,
    Complexity.COMPLEX: 1.7,
    Complexity.CRITICAL: 2.0,
}
# Tokens per unit that a prompt asks for; English prose has about 1.35 tokens a word.
_UNITS: Mapping[str, float] = {
    "word": 1.35,
    "sentence": 28,
    "paragraph": 130,
    "page": 650,
    "line": 12,
    "bullet": 30,
    "wort": 1.6,
    "worter": 1.6,
    "mot": 1.5,
    "palabra": 1.5,
    "parol": 1.5,
    "palavra": 1.5,
    "slow": 2.0,
    "слов": 2.0,
    "satz": 36,
    "absatz": 165,
    "fras": 32,
    "phrase": 32,
    "oracion": 32,
    "parraf": 150,
}
_NUMBERS = {
    **dict.fromkeys(("one", "einem"), 1),
    **dict.fromkeys(("two", "zwei", "dos", "deux", "due"), 2),
    **dict.fromkeys(("three", "drei", "tres", "trois", "tre"), 3),
    **dict.fromkeys(("four", "vier", "cuatro", "quatre"), 4),
    **dict.fromkeys(("five", "funf", "cinco", "cinq"), 5),
    "six": 6,
    **dict.fromkeys(("ten", "zehn", "diez"), 10),
}
_SPELT = "|".join(_NUMBERS)
_LENGTH = (
    rf"(?<![\d.,])\b(\d{{1,3}}(?:,\d{{3}})+|\d{{1,5}}(?:\.\d)?|{_SPELT})"
    r"[ -](?:(?!hundred|thousand)\w+ )?"
    r"(words?|sentences?|paragraphs?|pages?|lines?|bullets?|worter|wort|mots?|palabras?|parole?"
    r"|palavras?|slow|слов|(?:ab)?satz(?:en?)?|frasi|frases?|phrases?|oracion(?:es)?|parrafos?"
    r"|paragraphes?)\b"
)
# "This 300-page contract" says how long the source is, not the answer.
_OF_THE_SOURCE = (
    r"\b(?:th(?:is|at|e|ese|ose)|my|our|your|his|her|their|its|attached|following) "
    r"(?:(?!(?:to|in|into|under|of|with|within|at|as|about|least|most|than)\b)\w+ ){0,2}$"
)
# Signs before the start of a unit in which its number and one more word stand, and of a unit.
_BEFORE_UNIT = 40
_UNIT = 12
_NUMBER = rf"\d|{_SPELT}"
_TERSE_HINTS = ("yes or no", "true or false", " word", "only the ", "just the ", "nothing else")
_TERSE = (
    r"\b(?:yes or no|true or false|one word|single word|only the (?:answer|number|letter|label"
    r"|category|name)|just the (?:answer|number|letter|label|category|name)|nothing else)\b"
)


def find_needs(
    request: Request, *, kind: str, complexity: Complexity, features: Features
) -> tuple[Need, ...]:
    """Find what a model must be able to do for this request, in the order of the Need names."""
    traits = features.traits
    sees = any(not media.startswith(("audio/", "text/")) for media in features.reading.media)
    thinks = traits.get("think", 0.0) > 0.0 and complexity is not Complexity.SIMPLE
    wanted = {
        Need.VISION: sees or kind == TaskType.MULTIMODAL,
        Need.TOOLS: bool(request.tools)
        or features.reading.tool_results > 0
        or traits.get("tools", 0.0) > 0.0,
        Need.JSON: request.response_schema is not None
        or request.json_mode
        or traits.get("json", 0.0) > 0.0,
        Need.LONG_CONTEXT: features.input_tokens >= LONG_CONTEXT_TOKENS
        or traits.get("long", 0.0) > 0.0,
        Need.THINKING: thinks or (kind == TaskType.MATH_LOGIC and complexity is Complexity.COMPLEX),
        Need.CODE: kind in _CODE or "programming puzzle" in features.marks,
    }
    return tuple(need for need, there in wanted.items() if there)


def expected_output(
    kind: str, *, complexity: Complexity, features: Features, limit: int | None
) -> int:
    """Estimate the visible tokens of the answer; `limit` caps it.

    A length that the prompt names counts before anything else.
    """
    ask = features.prose
    stated = _stated_length(ask)
    if stated:
        tokens = stated
    elif any(hint in ask for hint in _TERSE_HINTS) and re.search(_TERSE, ask):
        tokens = 12
    else:
        tokens = _typical(kind, complexity=complexity, features=features)
    return max(1, min(tokens, limit) if limit else tokens)


def _typical(kind: str, *, complexity: Complexity, features: Features) -> int:
    # A translation is as long as its source, rewritten code about as long as the code.
    if kind == TaskType.TRANSLATION:
        return max(30, round(features.input_tokens * 1.2))
    base = _OUTPUT.get(kind, _OWN_TASK) * _SCALE[complexity]
    if kind in {TaskType.REFACTORING, TaskType.TESTING} and "code block" in features.marks:
        base = max(base, min(features.input_tokens, 8_000))
    if kind == TaskType.SUMMARIZATION:
        base = max(60, min(base, features.input_tokens * 0.5))
    return round(base)


def _stated_lengths(ask: str) -> Iterator[re.Match[str]]:
    """Find lengths of the answer in the order of the text; only near units is worth a look."""
    ends = sorted({at for unit in _UNITS if unit in ask for at in _places(ask, unit)})
    if not ends:
        return
    pattern, number = re.compile(_LENGTH), re.compile(_NUMBER)
    read = 0
    for end in ends:
        start = max(read, end - _BEFORE_UNIT)
        first = number.search(ask, start, end)
        if first is None:
            continue
        match = pattern.search(ask, first.start(), end + _UNIT)
        if match is not None:
            read = match.end()
            if not re.search(_OF_THE_SOURCE, ask[: match.start()][-60:]):
                yield match


def _places(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _stated_length(ask: str) -> int:
    match = next(_stated_lengths(ask), None)
    if match is None:
        return 0
    number = _NUMBERS.get(match[1]) or float(match[1].replace(",", ""))
    unit = match[2]
    per = next((tokens for name, tokens in _UNITS.items() if unit.startswith(name)), 1.35)
    return min(round(number * per), 100_000)
