"""Measures how often a prompt gets another task type when it is worded anew.

    python tests/benchmarks/bench_classify_robustness.py

Prompts are those of `tests/routing/labelled_prompts.json`, which no training saw; paraphrases,
three in English and one in another language for each type, stand in `paraphrases.json`.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from mcp_router.routing.classify import classify
from mcp_router.types import Message, Request

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

MOST = 0.10


def said(text: str) -> str:
    """Say which task type a prompt gets."""
    return classify(Request(messages=(Message(role="user", content=text),))).task_type


def reworded() -> Iterator[tuple[str, float]]:
    """Mistype, recase, wrap and steer the labelled prompts; the share that flips."""
    from tests.training.disturb import WAYS

    labelled = json.loads((HERE.parent / "routing" / "labelled_prompts.json").read_text("utf-8"))
    texts = [text for kinds in labelled.values() for listed in kinds.values() for text in listed]
    plain = {text: said(text) for text in texts}
    for name, way in WAYS.items():
        flips = [said(way(text, random.Random(f"{name} {text}"))) != plain[text] for text in texts]
        yield name, sum(flips) / len(flips)


def paraphrased() -> Iterator[tuple[str, float]]:
    """Compare each prompt with its paraphrases; the share that flips."""
    groups = json.loads((HERE / "paraphrases.json").read_text("utf-8")).values()
    own = [said(again) != said(first) for first, *others in groups for again in others[:2]]
    yield "paraphrase", sum(own) / len(own)
    foreign = [said(group[-1]) != said(group[0]) for group in groups]
    yield "another language", sum(foreign) / len(foreign)


def main() -> int:
    """Print the figures; 1 if one is out of bounds."""
    print(f"{'share that flips':24}{'':>8}{'bound':>8}  held")
    held = []
    for name, share in (*reworded(), *paraphrased()):
        held.append(share <= MOST)
        print(f"{name:24}{share:>8.1%}{MOST:>8.0%}  {'yes' if held[-1] else 'NO'}")
    return int(not all(held))


if __name__ == "__main__":
    sys.exit(main())
