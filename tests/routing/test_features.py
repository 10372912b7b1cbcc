"""Features: what is found in a request, beside its ask, and how much each find counts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.routing.cues import Evidence, find_cues
from mcp_router.routing.features import Features, find_features
from mcp_router.routing.kinds import probabilities, reasons, type_scores
from mcp_router.routing.lexicon import lexicon
from mcp_router.routing.tokens import request_counts
from mcp_router.types import Media, Message, Part, Request, TaskType, Text

KINDS = [kind.value for kind in TaskType]


def found(*messages: tuple[Any, str | tuple[Part, ...]], **fields: Any) -> Features:
    said = tuple(Message(role=role, content=content) for role, content in messages)
    request = Request.model_validate({"messages": said, **fields})
    return find_features(request, counts=request_counts(request))


def user(text: str, **fields: Any) -> Features:
    return found(("user", text), **fields)


def strengths(features: Features, name: str, *, table: str = "types") -> list[float]:
    return [one.strength for one in features.evidence if (one.table, one.name) == (table, name)]


LINE = "The committee met again and talked for hours about the weather. "
CODE = "```\n" + "value = compute(value)\n" * 1_200 + "```"


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("short", set[str]()),
        ("x" * 19_999, set[str]()),
        ("x" * 20_000, {"long text"}),
        ("x" * 99_999, {"long text"}),
        ("x" * 100_000, {"long text", "very long text"}),
        (CODE, {"long code"}),
        (CODE * 5, {"long code"}),
    ],
)
def test_long_asks_are_marked_as_text_or_code(text: str, marks: set[str]) -> None:
    names = {"long text", "very long text", "long code"}

    assert user(text).marks & names == marks


@pytest.mark.parametrize(("tokens", "marked"), [(24_999, False), (25_000, True)])
def test_a_stated_context_is_marked_from_a_document_on(tokens: int, marked: bool) -> None:
    assert ("stated context" in user("x", context_tokens=tokens).marks) is marked


@pytest.mark.parametrize(
    ("text", "greets"),
    [
        ("hello", True),
        ("hello there my friend", True),
        ("hello, how are you today my dear old friend", False),
        ("hello, fix the bug", False),
        ("the weather", False),
    ],
)
def test_a_greeting_is_only_a_greeting_while_it_is_short_and_alone(text: str, greets: bool) -> None:
    assert ("greeting only" in user(text).marks) is greets


ATTACHMENTS = {"image", "audio", "document", "about the attachment"}


@pytest.mark.parametrize(
    ("kind", "text", "marks"),
    [
        ("image/png", "describe this picture", {"image", "about the attachment"}),
        ("image/png", "", {"image", "about the attachment"}),
        ("image/png", "why?", {"image", "about the attachment"}),
        ("image/png", "write an essay on tea", {"image"}),
        ("video/mp4", "write an essay on tea", {"image"}),
        ("audio/wav", "write an essay on tea", {"audio"}),
        ("application/pdf", "write an essay on tea", {"document"}),
        ("text/csv", "write an essay on tea", {"document"}),
        ("model/gltf", "write an essay on tea", set[str]()),
    ],
)
def test_attachments_leave_marks_by_their_kind(kind: str, text: str, marks: set[str]) -> None:
    media = Media(media_type=kind, data="AA")

    assert found(("user", (media, Text(text=text)))).marks & ATTACHMENTS == marks


def test_a_picture_beside_code_is_not_what_is_asked_about() -> None:
    media = Media(media_type="image/png", data="AA")
    text = "see the picture\n```py\nprint(1)\n```"

    assert "about the attachment" not in found(("user", (media, Text(text=text)))).marks


def test_words_of_small_talk_weigh_less_in_a_long_ask() -> None:
    short = strengths(user("thanks a lot"), "chat")
    padding = " ".join(["harbour"] * 40)
    long = strengths(user(f"thanks a lot {padding}"), "chat")

    assert short
    assert max(long) < 0.5 * max(short)
    assert max(long) >= 0.2 * max(short)


def test_words_of_other_kinds_keep_their_weight_in_a_long_ask() -> None:
    padding = " ".join(["harbour"] * 30)

    assert strengths(user("write a poem"), "creative") == strengths(
        user(f"write a poem {padding}"), "creative"
    )


def test_the_system_prompt_counts_for_a_part_and_only_by_its_strong_words() -> None:
    plain = user("The harbour at dawn")
    told = found(("system", "You write a poem"), ("user", "The harbour at dawn"))
    weak = found(("system", "You know a story"), ("user", "The harbour at dawn"))

    assert strengths(plain, "creative") == []
    assert 0 < max(strengths(told, "creative")) < max(strengths(user("write a poem"), "creative"))
    assert len(weak.evidence) - len(plain.evidence) <= len(find_cues("you know a story").evidence)


def test_a_short_follow_up_takes_over_the_gravity_of_what_it_follows() -> None:
    first = "Prove that every bounded sequence has a convergent subsequence"
    answer = ("assistant", "...")
    short = found(("user", first), answer, ("user", "yes, go on"))
    long = found(("user", first), answer, ("user", "and now the harbour at dawn with eight boats"))

    assert short.traits.get("hard", 0) == user(first).traits["hard"]
    assert "hard" not in long.traits


def test_the_words_of_a_cut_ask_are_guessed_from_its_length() -> None:
    assert user(LINE * 400).words >= len(LINE) * 400 // 12
    assert user("one two three").words == 3


def test_the_size_is_that_of_all_messages() -> None:
    alone = user("hello").input_tokens

    assert found(("system", LINE * 10), ("user", "hello")).input_tokens > alone + 80


def test_every_type_has_a_probability_and_the_best_stands_first() -> None:
    chances = probabilities(type_scores(()))

    assert set(chances) == set(KINDS)
    assert sum(chances.values()) == pytest.approx(1)
    assert list(chances.values()) == sorted(chances.values(), reverse=True)


STRENGTHS = st.floats(0.0, 5.0)


@given(st.lists(st.tuples(st.sampled_from(KINDS), STRENGTHS), max_size=6), st.sampled_from(KINDS))
def test_more_evidence_for_a_type_never_lowers_it_nor_raises_another(
    pieces: list[tuple[str, float]], kind: str
) -> None:
    evidence = [Evidence("types", name, strength, name) for name, strength in pieces]
    more = Evidence("types", kind, 6.0, kind)
    before, after = type_scores(evidence), type_scores([*evidence, more])

    assert after[kind] > before[kind]
    assert all(after[other] == before[other] for other in KINDS if other != kind)


def test_each_further_piece_counts_for_less_than_the_one_before() -> None:
    piece = Evidence("types", "chat", 1.0, "x")
    scores = [type_scores([piece] * count)["chat"] for count in range(1, 5)]
    steps = [after - before for before, after in pairwise(scores)]

    assert steps == sorted(steps, reverse=True)
    assert steps[0] == pytest.approx(0.6)
    assert steps[1] == pytest.approx(0.36)


def test_the_order_of_the_evidence_does_not_matter() -> None:
    pieces = [Evidence("types", "chat", strength, "x") for strength in (0.2, 3.0, 1.0)]

    assert type_scores(pieces) == type_scores(pieces[::-1])


def test_what_speaks_against_a_type_counts_in_full() -> None:
    tables = lexicon().tables
    table, name, label, weight = next(
        (table, name, label, weight)
        for table, names in tables.items()
        for name, weights in names.items()
        for label, weight in weights.items()
        if weight < 0
    )
    against = Evidence(table, name, 1.0, "x")

    once, twice = type_scores([against]), type_scores([against, against])
    assert once[label] - twice[label] == pytest.approx(-weight)


def test_a_name_that_no_table_knows_speaks_for_nothing() -> None:
    assert type_scores([Evidence("marks", "no such mark", 1.0, "x")]) == type_scores(())


def test_reasons_are_the_strongest_first_without_repeats_or_trifles() -> None:
    evidence = [
        Evidence("types", "chat", 0.2, "a trifle"),
        Evidence("types", "chat", 1.0, "second"),
        Evidence("types", "factual", 9.0, "another type"),
        Evidence("types", "chat", 3.0, "first"),
        Evidence("types", "chat", 0.5, "first"),
        Evidence("types", "chat", 0.3, "third"),
    ]

    assert reasons(evidence, kind="chat", most=9) == ("first", "second", "third")
    assert reasons(evidence, kind="chat", most=2) == ("first", "second")
    assert reasons(evidence, kind="chat", most=0) == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [("don't translate it", "translation"), ("do not really translate it", "translation")],
)
def test_what_is_ruled_out_does_not_speak_for_its_kind(text: str, kind: str) -> None:
    plain = find_cues("translate it")

    assert any(piece.name == kind for piece in plain.evidence)
    assert not any(piece.name == kind for piece in find_cues(text).evidence)


def test_the_opening_weighs_most_and_what_is_far_from_it_least() -> None:
    def weight(text: str) -> float:
        evidence = find_cues(text).evidence
        return max(one.strength for one in evidence if one.name == "translation")

    opening = weight("translate the letter")
    beside = weight("harbour translate the letter")
    apart = weight("summarize the letter. the boats lie still. translate the letter")

    assert opening == weight("please translate the letter")
    assert opening >= beside > apart


def test_the_middle_of_a_long_text_weighs_less_than_its_ends() -> None:
    padding = " ".join(["harbour"] * 60)

    def weight(text: str) -> float:
        evidence = find_cues(text).evidence
        return max(one.strength for one in evidence if one.name == "translation")

    middle = weight(f"{padding} translate {padding}")
    assert weight(f"{padding} translate") > 2 * middle
    assert weight(f"translate {padding}") > 2 * middle


def test_a_phrase_is_found_whole_and_says_so() -> None:
    said = [one.says for one in find_cues("draw up a step by step plan").evidence]

    assert 'mentions "step by step plan"' in said


def test_a_verb_reaches_for_what_follows_it_in_its_sentence() -> None:
    def pairs(text: str) -> set[str]:
        return {one.name for one in find_cues(text).evidence if one.table == "pairs"}

    near = pairs("fix the function")
    assert near
    assert pairs("fix it. the function is long") & near == set()
    assert pairs("fix " + "harbour " * 12 + "function") & near == set()
    assert pairs("fix " + "harbour " * 8 + "function") == near


def test_nothing_is_found_in_nothing() -> None:
    empty = find_cues("")

    assert (empty.evidence, dict(empty.traits), dict(empty.languages)) == ((), {}, {})
