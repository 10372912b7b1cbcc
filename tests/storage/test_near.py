"""A near-duplicate is the same question in other clothes, never merely a similar one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.storage.near import Sketch, letters, significant, similarity, sketch
from mcp_router.types import Message, ProviderInfo, Request, Text
from tests.builders import model as build_model

MODEL = build_model("alpha")
PROVIDER = ProviderInfo(name="openai", wire="openai", base_url="https://api.test/v1")


def drawn(prompt: str, **fields: object) -> Sketch | None:
    messages = (Message(role="user", content=prompt),)
    request = Request.model_validate({"messages": messages, **fields})
    return sketch(request, model=MODEL, provider=PROVIDER)


def alike(one: str, other: str, *, threshold: float = 0.8) -> bool:
    first, second = drawn(one), drawn(other)
    assert first is not None
    assert second is not None
    near = similarity(first.vector, second.vector) >= threshold
    return first[:2] == second[:2] and near


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is the capital of France?", "what is the capital of France"),
        ("What is the capital of France?", "Please, what's the capital of France?"),
        ("What is the capital of France?", "Hi! What is the capital of France? Thanks!"),
        ("Can you tell me how a mutex works?", "how a mutex works"),
        ("Why can't pigs fly?", "Why cannot pigs fly?"),
        ("Wie alt ist Rom?", "Bitte, wie alt ist Rom? Danke!"),
        ("How does the Krebs cycle work?", "How does Krebs cycle work, please?"),
    ],
)
def test_the_same_question_in_other_clothes_is_found(one: str, other: str) -> None:
    assert alike(one, other)


# In every pair most letters are the same, and the answers are not.
DIFFERENT = [
    ("How many days are there in 2023?", "How many days are there in 2024?"),
    ("Is 1.5 more than 15?", "Is 15 more than 1.5?"),
    ("Recipes for cake with sugar", "Recipes for cake without sugar"),
    ("Which foods are safe for cats?", "Which foods are not safe for cats?"),
    ("Can I deduct this?", "Can't I deduct this?"),
    ("What is the capital of France?", "What is the capital of Spain?"),
    ("weather in paris tomorrow", "weather in rome tomorrow"),
    ("Convert EUR to USD", "Convert USD to EUR"),
    ("Did the dog bite the man?", "Did the man bite the dog?"),
    ("Explain C", "Explain C++"),
    ("Explain C++", "Explain C#"),
    ("Is a < b?", "Is a > b?"),
    ("How do I polish shoes?", "How do I Polish shoes?"),
    ("Should I buy the stock now?", "Should I sell the stock now?"),
    ("largest city in Peru", "smallest city in Peru"),
    ("Is 5% enough?", "Is 5 enough?"),
    ("temperature of -5 degrees", "temperature of 5 degrees"),
    ("Is it 3.5?", "Is it 35?"),
    ("Wer ist kein Kandidat?", "Wer ist ein Kandidat?"),
    ("What did US officials say?", "What did us officials say?"),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_a_similar_question_with_another_answer_is_not(one: str, other: str) -> None:
    assert not alike(one, other, threshold=0.0)


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "Translate: could you please help",
        'What does "please" mean?',
        "Fix this:\n    x = 1",
        "Explain `x`",
        "What does 'the' mean?",
        "Is «la» an article?",
        "word " * 1_000,
    ],
)
def test_what_cannot_be_guarded_has_no_sketch(prompt: str) -> None:
    assert drawn(prompt) is None


def test_only_a_plain_last_question_of_a_person_has_a_sketch() -> None:
    question = Message(role="user", content="How old is Rome?")
    parts = Message(role="user", content=(Text(text="How old is Rome?"),))
    answer = Message(role="assistant", content="Old.")
    for messages in ((question, answer), (parts,), ()):
        request = Request(messages=messages)
        assert sketch(request, model=MODEL, provider=PROVIDER) is None


def test_system_prompts_tools_parameters_and_scopes_are_spaces_of_their_own() -> None:
    plain = drawn("How old is Rome?")
    warm = drawn("How old is Rome?", temperature=1.0)
    tools = drawn("How old is Rome?", tools=[{"name": "search"}])
    request = Request(messages=(Message(role="user", content="How old is Rome?"),))
    scoped = sketch(request, model=MODEL, provider=PROVIDER, scope="anna")
    system = Message(role="system", content="Be brief.")
    told = sketch(Request(messages=(system, *request.messages)), model=MODEL, provider=PROVIDER)
    found = (plain, warm, tools, scoped, told)
    assert len({one.space for one in found if one is not None}) == 5
    assert len({one.guard for one in found if one is not None}) == 1


def test_vectors_of_another_length_are_not_alike() -> None:
    one = drawn("How old is Rome?")
    assert one is not None
    assert similarity(one.vector, b"\x01") == 0.0


words = st.lists(
    st.sampled_from(["Rome", "old", "not", "5", "is", "how", "x+y"]), min_size=1, max_size=6
)


@given(words, words)
def test_sketches_agree_only_where_the_significant_words_do(
    one: list[str], other: list[str]
) -> None:
    first, second = drawn(" ".join(one)), drawn(" ".join(other))
    assert first is not None
    assert second is not None
    same = significant(" ".join(one)) == significant(" ".join(other))
    assert (first.guard == second.guard) == same


prompts = st.text(min_size=1, max_size=60)


@given(prompts, prompts)
def test_likeness_is_symmetric_and_full_with_itself(one: str, other: str) -> None:
    first, second = (
        bytes(min(127, round(10 * part)) for part in letters(text)) for text in (one, other)
    )
    assert similarity(first, second) == similarity(second, first)
    assert similarity(first, first) == pytest.approx(1.0)
