"""The words of a request as a few buckets of hashes, small enough to keep for each decision."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from mcp_router.types import Text

if TYPE_CHECKING:
    from mcp_router.types import Message, Request

BUCKETS = 1024
"""How many buckets the words of a request are hashed into."""

# Head and tail of a long request say what it is about.
_HEAD, _TAIL = 1_200, 400
_WORD = re.compile(r"\w+")
_BYTES = BUCKETS // 8
_FEW = _BYTES // 2 - 1
_MOST_WORDS = 0xFFFF


class Sketch(NamedTuple):
    """How many words a request has, about, and the buckets that those at its ends fall into."""

    words: int
    buckets: frozenset[int]


def sketch(request: Request) -> Sketch:
    """Draw the sketch of the last thing that a person said."""
    said = next((one for one in reversed(request.messages) if one.role == "user"), None)
    text = "" if said is None else _text(said)
    kept = text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]} {text[-_TAIL:]}"
    words = _WORD.findall(kept.lower())
    count = len(words) * max(1, len(text)) // max(1, len(kept))
    hashed = [crc32(word.encode("utf-8", "surrogatepass")) % BUCKETS for word in set(words)]
    return Sketch(min(count, _MOST_WORDS), frozenset(hashed))


def packed(one: Sketch) -> bytes:
    """Write a sketch in at most 130 bytes: each bucket in two, or a bit for every bucket."""
    head = struct.pack("<H", one.words)
    if len(one.buckets) <= _FEW:
        return head + struct.pack(f"<{len(one.buckets)}H", *sorted(one.buckets))
    bits = bytearray(_BYTES)
    for bucket in one.buckets:
        bits[bucket >> 3] |= 1 << (bucket & 7)
    return head + bits


def unpacked(data: bytes) -> Sketch:
    """Read a sketch back; bytes that are none give one without words."""
    if len(data) < 2 or len(data) % 2 or len(data) > _BYTES + 2:
        return Sketch(0, frozenset())
    (words,) = struct.unpack_from("<H", data)
    body = data[2:]
    if len(body) < _BYTES:
        buckets = struct.unpack(f"<{len(body) // 2}H", body)
        return Sketch(words, frozenset(one % BUCKETS for one in buckets))
    bits = int.from_bytes(body, "little")
    return Sketch(words, frozenset(at for at in range(BUCKETS) if bits >> at & 1))


def _text(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return " ".join(part.text for part in message.content if isinstance(part, Text))
