"""Token estimates: near the truth, exact in their sums, and cheap for anything."""

from __future__ import annotations

import struct
import time
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.routing.tokens import (
    TextCounts,
    count,
    estimate,
    input_tokens,
    media_tokens,
    request_counts,
    total,
)
from mcp_router.types import (
    Family,
    Media,
    Message,
    Reasoning,
    Request,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
)

ANY_TEXT = st.text(st.characters(), max_size=400)
FAMILIES = st.sampled_from(list(Family))


def of(*content: Text | Media | ToolCall | ToolResult | Reasoning) -> Request:
    return Request(messages=(Message(role="user", content=content),))


def tokens(request: Request, family: Family = Family.O200K) -> int:
    return input_tokens(request_counts(request), family)


def test_each_byte_falls_into_one_class() -> None:
    counted = count("Ab 1!\n\t日é😀Ж한")
    assert counted == TextCounts(
        letters=2,
        upper=1,
        digits=1,
        punctuation=1,
        blanks=2,
        newlines=1,
        cjk=1,
        other=2,
        word_starts=1,
        script=2,
    )


@pytest.mark.parametrize("family", [Family.O200K, Family.CL100K])
def test_english_prose_is_estimated_within_a_fifth(family: Family) -> None:
    # Common words are one token each in both vocabularies, and so is the full stop.
    text = "The quick brown fox jumps over the lazy dog. " * 20
    assert estimate(count(text), family) == pytest.approx(200, rel=0.2)


@pytest.mark.parametrize(
    "text",
    ["сегодня хорошая погода", "الطقس جميل اليوم", "आज मौसम बहुत अच्छा है", "오늘은 날씨가 좋습니다"],
)
def test_letters_of_other_alphabets_are_not_a_token_each(text: str) -> None:
    # As OpenAI tells of its newer vocabulary: a quarter to a half of a token for a letter.
    letters = len(text.replace(" ", ""))
    assert 0.25 * letters <= estimate(count(text), Family.O200K) <= 0.6 * letters
    assert estimate(count(text), Family.CL100K) <= 1.1 * letters


def test_newer_claude_models_count_more_tokens_than_older_ones() -> None:
    prose = count("Every reply carries the truth about how many tokens were used. " * 30)
    assert estimate(prose, Family.CLAUDE5) > 1.2 * estimate(prose, Family.CLAUDE)


@given(ANY_TEXT, ANY_TEXT, FAMILIES)
def test_pieces_add_up(first: str, second: str, family: Family) -> None:
    apart = estimate(count(first), family) + estimate(count(second), family)
    together = estimate(total([count(first), count(second)]), family)
    assert 0 <= apart - together <= 1


@given(ANY_TEXT, ANY_TEXT, FAMILIES)
def test_more_text_is_never_fewer_tokens(text: str, more: str, family: Family) -> None:
    assert estimate(count(text + more), family) >= estimate(count(text), family)


@given(st.text(st.characters(codec=None), max_size=200), FAMILIES)
def test_any_string_is_counted(text: str, family: Family) -> None:
    assert estimate(count(text + "\ud800\x00"), family) > 0


def test_the_empty_text_and_the_empty_sum_are_zero() -> None:
    assert estimate(count(""), Family.O200K) == 0
    assert total([]) == TextCounts()


def test_ten_megabytes_are_counted_in_linear_time() -> None:
    text = "lorem ipsum 42, dolor!\n" * 450_000
    started = time.perf_counter()
    counted = count(text)
    assert time.perf_counter() - started < 2.0
    assert counted.newlines == 450_000


def test_every_part_of_a_conversation_counts() -> None:
    said = "the same eight words stand here each time"
    parts = [
        Text(text=said),
        Reasoning(text=said),
        ToolCall(id="1", name="look", arguments={"query": said}),
        ToolResult(tool_call_id="1", content=said),
        ToolResult(tool_call_id="1", content=(Text(text=said), Media(data=None, url="https://x"))),
    ]
    sizes = [tokens(of(part)) for part in parts]
    assert all(size >= tokens(of(Text(text=said))) for size in sizes)
    assert tokens(of(*parts)) > max(sizes)


def test_tools_schemas_and_stated_context_count() -> None:
    plain = of(Text(text="hello"))
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool = ToolSpec(name="weather", description="Says the weather.", parameters=schema)
    assert tokens(plain.model_copy(update={"tools": (tool,)})) > tokens(plain) + 10
    assert tokens(plain.model_copy(update={"response_schema": schema})) > tokens(plain) + 10
    assert tokens(plain.model_copy(update={"context_tokens": 5_000})) == tokens(plain) + 5_000


@given(st.integers(1, 30), FAMILIES)
def test_each_message_has_its_overhead(messages: int, family: Family) -> None:
    some = Request(messages=(Message(role="user", content=""),) * messages)
    more = Request(messages=(Message(role="user", content=""),) * (messages + 1))
    assert 3 <= tokens(more, family) - tokens(some, family) <= 12


