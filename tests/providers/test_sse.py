"""The event parser, against the specification and against itself on any chunking."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.providers.sse import Event, EventTooLarge, SSEParser


def parsed(*chunks: bytes, limit: int = 1 << 20) -> list[Event]:
    parser = SSEParser(max_event_bytes=limit)
    return [event for chunk in chunks for event in parser.feed(chunk)] + parser.close()


def reference(stream: bytes) -> list[Event]:
    """The specification's algorithm, word by word, on the whole stream."""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    events: list[Event] = []
    data, name = "", ""
    # The two blank lines stand for our closing of a last event that lacks them.
    for line in [*lines, "", ""]:
        if not line:
            if data:
                events.append(Event(data.removesuffix("\n"), name or "message"))
            data, name = "", ""
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data += value + "\n"
        elif field == "event":
            name = value
    return events


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [Event("a")]),
        (b"data:a\n\n", [Event("a")]),
        (b"data:  a\n\n", [Event(" a")]),
        (b"data: a\ndata: b\n\n", [Event("a\nb")]),
        (b"data\n\n", [Event("")]),
        (b": ping\n\n", []),
        (b":\n\ndata: a\n\n", [Event("a")]),
        (b"event: error\ndata: a\n\n", [Event("a", "error")]),
        (b"event: error\n\ndata: a\n\n", [Event("a")]),
        (b"id: 7\nretry: 10\nfoo: bar\ndata: a\n\n", [Event("a")]),
        (b"data: a\r\rdata: b\r\r", [Event("a"), Event("b")]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [Event("a"), Event("b")]),
        (b"\xef\xbb\xbfdata: a\n\n", [Event("a")]),
        ("data: \u2028\x85 é世\n\n".encode(), [Event("\u2028\x85 é世")]),
        (b"data: [DONE]", [Event("[DONE]")]),
        (b"", []),
    ],
)
def test_reads_what_the_specification_says(stream: bytes, events: list[Event]) -> None:
    assert parsed(stream) == events
    assert reference(stream) == events


PIECES = st.sampled_from(
    [
        *(b"data: ", b"data", b"event: ", b": ", b":", b"\n", b"\n\n", b"\r", b"\r\n", b"\r\n\r\n"),
        *("é世🙂".encode(), b"\xef\xbb\xbf", b"\xff", b"[DONE]", b'{"a": 1}', b" ", b"x"),
    ]
)
STREAMS = st.lists(PIECES, max_size=40).map(b"".join)


@given(STREAMS, st.lists(st.integers(0, 200), max_size=20))
def test_any_chunking_gives_the_events_of_the_whole(stream: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    chunks = [stream[a:b] for a, b in pairwise(places)]

    assert parsed(*chunks) == reference(stream)


@given(STREAMS)
def test_byte_by_byte_gives_the_events_of_the_whole(stream: bytes) -> None:
    assert parsed(*(bytes([byte]) for byte in stream)) == reference(stream)


def test_an_event_is_given_as_soon_as_its_blank_line_is_there() -> None:
    parser = SSEParser()

    assert parser.feed(b"data: a\r") == []
    assert parser.feed(b"\r") == [Event("a")]
    assert parser.feed(b"\ndata: b\n\n") == [Event("b")]


@pytest.mark.parametrize("stream", [b"data: " + b"x" * 101, b"x" * 101, b"data: xxxxxxxxx\n" * 12])
def test_an_event_that_passes_the_limit_is_refused(stream: bytes) -> None:
    with pytest.raises(EventTooLarge):
        parsed(*(stream[at : at + 7] for at in range(0, len(stream), 7)), limit=100)


def test_many_events_below_the_limit_are_not_one_large_event() -> None:
    assert len(parsed(b"data: xxxxxxxxx\n\n" * 1000, limit=100)) == 1000


@pytest.mark.parametrize(
    ("chunks", "events"),
    [
        ([b"data: a\r", b"\n\r", b"\n"], [Event("a")]),
        ([b"data: a\r", b"", b"\n\r\n"], [Event("a")]),
        ([b"data: a\r\n", b"\ndata: b\n\n"], [Event("a"), Event("b")]),
        ([b"data: a\r", b"data: b\r", b"\r"], [Event("a\nb")]),
        ([b"\xef\xbb", b"\xbfdata: a\n\n"], [Event("a")]),
        ([b"data: a\n\n", b"\xef\xbb\xbfdata: b\n\n"], [Event("a")]),
        ([b"event: x\n\n", b"data: a\n\n"], [Event("a")]),
        ([b"event: x\n", b"data: a\n\ndata: b\n\n"], [Event("a", "x"), Event("b")]),
        ([b"dat", b"a: a\n", b"\n"], [Event("a")]),
    ],
)
def test_what_a_chunk_ends_in_is_remembered(chunks: list[bytes], events: list[Event]) -> None:
    assert parsed(*chunks) == events


@pytest.mark.parametrize("spare", [0, 1])
@pytest.mark.parametrize("lines", [1, 2, 5])
def test_the_limit_counts_data_lines_with_their_newlines(lines: int, spare: int) -> None:
    parser = SSEParser(max_event_bytes=lines * 11 - 1 + spare)
    stream = b"data: 0123456789\n" * lines

    if spare:
        assert parser.feed(stream + b"\n")[0].data == "\n".join(["0123456789"] * lines)
    else:
        with pytest.raises(EventTooLarge):
            parser.feed(stream)


def test_what_is_unfinished_counts_together_with_what_is_kept() -> None:
    parser = SSEParser(max_event_bytes=20)
    parser.feed(b"data: 01234\n")

    with pytest.raises(EventTooLarge, match="passes 20 bytes"):
        parser.feed(b"data: 012345678")


def test_an_event_that_is_done_leaves_room_for_the_next() -> None:
    parser = SSEParser(max_event_bytes=20)

    for _ in range(3):
        assert parser.feed(b"data: 0123456789\n\n") == [Event("0123456789")]
        assert parser.feed(b"data: 01234") == []
        assert parser.feed(b"56789\n\n") == [Event("0123456789")]
