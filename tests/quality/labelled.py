"""Answers with labels, written for these tests: good ones, traps that only look bad, and bad ones.

Bad answers are written out where wording matters, and made from good ones where damage does. Tasks
and phrases fall into two halves, so that what is fitted on one can be measured on the other.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, NamedTuple

from mcp_router.types import Message, Request


class Labelled(NamedTuple):
    """One answer to one request; `half` is 0 or 1."""

    request: Request
    answer: str
    good: bool
    kind: str
    half: int
    finish_reason: str = "stop"


DATA: dict[str, Any] = json.loads(Path(__file__).with_name("labelled.json").read_text("utf-8"))


def ask(prompt: str, **fields: object) -> Request:
    messages = (Message(role="user", content=prompt),)
    return Request.model_validate({"messages": messages, **fields})


def labelled() -> list[Labelled]:
    """Every labelled answer, the same ones in the same order each time."""
    rng = random.Random(5)
    found: list[Labelled] = []
    for at, task in enumerate(DATA["tasks"]):
        request = ask(task["ask"], **task.get("fields", {}))
        half = at % 2
        found += [Labelled(request, text, True, "good", half) for text in task["good"]]
        found += [Labelled(request, text, False, "wrong", half) for text in task.get("wrong", [])]
        found += [
            Labelled(request, text, False, kind, half)
            for kind, texts in task.get("bad", {}).items()
            for text in texts
        ]
        found += _damaged(request, task, half, rng)
    return found


def _damaged(
    request: Request, task: dict[str, Any], half: int, rng: random.Random
) -> list[Labelled]:
    language, good = task.get("language", "en"), task["good"][0]
    made: list[Labelled] = []

    def add(kind: str, answer: str, finish: str = "stop") -> None:
        made.append(Labelled(request, answer, False, kind, half, finish))

    for kind in ("refusal", "hedging", "asks_back"):
        phrases = DATA[kind].get(language, [])[half::2]
        if phrases and not (task.get("drafts") and kind != "refusal"):
            add(kind, rng.choice(phrases))
    if len(good) > 200:
        cut = good[: int(len(good) * rng.uniform(0.4, 0.8))]
        add("truncated", cut, "length")
        if "```" in good:
            add("truncated", cut)
        unit = good[:60]
        add("repetition", good[:120] + unit * 12)
    if rng.random() < 0.3:
        add("empty", rng.choice(["", "   ", "\n\n", "..."]))
    return made
