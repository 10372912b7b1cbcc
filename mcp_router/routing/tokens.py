"""Token estimates without a vocabulary: counts of byte classes, weighted per tokenizer family.

The weights are least-squares fits of real token counts on eleven kinds of text (English prose,
Chinese, Python, JavaScript, JSON, logs ...); on held-out text the mean error is 5 to 6 %, against
19 to 42 % for characters divided by four.
"""

from __future__ import annotations

import json
import string
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mcp_router.types import (
    Family,
    Media,
    Message,
    Part,
    Reasoning,
    Request,
    Text,
    ToolCall,
    ToolResult,
)

_LOWER = string.ascii_lowercase.encode()
_UPPER = string.ascii_uppercase.encode()
_DIGIT = string.digits.encode()
_BLANK = b" \t\r"
# Control characters cost at least as much as punctuation does.
_PUNCTUATION = bytes(sorted({*range(128)} - {*_LOWER, *_UPPER, *_DIGIT, *_BLANK, *b"\n"}))
_CONTINUATION = bytes(range(0x80, 0xC0))
_CJK_LEAD = bytes(range(0xE3, 0xEA))
# Greek, Cyrillic, Hebrew, Arabic and their neighbours, the Indic scripts and Thai, Hangul.
_SCRIPT_LEAD = bytes({*range(0xCE, 0xE0), 0xE0, 0xE1, *range(0xEA, 0xEE)})

# Each class but the rest, the most frequent first, so that later passes read less.
_CLASSES = (
    *(_LOWER, _BLANK, _CONTINUATION, _PUNCTUATION, _UPPER, _DIGIT, b"\n"),
    *(_CJK_LEAD, _SCRIPT_LEAD),
)


class TextCounts(NamedTuple):
    """How many bytes of each class a text has; counts of several texts add up field by field."""

    letters: int = 0
    upper: int = 0
    digits: int = 0
    punctuation: int = 0
    blanks: int = 0
    newlines: int = 0
    cjk: int = 0
    other: int = 0
    word_starts: int = 0
    script: int = 0


class RequestCounts(NamedTuple):
    """What a request sends, before a tokenizer family is chosen.

    `media_tokens` and `context_tokens` are tokens already and the same for every family.
    """

    text: TextCounts
    messages: int
    media_tokens: int
    context_tokens: int


# Thousandths of a token per byte of each class, in the order of TextCounts. Source: regression on
# counts by tiktoken (o200k, cl100k), DeepSeek's and Mistral's tokenizers and, for Claude, ctok
# reconstructions; measured 2026-11-20. The last column, letters of other alphabets, was not in it:
# OpenAI's "Hello GPT-4o" prints sentences with their o200k and cl100k counts, which come to 0.25
# to 0.5 and 0.5 to 1.1 tokens a letter; families without such counts lean to cl100k's side.
_WEIGHTS: Mapping[Family, TextCounts] = {
    Family.O200K: TextCounts(187, 50, 770, 465, 0, 660, 706, 1166, 269, 400),
    Family.CL100K: TextCounts(192, 28, 775, 456, 0, 600, 967, 1374, 268, 900),
    Family.DEEPSEEK: TextCounts(226, 61, 799, 402, 102, 1056, 518, 1299, 30, 900),
    Family.TEKKEN: TextCounts(219, 115, 1341, 395, 0, 918, 869, 1411, 194, 900),
    Family.CLAUDE: TextCounts(187, 146, 722, 738, 260, 818, 1040, 1415, 0, 900),
    Family.CLAUDE5: TextCounts(305, 534, 676, 910, 189, 544, 1030, 1523, 0, 950),
}

# Tokens around each message (role and separators): 3 in OpenAI's cookbook, 7 and up to 12
# measured for Claude; the others follow OpenAI's chat layout.
_PER_MESSAGE: Mapping[Family, int] = {
    Family.O200K: 3,
    Family.CL100K: 3,
    Family.DEEPSEEK: 4,
    Family.TEKKEN: 4,
    Family.CLAUDE: 7,
    Family.CLAUDE5: 12,
}
_REPLY_START = 3


def count(text: str) -> TextCounts:
    """Count the byte classes of `text` in UTF-8; linear, and any string is accepted."""
    data = text.encode("utf-8", "surrogatepass")
    word_starts = data.count(b" ") - data.count(b"  ")
    counts: list[int] = []
    for kind in _CLASSES:
        rest = data.translate(None, kind)
        counts.append(len(data) - len(rest))
        data = rest
    lower, blanks, _, punctuation, upper, digits, newlines, cjk, script = counts
    return TextCounts(
        letters=lower + upper,
        upper=upper,
        digits=digits,
        punctuation=punctuation,
        blanks=blanks,
        newlines=newlines,
        cjk=cjk,
        other=len(data),
        word_starts=word_starts,
        script=script,
    )


