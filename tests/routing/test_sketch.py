"""A sketch keeps which words a request holds in few bytes, and no word of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcp_router.routing.sketch import BUCKETS, Sketch, packed, sketch, unpacked
from mcp_router.types import Media, Message, Request, Text
from tests.builders import ask


def test_case_and_order_of_words_do_not_matter() -> None:
    assert sketch(ask("Fix the LOGIN bug")) == sketch(ask("the login bug, fix"))
    assert sketch(ask("Fix the login bug")) != sketch(ask("Fix the logout bug"))


def test_only_the_last_thing_a_person_said_counts() -> None:
    talk = (
        Message(role="system", content="Be brief"),
        Message(role="user", content="Hello there"),
        Message(role="assistant", content="Hello"),
        Message(role="user", content=(Media(url="https://a.test/b.png"), Text(text="What is it"))),
    )
    assert sketch(Request(messages=talk)) == sketch(ask("What is it"))


def test_a_long_request_counts_its_words_and_is_read_at_both_ends() -> None:
    found = sketch(ask("alpha " + "beta " * 20_000 + "omega"))
    assert 18_000 < found.words < 22_000
    assert sketch(ask("alpha beta omega")).buckets == found.buckets


def test_a_request_without_text_has_an_empty_sketch() -> None:
    picture = Message(role="user", content=(Media(url="https://a.test/b.png"),))
    assert sketch(Request(messages=(picture,))) == Sketch(0, frozenset())


@given(st.integers(0, 65_535), st.frozensets(st.integers(0, BUCKETS - 1)))
def test_packing_loses_nothing_and_takes_130_bytes_at_most(
    words: int, buckets: frozenset[int]
) -> None:
    data = packed(Sketch(words, buckets))
    assert len(data) <= 130
    assert unpacked(data) == Sketch(words, buckets)


@given(st.text(max_size=3_000))
def test_any_text_can_be_sketched_and_kept(text: str) -> None:
    drawn = sketch(ask(text or "x"))
    assert unpacked(packed(drawn)) == drawn


@given(st.binary(max_size=200))
def test_bytes_that_are_no_sketch_are_read_without_harm(data: bytes) -> None:
    assert all(0 <= one < BUCKETS for one in unpacked(data).buckets)
