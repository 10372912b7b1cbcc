"""What the classifier is trained on and how it is judged: apart from the tests, and repeatable."""

from __future__ import annotations

import gzip
import json
import random
import re
from pathlib import Path

import pytest

from mcp_router.routing.classify import classify
from mcp_router.routing.linear import adjusted, hashed, parse
from mcp_router.types import TaskType
from tests.training.disturb import WAYS, for_training, typos
from tests.training.examples import Example, normal, public, request, written
from tests.training.measure import Guess, ece, figures, macro_f1

KINDS = {kind.value for kind in TaskType}
LABELLED = Path(__file__).parents[1] / "routing" / "labelled_prompts.json"


def test_every_type_has_prompts_of_its_own_in_each_written_source() -> None:
    for source in ("english", "other", "templates"):
        assert {one.kind for one in written() if one.source == source} == KINDS


def test_no_prompt_of_the_tests_is_trained_on() -> None:
    tests = {
        normal(text)
        for languages in json.loads(LABELLED.read_text("utf-8")).values()
        for texts in languages.values()
        for text in texts
    }
    by_hand = {one.group for one in written() if one.source in {"english", "other"}}
    assert tests & by_hand == set()


def test_templates_are_filled_in_alike_each_time() -> None:
    assert written() == written()
    filled = [one.text for one in written() if one.source == "templates"]
    assert [text for text in filled if re.search(r"(?<!\$)\{[a-z]+\}", text)] == []


def test_public_sets_are_read_once_per_prompt_and_never_more_than_a_share(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "outcomes").mkdir()
    rows = [{"id": str(n), "prompt": f"Prove  lemma {n % 400}!", "label": "x"} for n in range(900)]
    for name in (
        "labels/arena_hard_v01_clusters",
        "outcomes/arena_bench_v1",
        "labels/arena_hard_v2",
        "labels/biggen_capability",
        "outcomes/mmlu_pro",
        "labels/mtbench_vicuna",
        "outcomes/llmrouter_uiuc",
        "labels/math_levels",
        "labels/task_types",
        "labels/vllm_sr_domains",
    ):
        lines = rows if name == "labels/math_levels" else []
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in lines)
    found = public(tmp_path)
    assert len(found) == 320
    assert len({one.group for one in found}) == 320
    assert {(one.kind, one.source) for one in found} == {("math_logic", "math")}


def test_attachments_become_part_of_the_request() -> None:
    shown = Example("What is this?", "multimodal", "english", "g", media="image/png")
    assert classify(request(shown)).task_type == "multimodal"


@pytest.mark.parametrize("way", WAYS)
def test_new_wordings_are_repeatable_and_differ(way: str) -> None:
    text = "Write a short report about the quarterly figures of our branch"
    once, twice = (WAYS[way](text, random.Random(5)) for _ in range(2))
    assert once == twice != text


def test_typos_change_a_word_here_and_there() -> None:
    text = " ".join(["harbour"] * 1000)
    changed = sum(word != "harbour" for word in typos(text, random.Random(1)).split(" "))
    assert 80 <= changed <= 200


def test_wordings_for_training_are_not_those_for_measuring() -> None:
    # Case has but a few forms, and both sides make typos.
    plain = "?"
    trained = {for_training(plain, random.Random(n)) for n in range(400)}
    measured = {WAYS[way](plain, random.Random(n)) for way in WAYS for n in range(100)}
    assert trained & measured == {plain}


def test_macro_f1_is_the_mean_over_types() -> None:
    # a: 2 of 2 found, one false alarm: F1 0.8; b: 1 of 2 found: F1 2/3.
    guesses = [Guess(*pair, 1.0) for pair in ("aa", "aa", "ba", "bb")]
    assert macro_f1(guesses, least=1) == pytest.approx((0.8 + 2 / 3) / 2)
    assert macro_f1(guesses, least=3) == 0.0


def test_ece_is_the_gap_between_said_and_true() -> None:
    right = [Guess("a", "a", 0.95)] * 9 + [Guess("b", "a", 0.95)]
    assert ece(right) == pytest.approx(0.05)
    assert ece([Guess("a", "a", 1.0)]) == 0.0
    assert figures([Guess("a", "a", 0.9)] * 4 + [Guess("a", "b", 0.1)]).sure == 1.0


def test_the_same_examples_give_the_same_bytes_and_the_product_reads_them() -> None:
    pytest.importorskip("numpy")
    from tests.training.evaluation import prepare, train
    from tests.training.fit import Choices, features_of, packed, scores

    choices = Choices(buckets=1 << 9, epochs=2)
    examples = [one for one in written() if one.source == "english"][::12]
    data = prepare(examples, choices=choices)
    made = [
        packed(train(data, range(len(examples)), choices=choices), choices=choices, temperature=0.8)
        for _ in range(2)
    ]
    assert made[0] == made[1]
    read = parse(made[0])
    row, example = data.rows[0], examples[0]
    theirs = scores([row], train(data, range(len(examples)), choices=choices), rules=choices.rules)
    features = features_of(request(example))
    rules = dict(zip(read.kinds, row.rules, strict=True))
    ours = adjusted(rules, found=hashed(features, buckets=read.buckets), model=read)
    assert list(ours.values()) == pytest.approx(list(theirs[0]), abs=0.1)
