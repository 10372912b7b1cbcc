"""Trains on one part of the examples, guesses the rest, and says how good the guesses are."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mcp_router.routing.classify import classify
from mcp_router.types import Message, Request
from tests.training.disturb import WAYS, for_training, wrapped_for_training
from tests.training.examples import OWN, Example, request
from tests.training.fit import (
    KINDS,
    Array,
    Choices,
    Model,
    Row,
    balanced,
    fit,
    row,
    scores,
    softmax,
)
from tests.training.measure import Figures, Guess, figures

FOLDS = 5
_NEW_WORDING = 0.5


class Prepared(NamedTuple):
    """Examples as numbers, each with other wordings of it that only train."""

    examples: Sequence[Example]
    rows: Sequence[Row]
    others: Sequence[Sequence[Row]]


class Scored(NamedTuple):
    """The raw scores of examples that were not trained on."""

    examples: Sequence[Example]
    raw: Array


def prepare(examples: Sequence[Example], *, choices: Choices) -> Prepared:
    """Turn examples and another wording of each into numbers."""
    rows = [row(request(one), kind=one.kind, choices=choices) for one in examples]
    others = [
        [row(request(other), kind=one.kind, choices=choices) for other in _reworded(one)]
        for one in examples
    ]
    return Prepared(examples, rows, others)


def train(data: Prepared, chosen: Iterable[int], *, choices: Choices) -> Model:
    """Fit weights to the chosen examples and their other wordings."""
    picked = list(chosen)
    weights = balanced([(data.examples[at].source, data.examples[at].kind) for at in picked])
    return fit(
        [row for at in picked for row in (data.rows[at], *data.others[at])],
        [
            weight * share
            for at, weight in zip(picked, weights, strict=True)
            for share in (1.0, *(_NEW_WORDING for _ in data.others[at]))
        ],
        choices=choices,
    )


def known_sources(data: Prepared, *, choices: Choices) -> Scored:
    """Score every example by a model that saw others of its source, in five folds by group."""
    folds = [_number(one.group) % FOLDS for one in data.examples]
    return _held_out(data, [lambda at, f=fold: folds[at] == f for fold in range(FOLDS)], choices)


def left_out_sources(data: Prepared, *, choices: Choices) -> Scored:
    """Score every example by a model that saw nothing of its source."""
    names = sorted({one.source for one in data.examples})
    return _held_out(
        data, [lambda at, n=name: data.examples[at].source == n for name in names], choices
    )


def rules_alone(data: Prepared, *, temperature: float) -> Scored:
    """Score every example by the rules."""
    return Scored(data.examples, np.array([one.rules for one in data.rows]) / temperature)


def guesses(scored: Scored, *, temperature: float) -> list[Guess]:
    """Read the likeliest type of each example from its scores."""
    chances = softmax(scored.raw / temperature)
    best = chances.argmax(axis=1)
    return [
        Guess(one.kind, KINDS[at], float(chances[number, at]))
        for number, (one, at) in enumerate(zip(scored.examples, best, strict=True))
    ]


def parts(scored: Scored, *, temperature: float) -> Iterator[tuple[str, Figures]]:
    """Judge all examples, the public ones, and those written for training."""
    pairs = list(zip(scored.examples, guesses(scored, temperature=temperature), strict=True))
    yield "all", figures([guess for _, guess in pairs])
    yield "public", figures([guess for one, guess in pairs if one.source not in OWN])
    yield "written", figures([guess for one, guess in pairs if one.source in OWN])


def by_source(scored: Scored, *, temperature: float) -> Iterator[tuple[str, Figures]]:
    """Judge each source by itself."""
    pairs = list(zip(scored.examples, guesses(scored, temperature=temperature), strict=True))
    for name in sorted({one.source for one in scored.examples}):
        yield name, figures([guess for one, guess in pairs if one.source == name])


def best_temperature(known: Scored, unknown: Scored) -> float:
    """Find the temperature at which the worse of two calibration errors is least."""

    def worst(temperature: float) -> float:
        shares = (next(parts(one, temperature=temperature))[1].ece for one in (known, unknown))
        return max(shares)

    return min((round(0.5 + 0.05 * step, 2) for step in range(50)), key=worst)


def flip_rates(texts: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Say which share of prompts gets another type from the product when worded anew."""
    plain = [_said(text) for text in texts]
    for name, reword in WAYS.items():
        changed = [
            _said(reword(text, random.Random(f"{name} {text}"))) != said
            for text, said in zip(texts, plain, strict=True)
        ]
        yield name, sum(changed) / len(changed)


def _held_out(data: Prepared, held: Sequence[Callable[[int], bool]], choices: Choices) -> Scored:
    examples: list[Example] = []
    raw: list[Array] = []
    everything = range(len(data.examples))
    for is_held in held:
        tested = [at for at in everything if is_held(at)]
        groups = {data.examples[at].group for at in tested}
        learnt = [at for at in everything if data.examples[at].group not in groups]
        model = train(data, learnt, choices=choices)
        examples += [data.examples[at] for at in tested]
        raw.append(scores([data.rows[at] for at in tested], model, rules=choices.rules))
    return Scored(examples, np.concatenate(raw))


def _reworded(example: Example) -> Iterator[Example]:
    rng = random.Random(example.text)
    for reword in (for_training, wrapped_for_training):
        yield example._replace(text=reword(example.text, rng))


def _said(text: str) -> str:
    return classify(Request(messages=(Message(role="user", content=text),))).task_type


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest())
