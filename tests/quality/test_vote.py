"""A vote finds the answer that most weight stands behind, whoever is asked first."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.quality.agreement import agreement, agreements, consistency
from mcp_router.quality.similarity import mean_similarity, similarity
from mcp_router.quality.vote import Ballot, Vote, vote
from tests.quality.labelled import ask

ANSWERS = ["42", "The answer is 42.", "41", "B", "yes", "5 km", "5", "5000 m", "Paris", "12%"]
ballots = st.lists(
    st.builds(
        Ballot,
        st.sampled_from(["m1", "m2", "m3", "m4"]),
        st.sampled_from(ANSWERS),
        st.integers(1, 5).map(float),
    ),
    min_size=1,
    max_size=7,
)


def said(result: Vote, given_ballots: list[Ballot]) -> tuple[str, str] | None:
    if result.winner is None:
        return None
    return given_ballots[result.winner].model, given_ballots[result.winner].answer


@given(ballots, st.randoms(use_true_random=False))
def test_the_order_of_the_ballots_never_matters(cast: list[Ballot], rng: random.Random) -> None:
    shuffled = rng.sample(cast, len(cast))
    one, other = vote(cast), vote(shuffled)
    assert said(one, cast) == said(other, shuffled)
    assert one.agreement == pytest.approx(other.agreement)
    assert [g.value for g in one.groups] == [g.value for g in other.groups]


@given(ballots)
def test_every_ballot_is_in_one_group_and_no_weight_is_lost(cast: list[Ballot]) -> None:
    groups = vote(cast).groups
    assert sorted(at for group in groups for at in group.members) == list(range(len(cast)))
    assert sum(g.weight for g in groups) == pytest.approx(sum(b.weight for b in cast))
    assert [g.weight for g in groups] == sorted((g.weight for g in groups), reverse=True)


@given(ballots, st.floats(0.0, 1.0))
def test_a_winner_holds_the_minimum_and_is_never_lighter_than_another(
    cast: list[Ballot], minimum: float
) -> None:
    result = vote(cast, minimum=minimum)
    if result.winner is not None:
        assert result.agreement >= minimum - 1e-6
        assert result.winner == result.groups[0].members[0]
        assert all(group.weight <= result.groups[0].weight for group in result.groups)


@given(ballots)
def test_one_more_vote_for_the_winner_changes_nothing_but_agreement(cast: list[Ballot]) -> None:
    before = vote(cast, minimum=0.0)
    if before.winner is None:
        return
    more = [*cast, cast[before.winner]._replace(model="m9")]
    after = vote(more, minimum=0.0)
    assert after.winner is not None
    assert after.groups[0].value == before.groups[0].value
    assert after.agreement >= before.agreement - 1e-9


@given(st.sampled_from(ANSWERS), st.integers(1, 6))
def test_unanimity_is_full_agreement(answer: str, count: int) -> None:
    result = vote([Ballot(f"m{at}", answer) for at in range(count)], minimum=1.0)
    assert (result.agreement, result.winner) == (1.0, 0)


def test_values_count_not_words() -> None:
    cast = [
        Ballot("a", "The answer is 0.5."),
        Ballot("b", "1/2"),
        Ballot("c", "50%"),
        Ballot("d", "2"),
    ]
    result = vote(cast)
    assert result.winner is not None
    assert result.agreement == 0.75
    assert result.reason == "3 of 4 answers say 0.5"


def test_of_those_who_say_the_same_the_weightiest_is_quoted() -> None:
    cast = [Ballot("a", "42"), Ballot("c", "The answer is 42.", 3.0), Ballot("b", "42.0", 2.0)]
    assert vote(cast).groups[0].members == (1, 2, 0)


def test_too_little_agreement_elects_nobody() -> None:
    cast = [Ballot("a", "1"), Ballot("b", "2"), Ballot("c", "3"), Ballot("d", "1")]
    assert vote(cast, minimum=0.6).winner is None
    assert vote(cast, minimum=0.5).winner is not None


def test_a_tie_is_broken_by_weight_then_by_number_then_not_at_all() -> None:
    assert vote([Ballot("a", "1", 1.0), Ballot("b", "2", 1.5)], minimum=0.0).winner == 1
    three = [Ballot("a", "1", 2.0), Ballot("b", "2", 1.0), Ballot("c", "2", 1.0)]
    assert vote(three, minimum=0.0).groups[0].value.value == "2"
    tied = vote([Ballot("a", "1"), Ballot("b", "2")], minimum=0.0)
    assert tied.winner is None
    assert "tie" in tied.reason


def test_a_bare_number_counts_with_the_same_number_of_a_unit() -> None:
    cast = [Ballot("a", "5"), Ballot("b", "5 km"), Ballot("c", "5000 m"), Ballot("d", "6 km")]
    result = vote(cast)
    assert result.agreement == 0.75
    assert result.winner == 1
    two = [Ballot("a", "5"), Ballot("b", "5 km", 1.0), Ballot("c", "5 mi", 2.0)]
    assert vote(two, minimum=0.0).groups[0].members == (2, 0)


def test_running_texts_are_not_voted_on() -> None:
    text = "There are many reasons for this, and each of them deserves a closer look at the facts. "
    result = vote([Ballot("a", text * 2), Ballot("b", text * 2 + "Truly.")])
    assert not result.closed
    assert result.winner is None


def test_the_question_helps_to_read_the_answers() -> None:
    question = ask("Which city? A) Paris B) Rome")
    result = vote([Ballot("a", "B"), Ballot("b", "Rome"), Ballot("c", "A")], request=question)
    assert result.agreement == pytest.approx(2 / 3)


@pytest.mark.parametrize("cast", [[], [Ballot("a", "1", 0.0)], [Ballot("a", "1", -1.0)]])
def test_a_vote_without_weight_is_refused(cast: list[Ballot]) -> None:
    with pytest.raises(ValueError, match="positive weights"):
        vote(cast)


words = st.lists(
    st.sampled_from(["the", "a", "dog", "cat", "runs", "sleeps", "here", "犬", "猫"]), max_size=8
).map(" ".join)


@given(words, words)
def test_similarity_is_symmetric_and_full_only_for_the_same_words(one: str, other: str) -> None:
    assert similarity(one, other) == similarity(other, one)
    assert 0.0 <= similarity(one, other) <= 1.0
    assert similarity(one, one.upper()) == 1.0
    if sorted(one.split()) != sorted(other.split()):
        assert similarity(one, other) < 1.0


def test_agreement_is_measured_for_values_and_for_texts() -> None:
    assert agreement(["4", "4.0", "5"]) == pytest.approx(2 / 3)
    assert agreements(["4", "4.0", "5"]) == (0.5, 0.5, 0.0)
    assert agreements(["4"]) == (0.0,)
    long = (
        "The river rises in the hills and flows through three towns before it meets the sea. " * 2
    )
    other = "A river that rises in the hills flows to the sea through three towns on its way. " * 2
    assert agreement([long, long]) == 1.0
    assert 0.0 < agreement([long, other]) < 1.0
    assert mean_similarity([long]) == 1.0


def test_consistency_says_nothing_without_other_answers() -> None:
    assert consistency("4", ()) == 0.5
    assert consistency("4", ("4", "4")) == 1.0
    assert consistency("4", ("5", "6")) == 0.0