def total(pieces: Sequence[TextCounts]) -> TextCounts:
    """Add the counts of several pieces of text."""
    return TextCounts(*map(sum, zip(*pieces, strict=True))) if pieces else TextCounts()


def estimate(counts: TextCounts, family: Family) -> int:
    """Estimate the tokens of counted text for a tokenizer family, rounded up."""
    weights = _WEIGHTS[family]
    return -(-sum(c * w for c, w in zip(counts, weights, strict=True)) // 1000)


def request_counts(request: Request) -> RequestCounts:
    """Count what a request sends: messages, tools, schema, media and the stated context."""
    texts: list[str] = []
    media = 0
    for message in request.messages:
        media += _collect(message, into=texts)
    for tool in request.tools:
        texts += (tool.name, tool.description, _json(tool.parameters))
    if request.response_schema is not None:
        texts.append(_json(request.response_schema))
    return RequestCounts(
        text=total([count(text) for text in texts]),
        messages=len(request.messages),
        media_tokens=media,
        context_tokens=request.context_tokens,
    )


def input_tokens(counts: RequestCounts, family: Family) -> int:
    """Estimate the input tokens of a counted request, with each message's overhead."""
    overhead = counts.messages * _PER_MESSAGE[family] + _REPLY_START if counts.messages else 0
    return estimate(counts.text, family) + overhead + counts.media_tokens + counts.context_tokens


# An image costs width x height / 750 tokens, at most 1,568 (Anthropic's vision guide); OpenAI's
# and Gemini's tiles come out lower for usual sizes, so this leans to the safe side.
_PIXELS_PER_TOKEN = 750
_IMAGE_MAX = 1_568
# A PDF page costs 1,500 to 3,000 tokens (Anthropic's PDF guide); pages are taken as 50 kB each.
_PAGE_TOKENS = 2_250
_PAGE_BYTES = 50_000
# 32 tokens a second (Gemini's audio guide) at 16 kB a second, the rate of a 128 kbit/s MP3.
_AUDIO_BYTES_PER_TOKEN = 500
_AUDIO_UNKNOWN = 60 * 32


def media_tokens(media: Media) -> int:
    """Estimate the tokens of an image, PDF or audio clip from its size, without decoding it.

    Behind a URL the size is unknown: a large image, one page or one minute is assumed.
    """
    kind, data = _inline(media)
    size = len(data) * 3 // 4
    if kind.startswith(("audio/", "video/")):
        return -(-size // _AUDIO_BYTES_PER_TOKEN) if size else _AUDIO_UNKNOWN
    if kind.startswith("image/"):
        pixels = _pixels(data)
        return min(_IMAGE_MAX, -(-pixels // _PIXELS_PER_TOKEN)) if pixels else _IMAGE_MAX
    return _PAGE_TOKENS * max(1, -(-size // _PAGE_BYTES))


def _inline(media: Media) -> tuple[str, str]:
    """Give the type of a media part and its base64 data, which a data: address holds too."""
    head, _, data = (media.url or "").partition(";base64,")
    if media.data or not head.startswith("data:"):
        return media.media_type.lower(), media.data or ""
    said = head.removeprefix("data:").partition(";")[0]
    return (said or media.media_type).lower(), data


def _pixels(data: str) -> int:
    """Read width x height from a PNG or GIF header in base64; 0 if it is neither."""
    try:
        head = b64decode(data[:32], validate=True)
    except ValueError:
        return 0
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        return int.from_bytes(head[16:20]) * int.from_bytes(head[20:24])
    if head.startswith((b"GIF87a", b"GIF89a")) and len(head) >= 10:
        return int.from_bytes(head[6:8], "little") * int.from_bytes(head[8:10], "little")
    return 0


def _collect(message: Message, *, into: list[str]) -> int:
    """Append the texts of a message to `into`; returns the tokens of its media."""
    if isinstance(message.content, str):
        into.append(message.content)
        return 0
    return sum(_collect_part(part, into=into) for part in message.content)


def _collect_part(part: Part, *, into: list[str]) -> int:
    match part:
        case Media():
            return media_tokens(part)
        case Text() | Reasoning():
            into.append(part.text)
        case ToolCall():
            into += (part.name, _json(part.arguments))
        case ToolResult(content=content):
            if isinstance(content, str):
                into.append(content)
            else:
                return sum(_collect_part(item, into=into) for item in content)
    return 0


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=dict)