def png(width: int, height: int) -> str:
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)
    return b64encode(header + bytes(400)).decode()


def gif(width: int, height: int) -> str:
    return b64encode(b"GIF89a" + struct.pack("<HH", width, height) + bytes(90)).decode()


def test_a_small_image_costs_its_pixels_and_a_large_one_the_cap() -> None:
    assert media_tokens(Media(data=png(300, 250))) == 100
    assert media_tokens(Media(data=gif(300, 250), media_type="image/gif")) == 100
    assert media_tokens(Media(data=png(4000, 4000))) == media_tokens(Media(url="https://x/y.png"))


@pytest.mark.parametrize("data", ["", "not base64 at all!", "AAAA", "ü", png(1, 1)[:20]])
def test_an_unreadable_image_costs_the_cap(data: str) -> None:
    assert media_tokens(Media(data=data)) == 1_568


def test_documents_and_audio_grow_with_their_size() -> None:
    page, book = "A" * 20_000, "A" * 2_000_000
    pdf = [media_tokens(Media(data=d, media_type="application/pdf")) for d in (page, book)]
    clip = [media_tokens(Media(data=d, media_type="audio/mpeg")) for d in (page, book)]
    assert pdf[0] == 2_250
    assert pdf[1] > 20 * pdf[0]
    assert clip[1] == pytest.approx(100 * clip[0], rel=0.01)
    assert media_tokens(Media(url="https://x/y.mp3", media_type="audio/mpeg")) == 1_920


PAGE = "A" * 20_000


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("application/pdf", "A" * 2_000_000),
        ("audio/mpeg", PAGE),
        ("image/png", png(300, 250)),
        ("image/gif", gif(300, 250)),
        ("text/csv", PAGE),
    ],
)
def test_a_data_address_costs_what_its_data_cost(kind: str, data: str) -> None:
    inside = Media(data=data, media_type=kind)

    for head in (f"data:{kind};base64,", f"data:{kind};charset=utf-8;base64,", "data:;base64,"):
        assert media_tokens(Media(url=head + data, media_type=kind)) == media_tokens(inside)
    other = Media(url=f"data:{kind};base64,{data}", media_type="video/mp4")
    assert media_tokens(other) == media_tokens(inside)


@pytest.mark.parametrize(
    ("size", "pages"), [(0, 1), (66_666, 1), (66_668, 2), (133_332, 2), (133_336, 3)]
)
def test_a_document_has_a_page_for_every_fifty_kilobytes(size: int, pages: int) -> None:
    document = Media(data="A" * size, media_type="application/pdf", url="https://x")

    assert media_tokens(document) == 2_250 * pages


@pytest.mark.parametrize("kind", ["audio/mpeg", "AUDIO/MPEG", "video/mp4"])
@pytest.mark.parametrize(("size", "tokens"), [(0, 1_920), (4, 1), (668, 2), (66_668, 101)])
def test_a_clip_has_a_token_for_every_five_hundred_bytes(kind: str, size: int, tokens: int) -> None:
    clip = Media(data="A" * size, media_type=kind, url="https://x")

    assert media_tokens(clip) == tokens


@pytest.mark.parametrize(
    ("width", "height", "tokens"),
    [(1, 1, 1), (750, 1, 1), (751, 1, 2), (1_176, 1_000, 1_568), (1_177, 1_000, 1_568)],
)
def test_an_image_costs_a_token_for_every_750_pixels_up_to_the_cap(
    width: int, height: int, tokens: int
) -> None:
    assert media_tokens(Media(data=png(width, height))) == tokens
    assert media_tokens(Media(data=gif(width, height), media_type="image/gif")) == tokens


def test_a_gif_of_either_version_is_read() -> None:
    old = b64encode(b"GIF87a" + struct.pack("<HH", 300, 250) + bytes(90)).decode()

    assert media_tokens(Media(data=old)) == 100


@pytest.mark.parametrize("family", list(Family))
def test_no_messages_cost_nothing_and_the_first_opens_the_reply(family: Family) -> None:
    empty, one = Request(messages=()), Request(messages=(Message(role="user", content=""),))
    two = Request(messages=(Message(role="user", content=""),) * 2)

    assert tokens(empty, family) == 0
    assert tokens(one, family) == tokens(two, family) - tokens(one, family) + 3


@given(ANY_TEXT)
def test_classes_add_up_to_the_bytes(text: str) -> None:
    counted, data = count(text), text.encode("utf-8", "surrogatepass")
    continuation = sum(0x80 <= byte < 0xC0 for byte in data)
    classes = counted._replace(upper=0, word_starts=0)

    assert sum(classes) + continuation == len(data)
    assert counted.upper <= counted.letters
    assert counted.word_starts <= counted.blanks
