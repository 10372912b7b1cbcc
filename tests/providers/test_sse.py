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
