"""Counts, forms, languages, loops and code: what was asked for is compared with what came."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.quality.assess import assess
from mcp_router.quality.code import parses
from mcp_router.quality.counts import Wanted, counts_wanted, list_sizes, sentence_count
from mcp_router.quality.languages import language_of
from mcp_router.quality.repetition import repetition
from mcp_router.quality.voice import Block, layout
from tests.quality.labelled import ask


def says(prompt: str, answer: str) -> list[str]:
    return [signal.says for signal in assess(ask(prompt), answer).signals]


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("summarize this in three bullet points", ("points", 3, 3)),
        ("give me 5 tips", ("points", 5, 5)),
        ("list at least four reasons", ("points", 4, None)),
        ("name up to 3 examples", ("points", None, 3)),
        ("write 2-3 sentences", ("sentences", 2, 3)),
        ("in one sentence, what is it?", ("sentences", 1, 1)),
        ("explain in no more than 100 words", ("words", None, 100)),
        ("an essay of at most 50 words", ("words", None, 50)),
        ("write two paragraphs", ("paragraphs", 2, 2)),
        ("list ten rivers of europe", ("points", 10, 10)),
        ("fasse das in drei stichpunkten zusammen, mit genau drei punkten", None),
        ("nenne zwei beispiele", ("points", 2, 2)),
        ("donne trois raisons", ("points", 3, 3)),
        ("dame cinco consejos", ("points", 5, 5)),
        ("geef drie voorbeelden in twee zinnen", ("sentences", 2, 2)),
        ("приведи три пункта", ("points", 3, 3)),
        ("what is the distance between two points?", None),
        ("i wrote three sentences yesterday", None),
        ("write a sentence", None),
        ("is 3 words enough", None),
    ],
)
def test_a_count_is_read_from_an_instruction_only(
    prompt: str, wanted: tuple[str, int | None, int | None] | None
) -> None:
    found = counts_wanted(prompt)
    assert found == (() if wanted is None else (Wanted(*wanted),))


def test_too_few_and_too_many_points_are_told_apart_from_the_right_number() -> None:
    prompt = "List three colours."
    assert says(prompt, "- red\n- green\n- blue") == []
    assert says(prompt, "1) red\n2) green\n3) blue") == []
    assert says(prompt, "Red, green and blue.") == []
    assert says(prompt, "- red\n- green") == ["has 2 points, not 3"]
    assert says(prompt, "- red\n- green\n- blue\n- grey") == ["has 4 points, not 3"]
    nested = "1. Red\n   - like blood\n   - like roses\n2. Green\n3. Blue\n   - like the sea"
    assert says(prompt, nested) == []


@given(st.integers(1, 12), st.sampled_from(["- ", "* ", "{n}. ", "{n}) ", "**{n}.** ", "## "]))
def test_a_list_has_as_many_items_as_were_written(count: int, mark: str) -> None:
    lines = [mark.format(n=at + 1) + f"item number {at}" for at in range(count)]
    assert count in list_sizes("Here they are:\n\n" + "\n\n".join(lines))


def test_abbreviations_do_not_end_sentences() -> None:
    assert (
        sentence_count("Dr. Moss met Mr. Hale at 3.15 p.m. on Monday. They left, e.g. by car.") <= 3
    )
    assert sentence_count("One. Two! Three? Four") == 4
    assert sentence_count("山は高い。海は深い。") == 2


def test_the_forms_that_were_ordered_are_checked() -> None:
    letter = "Which is prime? A) 4 B) 5. Answer with only the letter."
    assert says(letter, "B") == says(letter, "**B**") == says(letter, "(b)") == []
    assert says(letter, "The prime number is 5, so the answer is B.")
    assert says("Is 7 prime? Answer yes or no.", "Yes.") == []
    assert says("Is 7 prime? Answer yes or no.", "Seven has no divisors but one and itself.")
    assert says("Name the colour in one word.", "Blue") == []
    assert says("Name the colour in one word.", "It is a kind of deep blue.")
    assert says("Compare both in a table.", "| a | b |\n|---|---|\n| 1 | 2 |") == []
    assert says("Compare both in a table.", "The first is cheaper.") == ["has no table"]
    assert says("Only code, no explanation: add two numbers.", "```python\na + b\n```") == []


@pytest.mark.parametrize(
    "prompt",
    [
        "What is the only even prime number?",
        "Write a letter to my only aunt.",
        "What is my only option here?",
        "How do I create a table in SQL?",
        "Respond to the letter from my landlord.",
        "Why is yes or no a bad answer?",
    ],
)
def test_words_that_look_like_an_order_are_none(prompt: str) -> None:
    answer = (
        "That depends on what you already have at hand. In most cases the simplest way is the best "
        "one, so begin with a short draft and improve it later, once you have seen how it works."
    )
    assert [say for say in says(prompt, answer) if "asked for" in say or "table" in say] == []


TEXTS: dict[str, str] = json.loads(Path(__file__).with_name("phrases.json").read_text("utf-8"))[
    "languages"
]


@pytest.mark.parametrize("language", TEXTS)
def test_the_language_of_a_text_is_recognised(language: str) -> None:
    assert language_of(TEXTS[language]) == language


@pytest.mark.parametrize("language", ["de", "fr", "es", "ru", "zh", "ko"])
def test_an_answer_in_another_language_than_the_question_is_bad(language: str) -> None:
    assert f"is written in en, not {language}" in says(TEXTS[language], TEXTS["en"])
    assert says(TEXTS[language], TEXTS[language]) == []
    assert f"is written in {language}, not en" in says(TEXTS["en"], TEXTS[language])


@pytest.mark.parametrize(
    ("prompt", "answer", "fits"),
    [
        ("Answer in French: where is the house?", "fr", True),
        ("Answer in French: where is the house?", "en", False),
        (
            "Translate this text into German, please, and keep the number as it is: hello.",
            "de",
            True,
        ),
        (
            "Translate this text into German, please, and keep the number as it is: hello.",
            "es",
            False,
        ),
        (
            "Antworte bitte auf Englisch: Wo steht das Haus, und von wo aus ist es zu sehen?",
            "en",
            True,
        ),
        ("How do you say in Japanese that the house stands on a hill by the river?", "ja", True),
        ("How do you say in Japanese that the house stands on a hill by the river?", "en", True),
        ("Who wrote Les Misérables?", "en", True),
        ("Übersetze: The house stands on a hill that can be seen from the river.", "de", True),
        ("Übersetze: The house stands on a hill that can be seen from the river.", "en", True),
    ],
)
def test_an_ordered_language_beats_that_of_the_question(
    prompt: str, answer: str, fits: bool
) -> None:
    found = [say for say in says(prompt, TEXTS[answer]) if say.startswith("is written")]
    assert found == [] if fits else found


def test_a_system_prompt_may_order_the_language() -> None:
    request = ask("Wo steht das Haus, und von wo aus ist es zu sehen?")
    system = {"role": "system", "content": "Always answer in English."}
    request = request.model_validate({"messages": [system, *request.model_dump()["messages"]]})
    assert assess(request, TEXTS["en"]).signals == ()
    assert assess(request, TEXTS["de"]).signals[0].name == "language"


@given(st.text("abcdefgh .,\n", min_size=1, max_size=40), st.integers(8, 60))
def test_a_unit_said_over_and_over_at_the_end_is_a_loop(unit: str, rounds: int) -> None:
    looped = "First there is a sentence. " + unit * rounds
    tail = looped.rstrip()
    long_enough = len(unit.strip()) * rounds > 150 and any(map(str.isalnum, unit))
    if long_enough and len(tail) > 200:
        assert repetition(looped) is not None


@given(st.lists(st.integers(0, 10_000), min_size=5, max_size=200, unique=True))
def test_a_table_of_different_rows_is_no_loop(values: list[int]) -> None:
    rows = "\n".join(f"| row {value} | {value * 7} | ok |" for value in values)
    assert repetition(f"| name | value | state |\n|---|---|---|\n{rows}") is None
    assert repetition("-" * 500) is None
    assert repetition("\n".join(f"{value}, " for value in values)) is None


def test_sentences_said_again_and_again_are_a_loop_unless_that_was_asked_for() -> None:
    line = "The quick brown fox jumps over the lazy dog"
    story = ". ".join(
        ["It was a long day in the wood", line, line, "Then it slept", line, line, line]
    )
    assert repetition(story + ".") is not None
    assert says("Tell me about the fox.", story + ".")
    assert says("Repeat it 5 times as a refrain.", story + ".") == []


def test_a_poem_with_a_refrain_is_no_loop() -> None:
    verses = [
        f"Verse {at} walks another road through field {at * 3} and town {at}" for at in range(6)
    ]
    poem = "\n\n".join(f"{verse},\nand the river rolls along." for verse in verses)
    assert repetition(poem) is None


@pytest.mark.parametrize(
    ("language", "text", "fine"),
    [
        ("python", "def f(x):\n    return x", True),
        ("python", "    indented = 1\n    more = 2", True),
        ("python", ">>> 1 + 1\n2\n>>> x = 3", True),
        ("python", "class A:\n    def f(self):\n        ...\n", True),
        ("python", "%matplotlib inline\n!pip install x\nx = 1", True),
        ("python", "for x in y:", True),
        ("python", "x = '\\d'", True),
        ("python", "return 5", True),
        ("python", "def f(x)\n    return x", False),
        ("python", "x = (1, 2", False),
        ("python", "x = = 2", False),
        ("json", '{"a": 1}', True),
        ("json", '{"a": 1, ...}', True),
        ("json", '{"a": 1', False),
        ("toml", "a = 1", True),
        ("toml", "a: 1", False),
        ("javascript", "f(() => { return `${x})`; }); // }", True),
        ("javascript", "f(() => { return 1; )", False),
        ("go", 'func main() { fmt.Println("(") }', True),
        ("rust", "fn main() { let c = 'x'; ", False),
        ("brainfuck", "+++[", None),
    ],
)
def test_code_is_parsed_as_far_as_its_language_is_known(
    language: str, text: str, fine: bool | None
) -> None:
    assert parses(text, language=language) is fine


@pytest.mark.parametrize("text", ["(" * 100_000, "-" * 100_000 + "1", "[" * 150_000, "x" * 300_000])
@pytest.mark.parametrize("language", ["python", "json", "javascript"])
def test_no_code_brings_the_parser_down(text: str, language: str) -> None:
    assert parses(text, language=language) in {True, False, None}


def test_half_of_the_blocks_broken_weighs_half() -> None:
    one = "```python\nx = 1\n```\n"
    bad = "```python\nx = = 1\n```\n"
    both = assess(ask("Show me code."), one + bad).signals
    alone = assess(ask("Show me code."), bad).signals
    assert [signal.name for signal in (*both, *alone)] == ["code", "code"]
    assert both[0].strength < alone[0].strength


def test_prose_and_code_are_taken_apart() -> None:
    found = layout("Before\n```py\nx = 1\n```\nbetween\n~~~\n```\n~~~\nafter\n```js\nf(")
    assert found.prose == "Before\nbetween\nafter"
    assert found.blocks == (
        Block("py", "x = 1", closed=True),
        Block("", "```", closed=True),
        Block("js", "f(", closed=False),
    )


@given(st.lists(st.text(st.characters(exclude_characters="`~\r"), max_size=30), max_size=5))
def test_nothing_is_lost_in_taking_apart(pieces: list[str]) -> None:
    answer = "\n".join(f"```\n{piece}\n```" for piece in pieces)
    kept = [block.text.splitlines() for block in layout(answer).blocks]
    assert kept == [piece.splitlines() for piece in pieces] or any(
        mark in piece for piece in pieces for mark in "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
    )
