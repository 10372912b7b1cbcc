"""Measures how well a router that knows nothing yet tells which requests need the strong model.

    python -m tests.training.coldstart DATA

For pairs of a weak and a strong model of public outcomes it orders the questions by how much more
the strong model of the catalogue is expected to succeed, from the text alone, and prints the APGR
(`evaluation/metrics.py`) of that order beside the one by words; chance is 0.5. The questions were
seen by the task-type classifier, but no outcome was: the figures are on unseen outcomes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from mcp_router.belief.beta import mean
from mcp_router.catalog.catalog import Catalog
from mcp_router.evaluation.metrics import apgr, sharing_curve
from mcp_router.routing.classify import classify
from mcp_router.routing.complexity import length_ease, words_of
from mcp_router.routing.posterior import posterior
from mcp_router.routing.tokens import request_counts
from mcp_router.types import Message, ModelInfo, Request

MOST = 2_500
PAIRS = (
    ("mmlu_pro", "Mixtral-8x7B-Instruct-v0.1", "gemini-1.5-pro-002"),
    ("mmlu_pro", "gemini-1.5-flash-002", "gemini-1.5-pro-002"),
    ("mmlu_pro", "Meta-Llama-3_1-8B-Instruct", "gemini-1.5-pro-002"),
    ("llmrouter_uiuc", "mistral-7b-instruct-v0.3", "llama-3.1-nemotron-51b-instruct"),
    ("llmrouter_uiuc", "llama-3.1-8b-instruct", "llama-3.1-nemotron-51b-instruct"),
    ("livecodebench_codegen", "GPT-4O-mini-2024-07-18", "O4-Mini (Medium)"),
    ("livecodebench_codegen", "Claude-3-Haiku", "Claude-3.7-Sonnet (Thinking)"),
    ("zeroeval_crux", "gpt-4o-mini-2024-07-18", "gpt-4o-2024-08-06"),
    ("zeroeval_crux", "Mixtral-8x7B-Instruct-v0.1", "gpt-4-turbo-2024-04-09"),
    ("zeroeval_math_l5", "claude-3-haiku-20240307", "claude-3-5-sonnet-20241022"),
    ("arena_bench_v1", "Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"),
)
WEAK, STRONG = "gpt-6-luna", "claude-opus-5-5"
DAY = date(2026, 11, 21)


class Question(NamedTuple):
    """What a question scored by model, its words, and how much it seems to need the strong one."""

    scores: Mapping[str, float]
    words: int
    need: float


def main(arguments: list[str] | None = None) -> int:
    """Print one line for each pair, and the means."""
    parser = argparse.ArgumentParser(prog="python -m tests.training.coldstart")
    parser.add_argument("data", type=Path)
    data = parser.parse_args(arguments).data
    catalog = Catalog.load(on=DAY)
    pair = catalog.resolve(WEAK), catalog.resolve(STRONG)
    known = {name: _questions(data, name, pair=pair) for name in {one[0] for one in PAIRS}}
    print(f"{'':54}{'n':>6}{'words':>8}{'ours':>8}")
    found: list[tuple[float, float]] = []
    for name, weak, strong in PAIRS:
        both = [one for one in known[name] if weak in one.scores and strong in one.scores]
        by_words = _apgr(both, [one.words for one in both], weak=weak, strong=strong)
        ours = _apgr(both, [one.need for one in both], weak=weak, strong=strong)
        found.append((by_words, ours))
        print(f"{name:22}{weak[:30]:32}{len(both):>6}{by_words:>8.3f}{ours:>8.3f}")
    means = [fmean(column) for column in zip(*found, strict=True)]
    print(f"{'mean':60}{means[0]:>8.3f}{means[1]:>8.3f}")
    return 0


def need(text: str, *, pair: tuple[ModelInfo, ModelInfo]) -> float:
    """Say how much likelier the strong model of a pair is to answer a prompt well."""
    request = Request(messages=(Message(role="user", content=text),))
    counts = request_counts(request)
    kind = classify(request, counts=counts)
    ease = length_ease(words_of(counts))
    weak, strong = (
        posterior(model, task=kind.task_type, complexity=kind.complexity, ease=ease)
        for model in pair
    )
    return mean(strong.belief) - mean(weak.belief)


def _questions(data: Path, name: str, *, pair: tuple[ModelInfo, ModelInfo]) -> list[Question]:
    with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows: list[Mapping[str, Any]] = [json.loads(line) for line in lines]
    random.Random(1).shuffle(rows)
    return [
        Question(
            row["scores"], len(re.findall(r"\w+", row["prompt"])), need(row["prompt"], pair=pair)
        )
        for row in rows[:MOST]
    ]


def _apgr(asked: Sequence[Question], needs: Sequence[float], *, weak: str, strong: str) -> float:
    lows, highs = ([one.scores[name] for one in asked] for name in (weak, strong))
    found = apgr(sharing_curve(needs, lows, highs))
    assert found is not None
    return found


if __name__ == "__main__":
    sys.exit(main())
