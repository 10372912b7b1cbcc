"""What is read of a request: the last thing a person asked, cut to its head and tail and folded."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple
from unicodedata import normalize

from mcp_router.types import Media, Message, Request, Text, ToolResult

HEAD = 4_000
TAIL = 2_000
_ASIDE = 600
# Signs up to which an earlier message is likely a "yes, go on" as well.
_PROMPTING = 24
_FEW_ACCENTS = 24

# A clause that talks to the router or about the choice of model is no part of the task. Each
# pattern is tried only where one of its words is there.
_OVERRIDE = r"(?:ignore|disregard|forget)\b[^.!?\n]{0,40}\b(?:instructions?|rules?|prompts?)\b"
_MODEL_CHOICE = (
    r"\b(?:use|pick|choose|select|route|send|switch|escalate|give)\b[^.!?\n]{0,40}"
    r"\b(?:expensive|best|strongest|smartest|powerful|biggest|largest|premium|cheapest|top)\b"
    r"[^.!?\n]{0,30}\b(?:models?|llms?|ai)\b"
)
_LEVEL = (
    r"\b(?:classify|mark|treat|label|rate|route|score|tag|consider|handle)\s+"
    r"(?:this|it|me|my|the)(?:\s+(?:request|prompt|task|message|question|query))?\s+"
    r"(?:as|with)\b(?:(?!,|\bor\b|\bvs\b)[^.!?\n]){0,30}"
    r"\b(?:critical|complex|expert|urgent|simple|trivial|priority)\b"
    r"(?!\s*(?:,|or\b|vs\b))"
    r"|\bthis\s+is\s+(?:an?\s+)?(?:\w{1,30}\s+)?(?:critical|urgent|complex|expert)"
    r"[- ]?(?:level)?\s+(?:request|prompt|task|query)\b"
)
_FIELD = r"\b(?:task[_ ]type|complexity|priority|confidence|routing)\s*[:=]+\s*\w+"
_DIRECTIVES = (
    (("ignore", "disregard", "forget"), _OVERRIDE),
    (("model", "llm", " ai"), _MODEL_CHOICE),
    (("critical", "complex", "expert", "urgent", "simple", "trivial", "priority"), _LEVEL),
    (("task type", "task_type", "complexity", "priority", "confidence", "routing"), _FIELD),
)
# A clause without a full stop around it may share its line with the task: no more than this many
# characters before and after the pattern go with it.
_ASIDE_WORDS = 40
_SENTENCE_END = ".!?:;\n\u3002\uff01\uff1f"


class Reading(NamedTuple):
    """The folded texts that cues are looked for in, and what surrounds them.

    `ask` is the last user message, `earlier` the one before it that says more than a few words,
    `system` the start of the system prompt. `attached` and `media` are the media types beside the
    ask and anywhere.
    """

    ask: str
    earlier: str
    system: str
    attached: tuple[str, ...]
    media: tuple[str, ...]
    tool_results: int
    length: int


def read(request: Request) -> Reading:
    """Select what is read of a request for cues; its cost does not grow with the prompt."""
    people = [message for message in request.messages if message.role == "user"]
    texts = [text for message in reversed(people[-8:]) if (text := message_text(message)).strip()]
    ask = texts[0] if texts else ""
    before = next((text for text in texts[1:] if len(text) > _PROMPTING), "".join(texts[1:2]))
    system = next((message_text(m) for m in request.messages if m.role == "system"), "")
    after = _after_last_ask(request.messages)
    return Reading(
        ask=without_directives(fold(head_and_tail(ask))),
        earlier=without_directives(fold(head_and_tail(before))),
        system=without_directives(fold(system[:_ASIDE])),
        attached=_media_types(people[-1:]),
        media=_media_types(request.messages),
        tool_results=sum(_tool_results(message) for message in after),
        length=len(ask),
    )


def message_text(message: Message) -> str:
    """Join the text parts of a message."""
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text for part in message.content if isinstance(part, Text))


def head_and_tail(text: str) -> str:
    """Cut a long text to its first 4,000 and last 2,000 characters."""
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"


def fold(text: str) -> str:
    """Lower the case and drop the accents of Latin letters, so that spellings meet."""
    lowered = text.lower()
    if lowered.isascii():
        return lowered
    table = _accents()
    accented = [sign for sign in set(lowered) if ord(sign) in table]
    if len(accented) > _FEW_ACCENTS:
        return lowered.translate(table)
    # A handful of different signs is replaced far quicker than each sign of a text is looked up.
    for sign in accented:
        lowered = lowered.replace(sign, table[ord(sign)])
    return lowered


def without_directives(text: str) -> str:
    """Drop the clauses of a folded text that try to steer the router instead of asking."""
    for words, pattern in _DIRECTIVES:
        if any(word in text for word in words):
            text = _without_clauses(text, pattern)
    return text


def _without_clauses(text: str, pattern: str) -> str:
    kept: list[str] = []
    start = 0
    for match in re.finditer(pattern, text):
        if match.start() < start:
            continue
        begin = max(text.rfind(end, start, match.start()) for end in _SENTENCE_END) + 1
        if match.start() - begin > _ASIDE_WORDS:
            begin = match.start()
        kept.append(text[start : max(begin, start)])
        ends = [at for end in _SENTENCE_END if (at := text.find(end, match.end())) >= 0]
        end = min(ends, default=len(text) - 1) + 1
        start = end if end - match.end() <= _ASIDE_WORDS else match.end()
    return "".join([*kept, text[start:]]) if kept else text


@cache
def _accents() -> dict[int, str]:
    """Map accented Latin letters to plain ones, combining marks to nothing, quotes to ASCII."""
    table: dict[int, str] = dict.fromkeys(range(0x300, 0x370), "")
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        plain = normalize("NFD", chr(code))[0]
        if plain.isascii():
            table[code] = plain
    quotes = dict.fromkeys((0x2018, 0x2019, 0x2BC), "'")
    dashes = dict.fromkeys((0x2010, 0x2011, 0x2013, 0x2014), "-")
    blanks = dict.fromkeys((0xA0, 0x202F, 0x3000), " ")
    letters = {0xDF: "ss", 0xE6: "ae", 0x153: "oe", 0x111: "d", 0xF8: "o", 0x142: "l", 0x131: "i"}
    # Russian is often typed without the dots of its seventh letter.
    return table | quotes | dashes | blanks | letters | {0x451: "\u0435", 0xFF1F: "?"}


def _after_last_ask(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    for at in range(len(messages) - 1, -1, -1):
        if messages[at].role == "user" and message_text(messages[at]):
            return messages[at + 1 :]
    return messages


def _tool_results(message: Message) -> int:
    if isinstance(message.content, str):
        return int(message.role == "tool")
    return sum(isinstance(part, ToolResult) for part in message.content)


def _media_types(messages: list[Message] | tuple[Message, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for message in messages:
        for part in message.content if not isinstance(message.content, str) else ():
            inner = part.content if isinstance(part, ToolResult) else (part,)
            found += [item.media_type.lower() for item in inner if isinstance(item, Media)]
    return tuple(dict.fromkeys(found))
