"""The lexicon's file keeps the form that lookups rely on."""

from __future__ import annotations

import json
import re
from pathlib import Path

from mcp_router.routing import lexicon as module
from mcp_router.routing.cues import find_cues
from mcp_router.routing.lexicon import STEM, WIDE, lexicon
from mcp_router.routing.marks import find_marks
from mcp_router.routing.text import fold
from mcp_router.types import TaskType

FILE = json.loads(Path(module.__file__).with_name("cues.json").read_text("utf-8"))
NAMES = {kind.value for kind in TaskType}


def phrases() -> list[tuple[str, str]]:
    listed = list(FILE["classes"].values())
    for section in ("types", "traits"):
        listed += [group for label in FILE[section].values() for group in label.values()]
    return [
        (language, phrase)
        for group in listed
        for language, text in group.items()
        for phrase in text.split("; ")
    ]


def test_every_task_type_has_words_of_its_own() -> None:
    assert set(FILE["types"]) == NAMES


def test_weights_name_task_types_only() -> None:
    tables = [FILE["pairs"], FILE["solo"], FILE["marks"]]
    named = {kind for table in tables for weights in table.values() for kind in weights}
    assert named | set(FILE["priors"]) <= NAMES


def test_pairs_and_single_classes_name_classes_that_exist() -> None:
    named = {name for pair in FILE["pairs"] for name in pair.split(" ")} | set(FILE["solo"])
    assert named <= set(FILE["classes"])


def test_phrases_are_folded_and_spaced_as_prompts_are_read() -> None:
    for language, phrase in phrases():
        assert phrase == fold(phrase)
        assert phrase.strip()
        if language != "cjk":
            words = re.findall(r"\w+(?:'\w+)*[+#]*\*?", phrase)
            assert " ".join(words) == phrase


def test_scripts_without_blanks_stand_under_cjk_and_nothing_else_does() -> None:
    for language, phrase in phrases():
        assert (re.search(WIDE, phrase) is not None) == (language == "cjk"), phrase


def test_stems_are_single_words_long_enough_to_be_found() -> None:
    stems = [phrase for _, phrase in phrases() if "*" in phrase]
    assert stems
    for stem in stems:
        assert stem.endswith("*")
        assert " " not in stem
        assert len(stem) > STEM


def test_every_phrase_is_found_in_a_text_of_itself() -> None:
    negators = lexicon().negators
    for _, phrase in phrases():
        text = phrase.removesuffix("*")
        if text.split(" ")[0] not in negators:
            found = find_cues(text)
            assert found.evidence or found.traits, phrase


def test_every_mark_that_is_found_in_a_text_has_weights() -> None:
    texts = ("what?", "a_b()", "select * from t group by x", "$x^2$", "you are", "😀", "???")
    known = set(FILE["marks"]) | {"issue template", "code question"}
    assert {name for text in texts for name in find_marks(text).names} <= known
